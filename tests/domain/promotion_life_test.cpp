// Schedule, cancel, close, retry, recall, failure: does it, says no, stays quiet.
#include "tests/domain/promotion_spec.hpp"

namespace bestow::domain::test {
namespace {

constexpr timestamp soon{now.value + 1'000};

auto schedule(timestamp at = soon) -> schedule_promotion {
  return {at, "lee", now};
}
auto cancel() -> cancel_promotion {
  return {"wrong list", "lee"};
}
auto close() -> close_promotion {
  return {"over", "lee"};
}
auto retry(target_survey survey = {3, 0, {}, {}}, retry_scope scope = retry_scope::failed)
    -> retry_promotion {
  auto wanted = settings();
  wanted.retry = scope;
  return {wanted, survey};
}
auto retry_run(std::uint32_t no) -> run_started {
  auto e = run(no, true);
  e.retry = retry_scope::failed;
  e.retry_run = run_no{no};
  return e;
}
auto recall(target_survey survey = {9, 0, {}, {}}, std::string reason = "error") -> recall_promotion {
  return {std::move(reason), {}, "lee", survey};
}
auto recalled(std::uint32_t no) -> recall_started {
  return {recall_no{no}, "error", {}, "lee"};
}
auto scheduled() -> std::vector<promotion_event> {
  return and_then(approved(), {promotion_scheduled{soon, "lee"}});
}
auto failed() -> std::vector<promotion_event> {
  return and_then(running(), {promotion_failed{run_no{1}, "log_corrupt", "list"}});
}
auto cancelled() -> std::vector<promotion_event> {
  return and_then(draft(), {promotion_cancelled{"wrong list", "lee"}});
}
auto closed_after(std::vector<promotion_event> facts) -> std::vector<promotion_event> {
  return and_then(std::move(facts), {promotion_closed{"over", "lee"}});
}

}  // namespace

TEST_CASE("an approved promotion is scheduled, again and again, until it starts",
          "[unit][promotion]") {
  promotion_spec spec{approved()};
  spec.when(schedule()).then({promotion_scheduled{soon, "lee"}});
  CHECK(spec.state().state == promotion_state::scheduled);
  CHECK(promotion_status_of(spec.state().state) == "READY");
  spec.when(schedule(later)).then({promotion_scheduled{later, "lee"}});
  CHECK(spec.state().start_at == later);
  spec.when(start_run{settings(), false}).then({run(1, false)});
  spec.when(schedule()).then_refused(rejection::already_started);
  promotion_spec{}.when(schedule()).then_refused(rejection::promotion_not_found);
  promotion_spec{cancelled()}.when(schedule()).then_refused(rejection::promotion_cancelled);
  promotion_spec{draft()}.when(schedule()).then_refused(rejection::not_sealed);
  promotion_spec{sealed()}.when(schedule()).then_refused(rejection::not_approved);
  promotion_spec{approved()}.when(schedule(now)).then_refused(rejection::start_time_in_past);
  promotion_spec{stopped()}.when(schedule(now)).then_refused(rejection::already_started);
}

TEST_CASE("a reservation given at create schedules the promotion when it is approved",
          "[unit][promotion]") {
  auto facts = sealed();
  auto created = points();
  created.reservation_at = soon;
  facts[0] = created;
  promotion_spec{facts}
      .when(approve_promotion{"lee"})
      .then({promotion_approved{"lee"}, promotion_scheduled{soon, "lee"}});
}

TEST_CASE("a reservation that is over is refused at create", "[unit][promotion]") {
  auto wanted = points();
  wanted.reservation_at = now;
  promotion_spec{}
      .when(create_promotion{wanted, now, false})
      .then_refused(rejection::reservation_in_past);
  wanted.reservation_at = soon;
  promotion_spec{}.when(create_promotion{wanted, now, false}).then({wanted});
}

TEST_CASE("a promotion is cancelled from any state before its first run", "[unit][promotion]") {
  for (const auto& facts : {draft(), sealed(), approved(), scheduled()}) {
    promotion_spec spec{facts};
    spec.when(cancel()).then({promotion_cancelled{"wrong list", "lee"}});
    CHECK(promotion_status_of(spec.state().state) == "STOPPED");
    CHECK(name_of(spec.state().state) == "cancelled");
  }
  promotion_spec{}.when(cancel()).then_refused(rejection::promotion_not_found);
  for (const auto& facts : {running(), stopping(), stopped(), completed(), failed()})
    promotion_spec{facts}.when(cancel()).then_refused(rejection::cancel_after_start);
}

TEST_CASE("nothing goes on with a cancelled promotion", "[unit][promotion]") {
  promotion_spec spec{cancelled()};
  spec.when(open_batch{"b", import_format::csv, now}).then_refused(rejection::promotion_cancelled);
  spec.when(seal_list{totals(10, 5'000), false}).then_refused(rejection::promotion_cancelled);
  spec.when(approve_promotion{"lee"}).then_refused(rejection::promotion_cancelled);
  spec.when(start_run{settings(), false}).then_refused(rejection::promotion_cancelled);
  spec.when(stop_run{"", "lee"}).then_refused(rejection::promotion_cancelled);
  spec.when(close()).then_refused(rejection::promotion_cancelled);
  spec.when(retry()).then_refused(rejection::promotion_cancelled);
  spec.when(recall()).then_refused(rejection::promotion_cancelled);
}

TEST_CASE("a promotion at rest is closed, and then only shown", "[unit][promotion]") {
  for (const auto& facts : {stopped(), completed(), failed()}) {
    promotion_spec spec{facts};
    spec.when(close()).then({promotion_closed{"over", "lee"}});
    spec.when(retry()).then_refused(rejection::promotion_closed);
    spec.when(recall()).then_refused(rejection::promotion_closed);
  }
  promotion_spec{closed_after(stopped())}
      .when(start_run{settings(), true})
      .then_refused(rejection::promotion_closed);
  // What was published before the close is still answered, and completes it.
  promotion_spec{closed_after(stopped())}
      .when(complete_promotion{run_no{1}, 9, 0, money_minor{4'500}})
      .then({promotion_completed{run_no{1}, 9, 0, money_minor{4'500}}});
  promotion_spec{}.when(close()).then_refused(rejection::promotion_not_found);
  for (const auto& facts : {draft(), sealed(), approved(), scheduled(), running(), stopping()})
    promotion_spec{facts}.when(close()).then_refused(rejection::close_while_open);
  promotion_spec{and_then(completed(), {recalled(1)})}
      .when(close())
      .then_refused(rejection::recall_open);
}

TEST_CASE("a retry is another run of a promotion at rest", "[unit][promotion]") {
  for (const auto& facts : {stopped(), completed(), failed()}) {
    promotion_spec spec{facts};
    spec.when(retry()).then({retry_run(2)});
    CHECK(spec.state().state == promotion_state::running);
  }
  promotion_spec{}.when(retry()).then_refused(rejection::promotion_not_found);
  for (const auto& facts : {running(), stopping()})
    promotion_spec{facts}.when(retry()).then_refused(rejection::retry_while_running);
  for (const auto& facts : {draft(), sealed(), approved(), scheduled()})
    promotion_spec{facts}.when(retry()).then_refused(rejection::never_run);
  auto many = retry();
  many.wanted.retry_targets = u64_column::arithmetic(1, 1, 10'001);
  promotion_spec{completed()}.when(many).then_refused(rejection::too_many_named_targets);
  promotion_spec{completed()}
      .when(retry({1, 0, target_id{99}, target_id{5}}))
      .then_refused(rejection::target_not_found);
  promotion_spec{completed()}
      .when(retry({1, 0, {}, target_id{5}}))
      .then_refused(rejection::target_not_retryable);
  promotion_spec{completed()}.when(retry({})).then_refused(rejection::nothing_to_retry);
}

TEST_CASE("a stopped retry goes on where it was", "[unit][promotion]") {
  auto facts = and_then(completed(), {retry_run(2), run_stopping{run_no{2}, "", "lee"},
                                      run_stopped{run_no{2}}});
  auto wanted = run(3, true);
  wanted.retry = retry_scope::failed;
  wanted.retry_run = run_no{2};
  promotion_spec{facts}.when(start_run{settings(), true}).then({wanted});
}

TEST_CASE("granted targets are recalled for a reason, one recall at a time", "[unit][promotion]") {
  promotion_spec spec{completed()};
  spec.when(recall()).then({recalled(1)});
  spec.when(recall({9, 0, {}, {}}, "another")).then_refused(rejection::recall_open);
  spec.when(finish_recall{recall_no{1}, 9, money_minor{4'500}})
      .then({recall_finished{recall_no{1}, 9, money_minor{4'500}}});
  spec.when(finish_recall{recall_no{2}, 9, money_minor{4'500}}).then_nothing();
  spec.when(recall({})).then_refused(rejection::nothing_to_recall);
  spec.when(recall({1, 1, {}, {}})).then_refused(rejection::attempt_open);
  spec.when(recall({1, 0, target_id{99}, {}})).then_refused(rejection::target_not_found);
  spec.when(recall({1, 0, {}, target_id{5}})).then_refused(rejection::target_not_granted);
  spec.when(recall({1, 0, {}, {}}, "")).then_refused(rejection::recall_reason_missing);
  spec.when(recall({1, 0, {}, {}}, std::string(101, 'x')))
      .then_refused(rejection::recall_reason_too_long);
  spec.when(recall({1, 0, {}, {}}, "a\tb")).then_refused(rejection::text_malformed);
  spec.when(recall()).then({recalled(2)});
  promotion_spec{}.when(recall()).then_refused(rejection::promotion_not_found);
  promotion_spec{approved()}.when(recall()).then_refused(rejection::never_run);
  promotion_spec{}.when(finish_recall{}).then_refused(rejection::promotion_not_found);
  auto last = recalled(65'535);
  promotion_spec{and_then(completed(), {last, recall_finished{last.recall, 1, money_minor{1}}})}
      .when(recall())
      .then_refused(rejection::too_many_recalls);
}

TEST_CASE("a fault of the promotion fails its run, and a resume goes on", "[unit][promotion]") {
  const fail_run fail{run_no{1}, "log_corrupt", "list"};
  for (const auto& facts : {running(), stopping()}) {
    promotion_spec spec{facts};
    spec.when(fail).then({promotion_failed{run_no{1}, "log_corrupt", "list"}});
    CHECK(promotion_status_of(spec.state().state) == "FAILED");
    spec.when(start_run{settings(), true}).then({run(2, true)});
    spec.when(fail).then_nothing();
  }
  promotion_spec{stopped()}.when(fail).then_nothing();
  promotion_spec{}.when(fail).then_refused(rejection::promotion_not_found);
  promotion_spec{failed()}.when(start_run{settings(), false}).then_refused(rejection::already_started);
}

TEST_CASE("who may not approve and tries to is recorded once", "[unit][promotion]") {
  auto facts = sealed();
  auto created = points();
  created.approval = approval_policy::four_eyes;
  facts[0] = created;
  promotion_spec spec{facts};
  const auto recorded = refused_approval({"kim"}, spec.state());
  REQUIRE(recorded.has_value());
  CHECK((*recorded == approval_refused{"kim", "approver_is_creator"}));
  CHECK_FALSE(refused_approval({"lee"}, spec.state()).has_value());
  promotion_spec again{and_then(facts, {*recorded})};
  CHECK_FALSE(refused_approval({"kim"}, again.state()).has_value());
  again.when(approve_promotion{"kim"}).then_refused(rejection::approver_is_creator);
  again.when(approve_promotion{"lee"}).then({promotion_approved{"lee"}});
}

}  // namespace bestow::domain::test
