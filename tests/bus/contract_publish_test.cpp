// Contract of message_bus: every message at its planned sequence, whatever is killed.
#include <algorithm>
#include <set>

#include "bus/broker_errors.hpp"
#include "tests/bus/bus_fixture.hpp"
#include "tests/catch.hpp"

using namespace bestow;
using namespace bestow::bus;
using namespace bestow::test;

namespace {

/// A client, stream S and what its callbacks said.
struct setup {
  std::unique_ptr<bus_world> world;
  std::unique_ptr<message_bus> client;
  recorder seen;

  explicit setup(world_kind kind, const stream_config& config = stream_s())
      : world{make_world(kind)} {
    if (!world) return;
    client = world->connect();
    seen.listen(*client);
    REQUIRE(client->ensure_stream(config));
  }
  [[nodiscard]] auto last_ack() -> chunk_ack {
    const std::size_t expected = ++acks_awaited;
    REQUIRE(seen.wait(*world, *client, [&] { return seen.acks.size() >= expected; }));
    return seen.acks[expected - 1];
  }
  std::size_t acks_awaited{0};
};

}  // namespace

TEST_CASE("a planned chunk lands at exactly the planned sequences", "[contract][bus]") {
  setup s{GENERATE(world_kind::memory, world_kind::nats)};
  if (!s.world) return;
  REQUIRE(s.client->publish_chunk(numbered_chunk("s.0", 0, 1'000), 0, 0, 41, {}));
  auto ack = s.last_ack();
  CHECK(ack.token == 41);
  CHECK(ack.seq == 1'000);
  CHECK(ack.error_code == 0);
  REQUIRE(s.client->publish_chunk(numbered_chunk("s.1", 1'000, 500), 0, 1'000, 42, {}));
  ack = s.last_ack();
  CHECK(ack.token == 42);
  CHECK(ack.seq == 1'500);
  const auto stored = payloads_of(*s.client, "S");
  REQUIRE(stored.size() == 1'500);
  for (std::size_t i = 0; i < stored.size(); ++i) {
    CHECK(stored[i] == "message-" + std::to_string(i));
  }
}

TEST_CASE("a chunk whose place is taken is refused whole", "[contract][bus]") {
  setup s{GENERATE(world_kind::memory, world_kind::nats)};
  if (!s.world) return;
  REQUIRE(s.client->publish("s.0", "foreign", std::nullopt, "", {}) == 1);
  REQUIRE(s.client->publish_chunk(numbered_chunk("s.0", 0, 1), 0, 0, 1, {}));
  CHECK(s.last_ack().error_code == js_wrong_last_sequence);
  REQUIRE(s.client->publish_chunk(numbered_chunk("s.0", 0, 10), 0, 3, 2, {}));
  const auto ahead = s.last_ack();
  CHECK(ahead.token == 2);
  CHECK(ahead.error_code == js_wrong_last_sequence);
  CHECK_FALSE(ahead.error.empty());
  CHECK(s.client->state_of("S")->last_seq == 1);
}

TEST_CASE("sending a chunk again stores only what is missing", "[contract][bus]") {
  setup s{GENERATE(world_kind::memory, world_kind::nats)};
  if (!s.world) return;
  const auto chunk = numbered_chunk("s.0", 0, 10);
  auto head = chunk;
  head.ends.resize(4);
  REQUIRE(s.client->publish_chunk(head, 0, 0, 1, {}));
  CHECK(s.last_ack().seq == 4);
  REQUIRE(s.client->publish_chunk(chunk, 0, 0, 2, {}));
  CHECK(s.last_ack().seq == 10);
  // A second time there is nothing to store, and the ack says so.
  REQUIRE(s.client->publish_chunk(chunk, 0, 0, 3, {}));
  CHECK(s.last_ack().error_code == js_wrong_last_sequence);
  CHECK(payloads_of(*s.client, "S").size() == 10);
}

TEST_CASE("a chunk goes on from its middle", "[contract][bus]") {
  setup s{GENERATE(world_kind::memory, world_kind::nats)};
  if (!s.world) return;
  const auto chunk = numbered_chunk("s.0", 0, 10);
  for (std::size_t i = 0; i < 7; ++i) {
    REQUIRE(s.client->publish("s.0", chunk.message(i), i, chunk.event_type, {}) == i + 1);
  }
  REQUIRE(s.client->publish_chunk(chunk, 7, 7, 9, {}));
  const auto ack = s.last_ack();
  CHECK(ack.token == 9);
  CHECK(ack.seq == 10);
  const auto stored = payloads_of(*s.client, "S");
  REQUIRE(stored.size() == 10);
  for (std::size_t i = 0; i < stored.size(); ++i) CHECK(stored[i] == chunk.message(i));
}

TEST_CASE("chunks in flight are acknowledged in their order", "[contract][bus]") {
  setup s{GENERATE(world_kind::memory, world_kind::nats)};
  if (!s.world) return;
  constexpr std::uint64_t chunks = 50;
  for (std::uint64_t i = 0; i < chunks; ++i) {
    REQUIRE(s.client->publish_chunk(numbered_chunk("s.0", i * 100, 100), 0, i * 100, i, {}));
  }
  REQUIRE(s.seen.wait(*s.world, *s.client, [&] { return s.seen.acks.size() == chunks; }));
  for (std::uint64_t i = 0; i < chunks; ++i) {
    CHECK(s.seen.acks[i].token == i);
    CHECK(s.seen.acks[i].seq == (i + 1) * 100);
    CHECK(s.seen.acks[i].error_code == 0);
  }
}

TEST_CASE("one message is stored only where it is expected", "[contract][bus]") {
  setup s{GENERATE(world_kind::memory, world_kind::nats)};
  if (!s.world) return;
  CHECK(s.client->publish("s.0", "a", 0, "", {}) == 1);
  for (const std::uint64_t wrong : {0ULL, 2ULL}) {
    const auto refused = s.client->publish("s.0", "b", wrong, "", {});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == fault_code::version_conflict);
    CHECK(refused.error().action == fault_action::decide_again);
  }
  CHECK(s.client->publish("s.0", "b", 1, "", {}) == 2);
  CHECK(s.client->publish("s.0", "c", std::nullopt, "", {}) == 3);
}

TEST_CASE("a full stream stores a gapless head and names the cause of the first message it refuses",
          "[contract][bus]") {
  auto config = stream_s();
  config.max_bytes = 20'000;
  setup s{GENERATE(world_kind::memory, world_kind::nats), config};
  if (!s.world) return;
  const auto chunk = numbered_chunk("s.0", 0, 2'000);
  REQUIRE(s.client->publish_chunk(chunk, 0, 0, 1, {}));
  CHECK(s.last_ack().error_code != 0);
  const auto stored = payloads_of(*s.client, "S");
  REQUIRE(stored.size() > 10);
  REQUIRE(stored.size() < chunk.size());
  for (std::size_t i = 0; i < stored.size(); ++i) CHECK(stored[i] == chunk.message(i));
  const auto refused =
      s.client->publish("s.0", chunk.message(stored.size()), stored.size(), chunk.event_type, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == fault_code::broker_stream_full);
  CHECK(refused.error().action == fault_action::call_operator);
}

TEST_CASE("a subject without a stream is answered, not waited for", "[contract][bus]") {
  setup s{GENERATE(world_kind::memory, world_kind::nats)};
  if (!s.world) return;
  REQUIRE(s.client->publish_chunk(numbered_chunk("elsewhere", 0, 3), 0, 0, 5, {}));
  CHECK(s.last_ack().error_code == nats_no_responders);
  const auto refused = s.client->publish("elsewhere", "x", std::nullopt, "", {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == fault_code::broker_unavailable);
}

TEST_CASE("many messages to many subjects are all stored", "[contract][bus]") {
  setup s{GENERATE(world_kind::memory, world_kind::nats)};
  if (!s.world) return;
  std::vector<message_bus::simple_message> messages;
  for (int i = 0; i < 25'000; ++i) {
    messages.push_back({"s." + std::to_string(i % 16), std::to_string(i)});
  }
  REQUIRE(s.client->publish_all(messages));
  const auto stored = payloads_of(*s.client, "S");
  REQUIRE(stored.size() == messages.size());
  for (std::size_t i = 0; i < stored.size(); ++i) CHECK(stored[i] == messages[i].payload);
  REQUIRE(s.client->publish_all({}));
  messages.resize(3);
  messages[1].subject = "elsewhere";
  CHECK_FALSE(s.client->publish_all(messages));
}

TEST_CASE("nothing is sent while the broker is away, and every chunk in flight is reported once",
          "[contract][bus]") {
  setup s{GENERATE(world_kind::memory, world_kind::nats)};
  if (!s.world) return;
  for (std::uint64_t i = 0; i < 20; ++i) {
    REQUIRE(s.client->publish_chunk(numbered_chunk("s.0", i * 500, 500), 0, i * 500, i, {}));
  }
  s.world->kill_broker(*s.client);
  REQUIRE(s.seen.wait(*s.world, *s.client, [&] {
    return std::count(s.seen.links.begin(), s.seen.links.end(), link_state::disconnected) == 1;
  }));
  CHECK_FALSE(s.client->connected());
  REQUIRE(s.seen.acks.size() == 20);
  for (std::uint64_t i = 0; i < 20; ++i) CHECK(s.seen.acks[i].token == i);
  CHECK(s.seen.acks.back().error_code == ack_lost);
  const auto refused = s.client->publish_chunk(numbered_chunk("s.0", 0, 1), 0, 0, 99, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == fault_code::broker_unavailable);
  CHECK(s.client->publish("s.0", "x", std::nullopt, "", {}).error().code ==
        fault_code::broker_unavailable);
  CHECK_FALSE(s.client->state_of("S"));

  s.world->revive_broker(*s.client);
  REQUIRE(s.seen.wait(*s.world, *s.client, [&] { return s.seen.links.size() == 2; }));
  CHECK(s.seen.links.back() == link_state::connected);
  CHECK(s.client->state_of("S"));
  CHECK(s.seen.acks.size() == 20);
}

TEST_CASE("a publisher that resumes from the stored tail leaves exactly 0..N under kills",
          "[contract][bus]") {
  const auto kind = GENERATE(world_kind::memory, world_kind::nats);
  setup s{kind};
  if (!s.world) return;
  constexpr std::size_t total = 40'000;
  constexpr std::size_t chunk_size = 500;
  constexpr std::size_t window = 8;
  const auto all = numbered_chunk("s.0", 0, total);
  std::size_t kills_left = 5;
  std::uint64_t stored = 0;
  std::uint64_t token = 0;
  while (stored < total) {
    // Sends a window from the tail; the first rounds lose the broker meanwhile.
    const std::size_t acks_before = s.seen.acks.size();
    std::size_t sent = 0;
    for (std::uint64_t at = stored; at < total && sent < window; at += chunk_size) {
      auto chunk = numbered_chunk("s.0", at, std::min<std::size_t>(chunk_size, total - at));
      if (!s.client->publish_chunk(chunk, 0, at, ++token, {})) break;
      ++sent;
      if (kills_left > 0 && sent == window / 2) {
        --kills_left;
        s.world->kill_broker(*s.client);
        s.world->revive_broker(*s.client);
      }
    }
    REQUIRE(
        s.seen.wait(*s.world, *s.client, [&] { return s.seen.acks.size() >= acks_before + sent; }));
    const auto state = s.client->state_of("S");
    if (!state) continue;
    REQUIRE(state->messages == state->last_seq);
    stored = state->last_seq;
  }
  const auto payloads = payloads_of(*s.client, "S");
  REQUIRE(payloads.size() == total);
  for (std::size_t i = 0; i < total; ++i) {
    if (payloads[i] != all.message(i)) FAIL("wrong bytes at sequence " << i + 1);
  }
  CHECK(kills_left == 0);
}
