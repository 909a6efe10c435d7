// promotion_summary: what each fact does to a promotion's row.
#include "tests/projections/stage.hpp"
#include "tests/catch.hpp"

namespace bestow::projections::testing {
namespace {

constexpr promotion_id one{1};

/// A stage with the view over it; `row` follows the log to its head and reads.
struct summary_stage : stage {
  auto row(promotion_id id = one) -> promotion_row {
    follow(*views, promotion_summary::name);
    const queries ask{*views, log(), lists()};
    auto a = ask.promotion(id);
    REQUIRE(a);
    REQUIRE(a->as_of == log().head().last);
    REQUIRE(a->value);
    return *a->value;
  }
  std::unique_ptr<store::view_store_factory> stores{store::make_memory_view_stores()};
  std::unique_ptr<view_set> views{open_all(*this, *stores)};
};

TEST_CASE("a new promotion is a draft with what it was created with", "[unit][promotion_summary]") {
  summary_stage s;
  const auto created_at = s.now();
  s.create(one, 3, promotion_type::voucher);
  const auto row = s.row();
  CHECK(row.state == domain::promotion_state::draft);
  CHECK(row.created == s.promotion(one).created);
  CHECK(row.created_at == created_at);
  CHECK(row.updated_at == created_at);
  CHECK(row.total_count == 0);
  CHECK(row.run.run == run_no{0});
  CHECK_FALSE(row.list);
}

TEST_CASE("a promotion that was never created is answered with nothing",
          "[unit][promotion_summary]") {
  summary_stage s;
  s.create(one, 1);
  follow(*s.views, promotion_summary::name);
  const auto a = queries{*s.views, s.log(), s.lists()}.promotion(promotion_id{2});
  REQUIRE(a);
  CHECK_FALSE(a->value);
}

TEST_CASE("before seal only rows of closed batches count", "[unit][promotion_summary]") {
  summary_stage s;
  s.create(one, 1);
  s.open_batch(one, "a");
  s.import(one, "a", {{1, 0, 100}, {2, 0, 200}}, 3);
  CHECK(s.row().total_count == 0);
  CHECK(s.row().open_batches == 1);
  s.open_batch(one, "b");
  s.import(one, "b", {{3, 0, 300}}, 1);
  CHECK(s.row().open_batches == 2);
  s.close_batch(one, "a");
  CHECK(s.row().total_count == 2);
  CHECK(s.row().rejected_rows == 3);
  s.tell(one, domain::abandon_batch{"b", "wrong file"});
  const auto row = s.row();
  CHECK(row.open_batches == 0);
  CHECK(row.total_count == 2);
  CHECK(row.rejected_rows == 3);
}

TEST_CASE("seal fixes count, sum and hash", "[unit][promotion_summary]") {
  summary_stage s;
  s.create(one, 2);
  s.open_batch(one, "a");
  s.import(one, "a", {{1, 0, 100}, {2, 1, 250}});
  s.close_batch(one, "a");
  s.seal(one);
  const auto row = s.row();
  CHECK(row.state == domain::promotion_state::sealed);
  CHECK(row.total_count == 2);
  CHECK(row.total_amount == money_minor{350});
  CHECK(row.counts.total == 2);
  CHECK(row.list == s.promotion(one).list);
}

TEST_CASE("the state follows approval and runs, and first times are kept",
          "[unit][promotion_summary]") {
  summary_stage s;
  s.create(one, 1);
  s.open_batch(one, "a");
  s.import(one, "a", {{1, 0, 100}});
  s.close_batch(one, "a");
  s.seal(one);
  s.tell(one, domain::approve_promotion{"boss"});
  CHECK(s.row().state == domain::promotion_state::approved);
  CHECK(s.row().approved_by == "boss");
  const auto first_start = s.now();
  s.start(one);
  CHECK(s.row().state == domain::promotion_state::running);
  CHECK(s.row().started_at == first_start);
  s.tell(one, domain::stop_run{"lunch", "ops"});
  CHECK(s.row().state == domain::promotion_state::stopping);
  s.tell(one, domain::confirm_stopped{run_no{1}});
  CHECK(s.row().state == domain::promotion_state::stopped);
  s.start(one, true);
  CHECK(s.row().state == domain::promotion_state::running);
  CHECK(s.row().run == s.promotion(one).run);
  CHECK(s.row().run.run == run_no{2});
  CHECK(s.row().started_at == first_start);
  s.release(one, 0, 1);
  s.publish(one, 0);
  s.answer(one, 0, {answered(0, process_status::success, "tx-1")});
  s.conclude(one);
  const auto row = s.row();
  CHECK(row.state == domain::promotion_state::completed);
  CHECK(row.completed_at > first_start);
  CHECK(row.counts.success_amount == money_minor{100});
}

TEST_CASE("counts are of targets and follow each answer", "[unit][promotion_summary]") {
  summary_stage s;
  s.begin(one, 1, some_targets(6, 1));
  s.release(one, 0, 5, {4});
  auto row = s.row();
  CHECK(row.counts.published == 0);
  CHECK(row.counts.publish_failed == 1);
  CHECK(row.counts.fail == 1);
  // An answer before the acknowledgement implies that the grant was published.
  s.answer(one, 0, {answered(0, process_status::retrying)});
  row = s.row();
  CHECK(row.counts.published == 1);
  CHECK(row.counts.retrying == 1);
  s.publish(one, 0);
  CHECK(s.row().counts.published == 4);
  s.answer(
      one, 0,
      {answered(0, process_status::success, "tx-0"), answered(1, process_status::success, "tx-1"),
       answered(2, process_status::failed, "", "no such customer")});
  row = s.row();
  CHECK(row.counts.success == 2);
  CHECK(row.counts.retry_success == 1);
  CHECK(row.counts.fail == 2);
  CHECK(row.counts.retrying == 0);
  CHECK(row.counts.success_amount == money_minor{100 + 101});
  CHECK(row.counts == s.counts(one));
}

TEST_CASE("repeats, late failures and second payments are counted and change nothing",
          "[unit][promotion_summary]") {
  summary_stage s;
  s.begin(one, 1, some_targets(2, 1));
  s.release(one, 0, 2);
  s.publish(one, 0);
  s.answer(one, 0, {answered(0, process_status::success, "tx-0")});
  const auto before = s.row().counts;
  s.answer(one, 0, {answered(0, process_status::success, "tx-0")});
  CHECK(s.row().duplicate_results == 1);
  s.answer(one, 0, {answered(0, process_status::failed, "", "late")});
  CHECK(s.row().ignored_results == 1);
  s.answer(one, 0, {answered(0, process_status::success, "tx-other")});
  CHECK(s.row().double_grants == 1);
  CHECK(s.row().counts == before);
}

}  // namespace
}  // namespace bestow::projections::testing
