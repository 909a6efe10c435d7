// Contract of message_bus: streams are created, compared and read back.
#include "tests/bus/bus_fixture.hpp"
#include "tests/catch.hpp"

using namespace bestow;
using namespace bestow::bus;
using namespace bestow::test;

TEST_CASE("a stream is created once and found again", "[contract][bus]") {
  const auto world = make_world(GENERATE(world_kind::memory, world_kind::nats));
  if (!world) return;
  const auto client = world->connect();
  auto state = client->ensure_stream(stream_s());
  REQUIRE(state);
  CHECK(state->first_seq == 0);
  CHECK(state->last_seq == 0);
  CHECK(state->messages == 0);
  REQUIRE(client->publish("s.0", "first", std::nullopt, "", {}));
  state = world->connect()->ensure_stream(stream_s());
  REQUIRE(state);
  CHECK(state->first_seq == 1);
  CHECK(state->last_seq == 1);
  CHECK(state->messages == 1);
}

TEST_CASE("a stream with other settings is refused and left alone", "[contract][bus]") {
  const auto world = make_world(GENERATE(world_kind::memory, world_kind::nats));
  if (!world) return;
  const auto client = world->connect();
  REQUIRE(client->ensure_stream(stream_s()));
  auto other = stream_s();
  SECTION("subjects") {
    other.subjects = {"s.>", "t.>"};
  }
  SECTION("deny delete and purge") {
    other.deny_delete_and_purge = false;
  }
  SECTION("replicas") {
    other.replicas = 3;
  }
  const auto refused = client->ensure_stream(other);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == fault_code::broker_stream_misconfigured);
  CHECK(refused.error().action == fault_action::call_operator);
  CHECK(client->ensure_stream(stream_s()));
}

TEST_CASE("a stream that is not there is named as missing", "[contract][bus]") {
  const auto world = make_world(GENERATE(world_kind::memory, world_kind::nats));
  if (!world) return;
  const auto client = world->connect();
  const auto state = client->state_of("NONE");
  REQUIRE_FALSE(state);
  CHECK(state.error().code == fault_code::broker_stream_missing);
  const auto message = client->read("NONE", 1);
  REQUIRE_FALSE(message);
  CHECK(message.error().code == fault_code::broker_stream_missing);
  const auto scanned = client->scan("NONE", 1, 9, [](const stored_message&) { return true; });
  REQUIRE_FALSE(scanned);
  CHECK(scanned.error().code == fault_code::broker_stream_missing);
  const auto consumed = client->consume({"NONE", "d", "", 10, {}}, [](incoming_batch) {});
  REQUIRE_FALSE(consumed);
  CHECK(consumed.error().code == fault_code::broker_stream_missing);
}

TEST_CASE("a message is read back by its sequence, bytes and subject", "[contract][bus]") {
  const auto world = make_world(GENERATE(world_kind::memory, world_kind::nats));
  if (!world) return;
  const auto client = world->connect();
  REQUIRE(client->ensure_stream(stream_s()));
  const std::string bytes{"\0\x01가\xff", 6};
  REQUIRE(client->publish("s.a.7", bytes, 0, "X", {}) == 1);
  const auto message = client->read("S", 1);
  REQUIRE(message);
  REQUIRE(message->has_value());
  CHECK((*message)->seq == 1);
  CHECK((*message)->subject == "s.a.7");
  CHECK((*message)->payload == bytes);
  CHECK_FALSE(client->read("S", 2).value().has_value());
  CHECK_FALSE(client->read("S", 0).value().has_value());
}

TEST_CASE("a scan visits its range in order and stops when told", "[contract][bus]") {
  const auto world = make_world(GENERATE(world_kind::memory, world_kind::nats));
  if (!world) return;
  const auto client = world->connect();
  REQUIRE(client->ensure_stream(stream_s()));
  recorder seen;
  seen.listen(*client);
  constexpr std::size_t count = 10'000;
  REQUIRE(client->publish_chunk(numbered_chunk("s.0", 0, count), 0, 0, 1, {}));
  REQUIRE(seen.wait(*world, *client, [&] { return seen.acks.size() == 1; }));

  const auto visited = [&](std::uint64_t from, std::uint64_t to, std::size_t stop_after) {
    std::vector<std::uint64_t> out;
    REQUIRE(client->scan("S", from, to, [&](const stored_message& m) {
      CHECK(m.payload == "message-" + std::to_string(m.seq - 1));
      out.push_back(m.seq);
      return out.size() < stop_after;
    }));
    return out;
  };
  const auto all = visited(1, UINT64_MAX, SIZE_MAX);
  REQUIRE(all.size() == count);
  CHECK(all.front() == 1);
  CHECK(all.back() == count);
  CHECK(visited(0, 3, SIZE_MAX) == std::vector<std::uint64_t>{1, 2, 3});
  CHECK(visited(9'998, 20'000, SIZE_MAX) == std::vector<std::uint64_t>{9'998, 9'999, 10'000});
  CHECK(visited(5'000, 6'000, 2) == std::vector<std::uint64_t>{5'000, 5'001});
  CHECK(visited(count + 1, UINT64_MAX, SIZE_MAX).empty());
  CHECK(visited(7, 6, SIZE_MAX).empty());
}

TEST_CASE("a scan of large messages takes no more at once than the broker lets wait",
          "[contract][bus]") {
  const auto world = make_world(GENERATE(world_kind::memory, world_kind::nats));
  if (!world) return;
  const auto client = world->connect();
  REQUIRE(client->ensure_stream(stream_s()));
  recorder seen;
  seen.listen(*client);
  // 96 MiB in all: more than a server of 2.9 keeps for one connection, six requests of 16 MiB.
  constexpr std::size_t chunks = 12;
  constexpr std::size_t in_chunk = 16;
  const std::string filler(512U << 10U, '.');
  for (std::size_t c = 0; c < chunks; ++c) {
    REQUIRE(client->publish_chunk(numbered_chunk("s.0", c * in_chunk, in_chunk, filler), 0,
                                  c * in_chunk, c, {}));
    REQUIRE(seen.wait(*world, *client, [&] { return seen.acks.size() == c + 1; }));
  }
  for (const auto stop_after : {chunks * in_chunk, std::size_t{40}}) {
    std::size_t visited = 0;
    REQUIRE(client->scan("S", 1, UINT64_MAX, [&](const stored_message& m) {
      REQUIRE(m.seq == visited + 1);
      REQUIRE(m.payload == filler + std::to_string(visited));
      return ++visited < stop_after;
    }));
    CHECK(visited == stop_after);
  }
}

TEST_CASE("the bus knows the server's version and its largest message", "[contract][bus]") {
  const auto world = make_world(GENERATE(world_kind::memory, world_kind::nats));
  if (!world) return;
  const auto client = world->connect();
  CHECK(client->connected());
  CHECK(client->max_payload() == 1'048'576);
  CHECK(client->server_version().starts_with("2."));
}

TEST_CASE("scans that stop early, again and again, leave nothing behind", "[contract][bus]") {
  const auto world = make_world(GENERATE(world_kind::memory, world_kind::nats));
  if (!world) return;
  const auto client = world->connect();
  REQUIRE(client->ensure_stream(stream_s()));
  recorder seen;
  seen.listen(*client);
  REQUIRE(client->publish_chunk(numbered_chunk("s.0", 0, 5'000), 0, 0, 1, {}));
  REQUIRE(seen.wait(*world, *client, [&] { return seen.acks.size() == 1; }));
  for (std::size_t round = 1; round <= 100; ++round) {
    // The rest of what was asked for is still arriving when the scan ends.
    std::size_t visited = 0;
    REQUIRE(
        client->scan("S", 1, UINT64_MAX, [&](const stored_message&) { return ++visited < round; }));
    CHECK(visited == round);
  }
}

TEST_CASE("an inspection tells what stands under a name and changes nothing", "[contract][bus]") {
  const auto world = make_world(GENERATE(world_kind::memory, world_kind::nats));
  if (!world) return;
  const auto client = world->connect();
  auto wanted = stream_s();
  wanted.description = "whose it is";
  wanted.duplicate_window = std::chrono::milliseconds{100};
  const auto nothing = client->inspect(wanted);
  REQUIRE(nothing);
  CHECK_FALSE(nothing->exists);
  REQUIRE(client->ensure_stream(wanted));
  REQUIRE(client->publish("s.0", "one", 0, "", {}));
  auto found = client->inspect(wanted);
  REQUIRE(found);
  CHECK(found->exists);
  CHECK(found->state.last_seq == 1);
  CHECK(found->description == "whose it is");
  CHECK(found->differences.empty());
  wanted.subjects = {"s.>", "t"};
  wanted.max_bytes = 5'000;  // Too little room refuses and loses nothing: not a difference.
  found = client->inspect(wanted);
  REQUIRE(found);
  CHECK(found->differences == "subjects");
}

TEST_CASE("a removed stream is gone with its consumers, and removing it again is no fault",
          "[contract][bus]") {
  const auto world = make_world(GENERATE(world_kind::memory, world_kind::nats));
  if (!world) return;
  const auto client = world->connect();
  REQUIRE(client->ensure_stream(stream_s()));
  recorder seen;
  for (std::uint64_t i = 0; i < 3; ++i)
    REQUIRE(client->publish("s.0", std::to_string(i), i, "", {}));
  {
    const auto reader = client->consume({"S", "reader", "", 10, {}}, seen.sink());
    REQUIRE(reader);
    (*reader)->grant_credit(1);
    REQUIRE(seen.wait(*world, *client, [&] { return seen.received() == 3; }));
    (*reader)->ack(seen.batches.back().token);
  }
  CHECK(client->consumers_beyond("S", 3).value().empty());
  CHECK(client->consumers_beyond("S", 2).value() == std::vector<std::string>{"reader"});
  REQUIRE(client->remove_stream("S"));
  REQUIRE(client->remove_stream("S"));
  REQUIRE(client->ensure_stream(stream_s()));
  CHECK(client->consumers_beyond("S", 0).value().empty());
  CHECK(client->state_of("S").value().last_seq == 0);
}
