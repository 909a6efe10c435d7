// partition_progress: planned, released, in flight, done.
#include "tests/projections/stage.hpp"
#include "tests/catch.hpp"

namespace bestow::projections::testing {
namespace {

constexpr promotion_id one{1};

struct progress_stage : stage {
  auto rows(promotion_id id = one) -> std::vector<partition_row> {
    follow(*views, partition_progress::name);
    auto a = queries{*views, log(), lists()}.partitions(id);
    REQUIRE(a);
    return a->value;
  }
  std::unique_ptr<store::view_store_factory> stores{store::make_memory_view_stores()};
  std::unique_ptr<view_set> views{open_all(*this, *stores)};
};

TEST_CASE("before seal a promotion has no partitions to show", "[unit][partition_progress]") {
  progress_stage s;
  s.create(one, 4);
  CHECK(s.rows().empty());
}

TEST_CASE("after seal every partition shows its part of the list, empty ones too",
          "[unit][partition_progress]") {
  progress_stage s;
  s.begin(one, 3, {{1, 0, 100}, {2, 2, 100}, {3, 2, 100}});
  const auto rows = s.rows();
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].planned == 1);
  CHECK(rows[1].planned == 0);
  CHECK(rows[2].planned == 2);
  CHECK(rows[2].number == partition_no{2});
  CHECK(rows[2].counts.total == 2);
}

TEST_CASE("partitions of other promotions are not shown", "[unit][partition_progress]") {
  progress_stage s;
  s.begin(promotion_id{1}, 2, some_targets(4, 2));
  s.begin(promotion_id{2}, 3, some_targets(3, 3));
  CHECK(s.rows(promotion_id{1}).size() == 2);
  CHECK(s.rows(promotion_id{2}).size() == 3);
  CHECK(s.rows(promotion_id{3}).empty());
}

TEST_CASE("a message is in flight from its release to its publish", "[unit][partition_progress]") {
  progress_stage s;
  s.begin(one, 2, some_targets(20, 2));
  s.release(one, 1, 4);
  s.release(one, 1, 3);
  CHECK(s.rows()[1].released == 7);
  CHECK(s.rows()[1].in_flight == 7);
  CHECK(s.rows()[0].released == 0);
  s.publish(one, 1, 1);
  CHECK(s.rows()[1].released == 7);
  CHECK(s.rows()[1].in_flight == 3);
  CHECK(s.rows()[1].counts.published == 4);
}

TEST_CASE("a partition is done when it says so, until its next release",
          "[unit][partition_progress]") {
  progress_stage s;
  s.begin(one, 1, some_targets(2, 1));
  s.release(one, 0, 2);
  s.publish(one, 0);
  CHECK_FALSE(s.rows()[0].done);
  s.answer(one, 0,
           {answered(0, process_status::success, "a"),
            answered(1, process_status::failed, "", "closed account")});
  CHECK_FALSE(s.rows()[0].done);
  s.conclude(one);
  const auto row = s.rows()[0];
  CHECK(row.done);
  CHECK(row.counts == s.partition(one, 0).counts);
  // A retry's release, as the log will hold it one day, voids it.
  auto retry = targets_released{};
  retry.kind = release_kind::retry;
  retry.promotion = one;
  retry.run = run_no{2};
  retry.attempt = attempt_no{2};
  retry.ordinals.append(1, 1);
  retry.message_count = 1;
  s.append(stream_of(one, partition_no{0}), encode_event(retry));
  CHECK_FALSE(s.rows()[0].done);
  CHECK(s.rows()[0].counts.fail == 0);
}

}  // namespace
}  // namespace bestow::projections::testing
