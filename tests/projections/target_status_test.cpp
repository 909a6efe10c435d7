// target_status: what each fact does to one target.
#include "tests/projections/stage.hpp"
#include "tests/catch.hpp"

namespace bestow::projections::testing {
namespace {

constexpr promotion_id one{1};

struct target_stage : stage {
  auto target(std::uint64_t id) -> target_view_row {
    follow(*views, target_status::name);
    auto a = queries{*views, log(), lists()}.target(one, target_id{id});
    REQUIRE(a);
    REQUIRE(a->value);
    return *a->value;
  }
  std::unique_ptr<store::view_store_factory> stores{store::make_memory_view_stores()};
  std::unique_ptr<view_set> views{open_all(*this, *stores)};
};

TEST_CASE("a sealed target is pending", "[unit][target_status]") {
  target_stage s;
  s.begin(one, 2, some_targets(4, 2));
  const auto t = s.target(40);
  CHECK(t.target.id == target_id{40});
  CHECK(t.target.partition == partition_no{1});
  CHECK(t.target.amount == money_minor{103});
  CHECK(t.target.reason == "a present");
  CHECK(t.ordinal == target_ordinal{1});
  CHECK(t.state == domain::target_state::pending);
  CHECK_FALSE(t.published);
  CHECK(t.attempt == 0);
  CHECK(t.published_at == timestamp{});
  CHECK_FALSE(t.process);
}

TEST_CASE("a target passes from released to published to its answer", "[unit][target_status]") {
  target_stage s;
  s.begin(one, 1, some_targets(3, 1));
  s.release(one, 0, 2);
  CHECK(s.target(10).state == domain::target_state::released);
  CHECK(s.target(10).attempt == 1);
  CHECK(s.target(30).state == domain::target_state::pending);
  const auto published_at = s.now();
  s.publish(one, 0);
  CHECK(s.target(10).state == domain::target_state::published);
  CHECK(s.target(10).published);
  CHECK(s.target(10).published_at == published_at);
  s.answer(one, 0, {answered(1, process_status::retrying, "", "busy")});
  CHECK(s.target(20).state == domain::target_state::retrying);
  CHECK(s.target(20).error_message == "busy");
  const auto answered_at = s.now();
  s.answer(one, 0,
           {answered(0, process_status::success, "tx-10"),
            answered(1, process_status::success, "tx-20")});
  const auto t = s.target(20);
  CHECK(t.state == domain::target_state::success_after_retry);
  CHECK(t.process == process_status::success);
  CHECK(t.transaction_key == "tx-20");
  CHECK(t.error_message.empty());
  CHECK(t.published_at == published_at);
  CHECK(t.updated_at == answered_at);
  CHECK(s.target(10).transaction_key == "tx-10");
}

TEST_CASE("an answer before the acknowledgement counts as published, once",
          "[unit][target_status]") {
  target_stage s;
  s.begin(one, 1, some_targets(1, 1));
  s.release(one, 0, 1);
  const auto answered_at = s.now();
  s.answer(one, 0, {answered(0, process_status::success, "early")});
  CHECK(s.target(10).published);
  s.publish(one, 0);
  const auto t = s.target(10);
  CHECK(t.state == domain::target_state::success);
  CHECK(t.published_at == answered_at);
}

TEST_CASE("a late failure leaves the target's answer as it is", "[unit][target_status]") {
  target_stage s;
  s.begin(one, 1, some_targets(1, 1));
  s.release(one, 0, 1);
  s.publish(one, 0);
  s.answer(one, 0, {answered(0, process_status::success, "tx")});
  s.answer(one, 0, {answered(0, process_status::failed, "", "late")});
  const auto t = s.target(10);
  CHECK(t.state == domain::target_state::success);
  CHECK(t.transaction_key == "tx");
  CHECK(t.error_message.empty());
}

TEST_CASE("a target too large for the broker is publish_failed and never published",
          "[unit][target_status]") {
  target_stage s;
  s.begin(one, 1, some_targets(3, 1));
  s.release(one, 0, 3, {1});
  s.publish(one, 0);
  const auto t = s.target(20);
  CHECK(t.state == domain::target_state::publish_failed);
  CHECK_FALSE(t.published);
  CHECK(t.attempt == 0);
  CHECK(s.target(30).state == domain::target_state::published);
}

TEST_CASE("an acknowledgement of an older attempt leaves a later one open",
          "[unit][target_status]") {
  target_stage s;
  s.begin(one, 1, some_targets(2, 1));
  s.release(one, 0, 2);
  const auto first_release = s.partition(one, 0).open.front().at;
  targets_released retry;  // As the log will hold it once retries are released.
  retry.kind = release_kind::retry;
  retry.promotion = one;
  retry.attempt = attempt_no{2};
  retry.ordinals.append(1, 1);
  retry.message_count = 1;
  const auto second_release = s.append(stream_of(one, partition_no{0}), encode_event(retry));
  s.append(stream_of(one, partition_no{0}), encode_event(grants_published{first_release, 2, 2}));
  CHECK(s.target(10).state == domain::target_state::published);
  CHECK(s.target(20).state == domain::target_state::released);
  CHECK(s.target(20).attempt == 2);
  CHECK(s.target(20).published);
  s.append(stream_of(one, partition_no{0}), encode_event(grants_published{second_release, 4, 1}));
  CHECK(s.target(20).state == domain::target_state::published);
  // Said again: nothing is left to become published.
  s.append(stream_of(one, partition_no{0}), encode_event(grants_published{second_release, 4, 1}));
  CHECK(s.target(20).state == domain::target_state::published);
}

TEST_CASE("targets stand right across page borders", "[unit][target_status]") {
  target_stage s;
  constexpr std::uint32_t count = 3 * page_records<status_record> + 5;
  s.begin(one, 1, some_targets(count, 1));
  s.release(one, 0, count - 2);
  s.publish(one, 0);
  follow(*s.views, target_status::name);
  const queries ask{*s.views, s.log(), s.lists()};
  const auto states = ask.states(one, partition_no{0});
  REQUIRE(states);
  REQUIRE(states->value.size() == count);
  CHECK(states->value == s.partition(one, 0).states);
  CHECK(ask.states(one, partition_no{1})->value.empty());
  CHECK(ask.states(promotion_id{9}, partition_no{0})->value.empty());
}

TEST_CASE("a target found overdue twice still shows that the payer would try again",
          "[unit][target_status]") {
  target_stage s;
  s.begin(one, 1, some_targets(2, 1));
  s.release(one, 0, 2);
  s.publish(one, 0);
  s.answer(one, 0, {answered(0, process_status::retrying)});
  results_overdue overdue;
  overdue.attempt = attempt_no{1};
  overdue.ordinals.append(0, 2);
  for (int i = 0; i < 2; ++i) {
    s.append(stream_of(one, partition_no{0}), encode_event(overdue));
    CHECK(s.target(10).state == domain::target_state::unknown_after_retrying);
    CHECK(s.target(20).state == domain::target_state::unknown);
  }
}

}  // namespace
}  // namespace bestow::projections::testing
