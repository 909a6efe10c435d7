#include <functional>

#include "tests/domain/promotion_spec.hpp"

namespace bestow::domain::test {
namespace {

auto promotion_with(
    const std::function<void(promotion_created&)>& change,
    const std::function<void(targets_imported&)>& rows_change = [](auto&) {})
    -> std::vector<promotion_event> {
  auto created = points();
  change(created);
  auto imported = numbered(rows("a", 1, 10), 1);
  rows_change(imported);
  return {created, opened("a"), imported, closed("a", 10)};
}
auto sealing(std::int64_t amount = 5'000) -> seal_list {
  return {totals(10, amount), false};
}
auto start() -> start_run {
  return {settings(), false};
}
auto resume() -> start_run {
  return {settings(), true};
}
auto completing(std::uint32_t no) -> complete_promotion {
  return {run_no{no}, 9, 1, money_minor{4'500}};
}
auto stop() -> stop_run {
  return {"lunch", "lee"};
}

}  // namespace

TEST_CASE("a list is sealed with its totals", "[unit][promotion]") {
  promotion_spec spec{draft()};
  CHECK_FALSE(may_seal(spec.state()).has_value());
  spec.when(sealing()).then({totals(10, 5'000)});
  CHECK(spec.state().state == promotion_state::sealed);
  CHECK_FALSE(may_seal(spec.state()).has_value());
  promotion_spec{running()}.when(sealing()).then_nothing();
}

TEST_CASE("an empty list may be sealed", "[unit][promotion]") {
  promotion_spec{{points()}}.when(seal_list{totals(0, 0), false}).then({totals(0, 0)});
}

TEST_CASE("a list is not sealed while a batch is open", "[unit][promotion]") {
  promotion_spec spec{and_then(draft(), {opened("b")})};
  spec.when(sealing()).then_refused(rejection::import_open);
  REQUIRE(may_seal(spec.state()).has_value());
  CHECK(may_seal(spec.state())->why == rejection::import_open);
  const auto id = std::to_string(spec.state().created.promotion.value);
  const auto detail = may_seal(spec.state())->detail;
  CAPTURE(detail);
  CHECK(detail.find("`bestow promotion import " + id + " FILE --batch b`") != std::string::npos);
  CHECK(detail.find("`bestow promotion import " + id + " --batch b --abandon`") !=
        std::string::npos);
  spec.when(abandon_batch{"b", ""}).then({batch_abandoned{"b", ""}});
  spec.when(sealing()).then({totals(10, 5'000)});
  promotion_spec{}.when(sealing()).then_refused(rejection::promotion_not_found);
}

TEST_CASE("what neither the row nor the promotion says keeps a list from being sealed",
          "[unit][promotion]") {
  const auto no_amounts = [](auto& r) { r.amounts = u64_column::constant(0, 10); };
  const auto no_reasons = [](auto& r) { r.reasons = string_column::constant("", 10); };
  const auto no_expiries = [](auto& r) { r.expiries = u64_column::constant(0, 10); };
  promotion_spec{promotion_with([](auto& w) { w.default_amount = {}; }, no_amounts)}
      .when(sealing())
      .then_refused(rejection::amount_missing_without_default);
  promotion_spec{promotion_with([](auto& w) { w.default_reason = ""; }, no_reasons)}
      .when(sealing())
      .then_refused(rejection::reason_missing_without_default);
  promotion_spec{promotion_with([](auto& w) { w.default_expiry_at = {}; }, no_expiries)}
      .when(sealing())
      .then_refused(rejection::expiry_missing_without_default);
  // The promotion's default, or the row's own value, is enough.
  promotion_spec{promotion_with([](auto&) {}, no_amounts)}.when(sealing()).then(
      {totals(10, 5'000)});
  promotion_spec{promotion_with([](auto& w) { w.default_amount = {}; })}.when(sealing()).then(
      {totals(10, 5'000)});
}

TEST_CASE("a list must match the control totals and the budget", "[unit][promotion]") {
  promotion_spec{draft()}
      .when(seal_list{totals(10, 0), true})
      .then_refused(rejection::total_overflows);
  promotion_spec{promotion_with([](auto& w) { w.total_count = 11; })}.when(sealing()).then_refused(
      rejection::total_count_differs);
  promotion_spec{promotion_with([](auto& w) { w.total_amount.value = 5'001; })}
      .when(sealing())
      .then_refused(rejection::total_amount_differs);
  promotion_spec{promotion_with([](auto& w) { w.budget_amount.value = 4'999; })}
      .when(sealing())
      .then_refused(rejection::budget_exceeded);
  const auto exact = promotion_with([](auto& w) {
    w.total_count = 10;
    w.total_amount.value = 5'000;
    w.budget_amount.value = 5'000;
  });
  promotion_spec{exact}.when(sealing()).then({totals(10, 5'000)});
}

TEST_CASE("of several reasons not to seal the most important is named", "[unit][promotion]") {
  auto all_wrong = promotion_with(
      [](auto& w) {
        w.default_amount = {};
        w.default_reason = "";
        w.default_expiry_at = {};
        w.total_count = 11;
        w.total_amount.value = 1;
        w.budget_amount.value = 1;
      },
      [](auto& r) {
        r.amounts = u64_column::constant(0, 10);
        r.reasons = string_column::constant("", 10);
        r.expiries = u64_column::constant(0, 10);
      });
  const auto overflowing = seal_list{totals(10, 5'000), true};
  promotion_spec{and_then(all_wrong, {opened("b")})}
      .when(overflowing)
      .then_refused(rejection::import_open);
  promotion_spec{all_wrong}
      .when(overflowing)
      .then_refused(rejection::amount_missing_without_default);
  auto& created = std::get<promotion_created>(all_wrong.front());
  created.default_amount.value = 1;
  promotion_spec{all_wrong}
      .when(overflowing)
      .then_refused(rejection::reason_missing_without_default);
  created.default_reason = "r";
  promotion_spec{all_wrong}
      .when(overflowing)
      .then_refused(rejection::expiry_missing_without_default);
  created.default_expiry_at = later;
  promotion_spec{all_wrong}.when(overflowing).then_refused(rejection::total_overflows);
  promotion_spec{all_wrong}.when(sealing()).then_refused(rejection::total_count_differs);
  created.total_count = 10;
  promotion_spec{all_wrong}.when(sealing()).then_refused(rejection::total_amount_differs);
  created.total_amount.value = 5'000;
  promotion_spec{all_wrong}.when(sealing()).then_refused(rejection::budget_exceeded);
}

TEST_CASE("anyone approves under none, the creator too", "[unit][promotion]") {
  promotion_spec{sealed()}
      .when(approve_promotion{"kim"})
      .then({promotion_approved{"kim"}})
      .when(approve_promotion{"lee"})
      .then_nothing();
  promotion_spec{running()}.when(approve_promotion{"lee"}).then_nothing();
  promotion_spec{draft()}.when(approve_promotion{"lee"}).then_refused(rejection::not_sealed);
  promotion_spec{}.when(approve_promotion{"lee"}).then_refused(rejection::promotion_not_found);
}

TEST_CASE("under four eyes the creator does not approve", "[unit][promotion]") {
  const auto facts =
      and_then(promotion_with([](auto& w) { w.approval = approval_policy::four_eyes; }),
               {totals(10, 5'000)});
  promotion_spec{facts}
      .when(approve_promotion{"kim"})
      .then_refused(rejection::approver_is_creator)
      .when(approve_promotion{"lee"})
      .then({promotion_approved{"lee"}})
      .when(approve_promotion{"kim"})
      .then_nothing();
}

TEST_CASE("a run starts once, with its number and its settings", "[unit][promotion]") {
  promotion_spec spec{approved()};
  spec.when(start()).then({run(1, false)}).when(start()).then_nothing();
  CHECK(spec.state().run.run == run_no{1});
  CHECK(spec.state().state == promotion_state::running);
}

TEST_CASE("a run does not start before its time, nor twice", "[unit][promotion]") {
  promotion_spec{}.when(start()).then_refused(rejection::promotion_not_found);
  promotion_spec{draft()}.when(start()).then_refused(rejection::not_sealed);
  promotion_spec{sealed()}.when(start()).then_refused(rejection::not_approved);
  promotion_spec{stopping()}.when(start()).then_refused(rejection::already_started);
  promotion_spec{stopped()}.when(start()).then_refused(rejection::already_started);
  promotion_spec{completed()}.when(start()).then_nothing();
  auto tomorrow = start();
  tomorrow.wanted.run_date = 20260122;
  promotion_spec{completed()}.when(tomorrow).then_refused(rejection::already_completed);
}

TEST_CASE("a run date is a day of the calendar", "[unit][promotion]") {
  for (const auto bad : {0U, 1U, 20260230U, 20261301U, 20260100U, 20250229U, 202601210U}) {
    auto c = start();
    c.wanted.run_date = bad;
    promotion_spec{approved()}.when(c).then_refused(rejection::run_date_invalid);
    promotion_spec{draft()}.when(c).then_refused(rejection::not_sealed);
  }
  auto leap = start();
  leap.wanted.run_date = 20280229;
  auto fact = run(1, false);
  fact.run_date = 20280229;
  promotion_spec{approved()}.when(leap).then({fact});
}

TEST_CASE("stop and resume go from run to run", "[unit][promotion]") {
  promotion_spec spec{running()};
  spec.when(stop())
      .then({run_stopping{run_no{1}, "lunch", "lee"}})
      .when(stop())
      .then_nothing()
      .when(resume())
      .then_refused(rejection::not_stopped)
      .when(confirm_stopped{run_no{1}})
      .then({run_stopped{run_no{1}}})
      .when(stop())
      .then_nothing()
      .when(resume())
      .then({run(2, true)})
      .when(resume())
      .then_nothing()
      .when(confirm_stopped{run_no{1}})
      .then_nothing()
      .when(stop())
      .then({run_stopping{run_no{2}, "lunch", "lee"}})
      .when(confirm_stopped{run_no{1}})
      .then_nothing()
      .when(confirm_stopped{run_no{2}})
      .then({run_stopped{run_no{2}}});
  CHECK(spec.state().run.run == run_no{2});
}

TEST_CASE("a resumed run keeps the run date unless another is given", "[unit][promotion]") {
  auto c = resume();
  c.wanted.run_date = 0;
  promotion_spec{stopped()}.when(c).then({run(2, true)});
  c.wanted.run_date = 20260230;
  promotion_spec{stopped()}.when(c).then_refused(rejection::run_date_invalid);
}

TEST_CASE("stop needs a run and resume a stopped one", "[unit][promotion]") {
  promotion_spec{}.when(stop()).then_refused(rejection::promotion_not_found);
  promotion_spec{}.when(resume()).then_refused(rejection::promotion_not_found);
  promotion_spec{}.when(confirm_stopped{run_no{1}}).then_refused(rejection::promotion_not_found);
  for (const auto& facts : {draft(), sealed(), approved(), completed()}) {
    promotion_spec{facts}.when(stop()).then_refused(rejection::not_running);
    promotion_spec{facts}.when(resume()).then_refused(rejection::not_stopped);
    promotion_spec{facts}.when(confirm_stopped{run_no{1}}).then_nothing();
  }
  promotion_spec{running()}.when(confirm_stopped{run_no{1}}).then_nothing();
}

TEST_CASE("a promotion completes while it runs, stops or stands", "[unit][promotion]") {
  for (const auto& facts : {running(), stopping(), stopped()}) {
    promotion_spec spec{facts};
    spec.when(completing(1))
        .then({promotion_completed{run_no{1}, 9, 1, money_minor{4'500}}})
        .when(completing(1))
        .then_nothing();
    CHECK(spec.state().state == promotion_state::completed);
  }
}

TEST_CASE("only the current run completes a promotion", "[unit][promotion]") {
  const auto resumed = and_then(stopped(), {run(2, true)});
  promotion_spec{resumed}
      .when(completing(1))
      .then_refused(rejection::stale_run)
      .when(completing(2))
      .then({promotion_completed{run_no{2}, 9, 1, money_minor{4'500}}})
      .when(completing(1))
      .then_nothing();
  promotion_spec{}.when(completing(1)).then_refused(rejection::promotion_not_found);
  for (const auto& facts : {draft(), sealed(), approved()})
    promotion_spec{facts}.when(completing(0)).then_refused(rejection::not_running);
}

TEST_CASE("each state has its name and the original's status", "[unit][promotion]") {
  struct row {
    promotion_state state;
    std::string_view name, status;
  };
  for (const auto& r : {row{promotion_state::draft, "draft", "READY"},
                        row{promotion_state::sealed, "sealed", "READY"},
                        row{promotion_state::approved, "approved", "READY"},
                        row{promotion_state::running, "running", "IN_PROGRESS"},
                        row{promotion_state::stopping, "running", "IN_PROGRESS"},
                        row{promotion_state::stopped, "stopped", "STOPPED"},
                        row{promotion_state::completed, "completed", "COMPLETED"}}) {
    CHECK(std::string{name_of(r.state)} == std::string{r.name});
    CHECK(std::string{promotion_status_of(r.state)} == std::string{r.status});
  }
}

TEST_CASE("evolve counts every fact of the stream", "[unit][promotion]") {
  promotion p;
  for (const auto& e : completed()) p = evolve(std::move(p), e);
  CHECK(p.version == stream_version{completed().size()});
  CHECK(p.state == promotion_state::completed);
  CHECK(p.approved_by == "lee");
  REQUIRE(p.list.has_value());
  CHECK(p.list->total_count == 10);
}

}  // namespace bestow::domain::test
