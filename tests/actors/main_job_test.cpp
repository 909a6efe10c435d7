#include "tests/actors/engine_on_fakes.hpp"
#include "tests/catch.hpp"

using namespace bestow;
using namespace bestow::tests;
using domain::promotion_state;

namespace {

constexpr promotion_id first{77};

void prepare(process& p, std::uint32_t targets, std::uint32_t partitions = 3) {
  REQUIRE(p.create(point_promotion(first.value, partitions)));
  REQUIRE(p.import_points(first, "batch", 1'000, targets, 500));
  REQUIRE(p.seal(first));
  REQUIRE(p.approve(first));
}

auto finish(process& p, small_wallet& wallet, std::uint64_t fail_every = 0) -> bool {
  return p.drive_until([&] {
    wallet.answer_new(fail_every);
    return p.row(first).state == promotion_state::completed;
  });
}

}  // namespace

TEST_CASE("a list of targets becomes a completed promotion", "[actor]") {
  world w{1};
  process p{w};
  small_wallet wallet{w};
  prepare(p, 2'500);
  const auto started = p.start(first);
  REQUIRE(started);
  CHECK(started->run == run_no{1});
  REQUIRE(finish(p, wallet, 10));
  const auto row = p.row(first);
  CHECK(row.counts.total == 2'500);
  CHECK(row.counts.published == 2'500);
  CHECK(row.counts.success + row.counts.fail == 2'500);
  CHECK(row.counts.fail == 250);
  CHECK(row.counts.success_amount.value == 2'250 * 500);
  CHECK(p.fatal.empty());
}

TEST_CASE("a start is answered twice and done once", "[actor]") {
  world w{2};
  process p{w};
  prepare(p, 10);
  REQUIRE(p.start(first));
  const auto again = p.start(first);
  REQUIRE(again);
  CHECK(again->repeated);
  CHECK(again->run == run_no{1});
}

TEST_CASE("a customer is refused twice, and the good rows beside it are kept", "[actor]") {
  world w{3};
  process p{w};
  REQUIRE(p.create(point_promotion(first.value, 2)));
  REQUIRE(p.import_points(first, "a", 1'000, 100, 5));
  const auto second = p.import_points(first, "b", 1'050, 100, 5);
  REQUIRE(second);
  CHECK(second->batch.accepted == 50);
  CHECK(second->batch.rejected == 50);
}

TEST_CASE("a stopped promotion goes on from the exact target", "[actor]") {
  world w{4};
  process p{w};
  small_wallet wallet{w};
  prepare(p, 20'000, 4);
  REQUIRE(p.start(first));
  const auto stopped = p.stop(first);
  REQUIRE(stopped);
  CHECK(stopped->state == promotion_state::stopped);
  const auto at_stop = p.row(first);
  CHECK(at_stop.state == promotion_state::stopped);
  const auto resumed = p.resume(first);
  REQUIRE(resumed);
  CHECK(resumed->run == run_no{2});
  REQUIRE(finish(p, wallet));
  CHECK(p.row(first).counts.success == 20'000);
  bus::memory_bus link{w.broker};
  CHECK(link.state_of("GRANTS_POINT")->last_seq == 20'001);
}

TEST_CASE("a killed process goes on where its log ends", "[actor]") {
  world w{5};
  small_wallet wallet{w};
  {
    process p{w};
    prepare(p, 12'000, 4);
    REQUIRE(p.start(first));
    seeded_randomness random{5};
    for (int i = 0; i < 400; ++i) p.step(random.next());
  }
  process p{w};
  REQUIRE(finish(p, wallet));
  CHECK(p.row(first).counts.success == 12'000);
  bus::memory_bus link{w.broker};
  CHECK(link.state_of("GRANTS_POINT")->last_seq == 12'001);
}

TEST_CASE("an empty list completes at once", "[actor]") {
  world w{6};
  process p{w};
  small_wallet wallet{w};
  prepare(p, 0);
  REQUIRE(p.start(first));
  REQUIRE(finish(p, wallet));
  CHECK(p.row(first).counts.total == 0);
}

TEST_CASE("a failed commit is read back, not guessed", "[actor]") {
  const auto how = GENERATE(store::commit_fault::lost, store::commit_fault::applied,
                            store::commit_fault::full);
  world w{7};
  process p{w};
  small_wallet wallet{w};
  prepare(p, 6'000, 2);
  REQUIRE(p.start(first));
  w.log->fail_next_commit(how);
  CAPTURE(static_cast<int>(how));
  REQUIRE(finish(p, wallet));
  CHECK(p.row(first).counts.success == 6'000);
  CHECK(p.fatal.empty());
}

TEST_CASE("nothing is released while the broker is away", "[actor]") {
  world w{8};
  process p{w};
  small_wallet wallet{w};
  prepare(p, 5'000, 2);
  p.drive();
  p.bus->disconnect();
  REQUIRE(p.start(first));
  p.drive_until([] { return false; }, 20);
  CHECK(p.row(first).counts.published == 0);
  const auto stopped = p.stop(first);
  CHECK(stopped);  // Nothing was released: there is nothing to wait for.
  p.bus->reconnect();
  REQUIRE(p.resume(first));
  REQUIRE(finish(p, wallet));
  CHECK(p.row(first).counts.success == 5'000);
}

TEST_CASE("results that contradict the list go to the dead letters and are acknowledged",
          "[actor]") {
  world w{9};
  process p{w};
  prepare(p, 10, 1);
  REQUIRE(p.start(first));
  p.drive_until([&] { return p.row(first).counts.published == 10; });
  bus::memory_bus link{w.broker};
  const std::string subject = "prepay.campaign.point.result.0";
  const std::vector<bus::message_bus::simple_message> bad = {
      {subject, "not json"},
      {subject, R"({"payload":{"eventId":"77","pointEventTargetId":"1","customerUid":"9",)"
                R"("processStatus":"SUCCESS","transactionKey":"t","partitionKey":"0"}})"},
      {subject, R"({"payload":{"eventId":"5","pointEventTargetId":"1","customerUid":"1000",)"
                R"("processStatus":"SUCCESS","transactionKey":"t","partitionKey":"0"}})"},
  };
  REQUIRE(link.publish_all(bad));
  link.deliver_all();
  REQUIRE(p.drive_until([&] { return p.context->counters.results_dead == 3; }));
  CHECK(link.state_of("GRANT_RESULTS_DEAD")->messages == 3);
  CHECK(p.row(first).counts.success == 0);
}
