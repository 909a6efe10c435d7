// reconciliation: list, stream and payer, as far as the log tells.
#include "tests/projections/stage.hpp"
#include "tests/catch.hpp"

namespace bestow::projections::testing {
namespace {

constexpr promotion_id one{1};

struct balance_stage : stage {
  auto row() -> reconciliation_row {
    follow(*views, reconciliation::name);
    auto a = queries{*views, log(), lists()}.reconciliation(one);
    REQUIRE(a);
    REQUIRE(a->value);
    return *a->value;
  }
  std::unique_ptr<store::view_store_factory> stores{store::make_memory_view_stores()};
  std::unique_ptr<view_set> views{open_all(*this, *stores)};
};

TEST_CASE("a half-published list does not match its stream yet", "[unit][reconciliation]") {
  balance_stage s;
  s.begin(one, 1, {{1, 0, 100}, {2, 0, 200}, {3, 0, 400}});
  s.release(one, 0, 2);
  CHECK(s.row().released_count == 2);
  CHECK(s.row().published_count == 0);
  s.publish(one, 0);
  const auto row = s.row();
  CHECK(row.run == run_no{1});
  CHECK(row.sealed_count == 3);
  CHECK(row.sealed_amount == money_minor{700});
  CHECK(row.published_count == 2);
  CHECK(row.published_amount == money_minor{300});
  CHECK_FALSE(row.list_matches_stream());
  CHECK_FALSE(row.completed);
}

TEST_CASE("a completed promotion balances in count and amount", "[unit][reconciliation]") {
  balance_stage s;
  s.begin(one, 1, {{1, 0, 100}, {2, 0, 200}, {3, 0, 400}, {4, 0, 800}});
  s.release(one, 0, 4, {3});
  s.publish(one, 0);
  s.answer(
      one, 0,
      {answered(0, process_status::success, "a"), answered(1, process_status::failed, "", "closed"),
       answered(2, process_status::retrying)});
  CHECK_FALSE(s.row().stream_matches_provider());
  s.answer(one, 0, {answered(2, process_status::success, "c")});
  s.conclude(one);
  const auto row = s.row();
  CHECK(row.list_matches_stream());
  CHECK(row.stream_matches_provider());
  CHECK(row.publish_failed_count == 1);
  CHECK(row.publish_failed_amount == money_minor{800});
  CHECK(row.provider_count == 2);
  CHECK(row.provider_amount == money_minor{500});
  CHECK(row.refused_count == 1);
  CHECK(row.completed);
}

TEST_CASE("a second payment is never in balance", "[unit][reconciliation]") {
  balance_stage s;
  s.begin(one, 1, {{1, 0, 100}});
  s.release(one, 0, 1);
  s.publish(one, 0);
  s.answer(one, 0, {answered(0, process_status::success, "a")});
  CHECK(s.row().stream_matches_provider());
  s.answer(one, 0, {answered(0, process_status::success, "b")});
  CHECK(s.row().double_grants == 1);
  CHECK(s.row().provider_count == 1);
  CHECK_FALSE(s.row().stream_matches_provider());
}

}  // namespace
}  // namespace bestow::projections::testing
