// Contract of message_bus: what a writer's name in each message stops, and what happens without.
#include "bus/broker_errors.hpp"
#include "tests/bus/bus_fixture.hpp"
#include "tests/catch.hpp"

using namespace bestow;
using namespace bestow::bus;
using namespace bestow::test;

namespace {

auto fenced_stream() -> stream_config {
  auto config = stream_s();
  config.duplicate_window = std::chrono::milliseconds{100};
  return config;
}

/// Two writers that both believe the stream is theirs.
struct two_writers {
  std::unique_ptr<bus_world> world;
  std::unique_ptr<message_bus> ours;
  std::unique_ptr<message_bus> zombie;
  recorder seen;

  explicit two_writers(world_kind kind) : world{make_world(kind)} {
    if (!world) return;
    ours = world->connect();
    zombie = world->connect();
    seen.listen(*ours);
    REQUIRE(ours->ensure_stream(fenced_stream()));
  }
  auto ack(std::size_t number) -> chunk_ack {
    REQUIRE(seen.wait(*world, *ours, [&] { return seen.acks.size() >= number; }));
    return seen.acks[number - 1];
  }
};

}  // namespace

TEST_CASE("a chain of one writer lands as planned, the first message without a name before it",
          "[contract][bus]") {
  two_writers w{GENERATE(world_kind::memory, world_kind::nats)};
  if (!w.world) return;
  REQUIRE(w.ours->publish("s.0", "alone", 0, "", {"A", false}) == 1);
  REQUIRE(w.ours->publish_chunk(numbered_chunk("s.0", 0, 500), 0, 1, 7, {"A", true}));
  CHECK(w.ack(1).seq == 501);
  CHECK(w.ack(1).error_code == 0);
  // Another incarnation does not know who wrote last: it says the sequence only.
  REQUIRE(w.zombie->publish("s.0", "next", 501, "", {"B", false}) == 502);
}

TEST_CASE("another writer between two pipelined chunks is invisible to sequences and stopped by "
          "the fence",
          "[contract][bus]") {
  const bool fence = GENERATE(true, false);
  two_writers w{GENERATE(world_kind::memory, world_kind::nats)};
  if (!w.world) return;
  const auto name = [&](const char* writer, bool chained) {
    return fence ? writer_fence{writer, chained} : writer_fence{};
  };
  REQUIRE(w.ours->publish_chunk(numbered_chunk("s.0", 0, 10), 0, 0, 1, name("A", false)));
  REQUIRE(w.ack(1).seq == 10);
  // The zombie read the same sequence and has another plan.
  REQUIRE(w.zombie->publish("s.0", "zombie", 10, "", name("B", false)) == 11);
  REQUIRE(w.ours->publish_chunk(numbered_chunk("s.0", 10, 10), 0, 10, 2, name("A", true)));
  const auto ack = w.ack(2);
  const auto state = w.ours->state_of("S");
  REQUIRE(state);
  if (fence) {
    CHECK(ack.error_code != 0);
    CHECK(state->last_seq == 11);
    return;
  }
  // One message of ours was refused, the others landed, and the acknowledgement is good.
  CHECK(ack.error_code == 0);
  CHECK(ack.seq == 20);
  CHECK(state->last_seq == 20);
  CHECK(w.ours->read("S", 11).value()->payload == "zombie");
}

TEST_CASE("a writer that was overtaken at the same length is stopped by the fence",
          "[contract][bus]") {
  two_writers w{GENERATE(world_kind::memory, world_kind::nats)};
  if (!w.world) return;
  REQUIRE(w.ours->publish_chunk(numbered_chunk("s.0", 0, 5), 0, 0, 1, {"A", false}));
  REQUIRE(w.ack(1).seq == 5);
  REQUIRE(w.zombie->publish("s.0", "zombie", 5, "", {"B", false}) == 6);
  // The sequence fits, the message before is not ours.
  const auto refused = w.ours->publish("s.0", "ours", 6, "", {"A", true});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == fault_code::version_conflict);
}

TEST_CASE("a message that is sent twice is stored once and never acknowledged as new",
          "[contract][bus]") {
  two_writers w{GENERATE(world_kind::memory, world_kind::nats)};
  if (!w.world) return;
  REQUIRE(w.ours->publish("s.0", "one", 0, "", {"A", false}) == 1);
  const auto again = w.ours->publish("s.0", "one", 0, "", {"A", false});
  REQUIRE_FALSE(again);
  CHECK(again.error().code == fault_code::version_conflict);
  CHECK(w.ours->state_of("S").value().last_seq == 1);
}
