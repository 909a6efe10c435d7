// Contract of message_bus: durable consumers lose nothing, and take no more than they may.
#include <numeric>
#include <set>

#include "tests/bus/bus_fixture.hpp"
#include "tests/catch.hpp"

using namespace bestow;
using namespace bestow::bus;
using namespace bestow::test;
using namespace std::chrono_literals;

namespace {

auto publish_numbers(message_bus& client, int from, int count, const std::string& subject = "s.0") {
  std::vector<message_bus::simple_message> messages;
  for (int i = from; i < from + count; ++i) messages.push_back({subject, std::to_string(i)});
  REQUIRE(client.publish_all(messages));
}

auto config_of(std::size_t batch_max, const std::string& filter = "") -> consumer_config {
  return {"S", "reader", filter, batch_max, 30'000ms};
}

auto one_to(std::uint64_t last) -> std::vector<std::uint64_t> {
  std::vector<std::uint64_t> out(last);
  std::iota(out.begin(), out.end(), 1);
  return out;
}

}  // namespace

TEST_CASE("a consumer delivers everything in order, also what comes later", "[contract][bus]") {
  const auto world = make_world(GENERATE(world_kind::memory, world_kind::nats));
  if (!world) return;
  const auto client = world->connect();
  REQUIRE(client->ensure_stream(stream_s()));
  publish_numbers(*client, 1, 2'500);
  recorder seen;
  auto consumer = client->consume(config_of(1'000), seen.sink());
  REQUIRE(consumer);
  (*consumer)->grant_credit(100);
  REQUIRE(seen.wait(*world, *client, [&] { return seen.received() >= 2'500; }));
  publish_numbers(*client, 2'501, 10);
  REQUIRE(seen.wait(*world, *client, [&] { return seen.received() >= 2'510; }));
  CHECK(seen.sequences() == one_to(2'510));
  for (const auto& batch : seen.batches) {
    CHECK(batch.messages.size() <= 1'000);
    for (const auto& m : batch.messages) {
      CHECK(m.payload == std::to_string(m.stream_seq));
      CHECK(m.subject == "s.0");
    }
  }
}

TEST_CASE("a consumer without credit delivers nothing", "[contract][bus]") {
  const auto world = make_world(GENERATE(world_kind::memory, world_kind::nats));
  if (!world) return;
  const auto client = world->connect();
  REQUIRE(client->ensure_stream(stream_s()));
  publish_numbers(*client, 1, 100);
  recorder seen;
  auto consumer = client->consume(config_of(10), seen.sink());
  REQUIRE(consumer);
  (*consumer)->grant_credit(2);
  REQUIRE(seen.wait(*world, *client, [&] { return seen.batches.size() >= 2; }));
  // Another consumer that reads to the end proves that this one had every chance to go on.
  recorder other;
  auto witness = client->consume({"S", "witness", "", 100, 30'000ms}, other.sink());
  REQUIRE(witness);
  (*witness)->grant_credit(50);
  REQUIRE(other.wait(*world, *client, [&] { return other.received() == 100; }));
  CHECK(seen.batches.size() == 2);
  CHECK(seen.received() <= 20);
  (*consumer)->grant_credit(50);
  REQUIRE(seen.wait(*world, *client, [&] { return seen.received() >= 100; }));
  CHECK(seen.sequences() == one_to(100));
}

TEST_CASE("what was acknowledged does not come again, what was not does, after a restart",
          "[contract][bus]") {
  const auto world = make_world(GENERATE(world_kind::memory, world_kind::nats));
  if (!world) return;
  auto client = world->connect();
  REQUIRE(client->ensure_stream(stream_s()));
  publish_numbers(*client, 1, 100);
  std::uint64_t acknowledged = 0;
  {
    recorder seen;
    auto consumer = client->consume(config_of(10), seen.sink());
    REQUIRE(consumer);
    (*consumer)->grant_credit(100);
    REQUIRE(seen.wait(*world, *client, [&] { return seen.received() == 100; }));
    REQUIRE(seen.batches.size() > 4);
    (*consumer)->ack(seen.batches[3].token);
    acknowledged = seen.batches[3].messages.back().stream_seq;
    // A call that is answered: the acknowledgement was written to the same connection before it.
    REQUIRE(client->state_of("S"));
  }
  client.reset();
  client = world->connect();
  recorder again;
  auto consumer = client->consume(config_of(10), again.sink());
  REQUIRE(consumer);
  (*consumer)->grant_credit(100);
  REQUIRE(again.wait(*world, *client, [&] { return again.received() >= 100 - acknowledged; }));
  const auto sequences = again.sequences();
  CHECK(sequences.front() == acknowledged + 1);
  CHECK(sequences.back() == 100);
  CHECK(sequences.size() == 100 - acknowledged);
}

TEST_CASE("a consumer outlives its broker and misses nothing", "[contract][bus]") {
  const auto world = make_world(GENERATE(world_kind::memory, world_kind::nats));
  if (!world) return;
  const auto client = world->connect();
  REQUIRE(client->ensure_stream(stream_s()));
  recorder seen;
  auto consumer = client->consume(config_of(50), seen.sink());
  REQUIRE(consumer);
  (*consumer)->grant_credit(1'000'000);
  for (int round = 0; round < 4; ++round) {
    publish_numbers(*client, 1 + round * 1'000, 1'000);
    REQUIRE(seen.wait(*world, *client, [&] { return !seen.batches.empty(); }));
    (*consumer)->ack(seen.batches[seen.batches.size() / 2].token);
    world->kill_broker(*client);
    world->revive_broker(*client);
  }
  REQUIRE(seen.wait(*world, *client, [&] {
    const auto sequences = seen.sequences();
    return std::set<std::uint64_t>(sequences.begin(), sequences.end()).size() == 4'000;
  }));
  (*consumer)->ack(seen.batches.back().token);
}

TEST_CASE("acknowledging the last of many batches acknowledges them all", "[contract][bus]") {
  const auto world = make_world(GENERATE(world_kind::memory, world_kind::nats));
  if (!world) return;
  auto client = world->connect();
  REQUIRE(client->ensure_stream(stream_s()));
  publish_numbers(*client, 1, 500);
  {
    recorder seen;
    auto consumer = client->consume(config_of(20), seen.sink());
    REQUIRE(consumer);
    (*consumer)->grant_credit(1'000);
    REQUIRE(seen.wait(*world, *client, [&] { return seen.received() == 500; }));
    (*consumer)->ack(seen.batches.back().token);
    REQUIRE(client->state_of("S"));
  }
  publish_numbers(*client, 501, 1);
  recorder again;
  auto consumer = client->consume(config_of(20), again.sink());
  REQUIRE(consumer);
  (*consumer)->grant_credit(10);
  REQUIRE(again.wait(*world, *client, [&] { return again.received() >= 1; }));
  CHECK(again.sequences() == std::vector<std::uint64_t>{501});
}

TEST_CASE("a filter selects subjects and cannot be changed under a durable name",
          "[contract][bus]") {
  const auto world = make_world(GENERATE(world_kind::memory, world_kind::nats));
  if (!world) return;
  const auto client = world->connect();
  REQUIRE(client->ensure_stream(stream_s()));
  for (int i = 0; i < 30; ++i) publish_numbers(*client, i, 1, i % 3 == 0 ? "s.yes.1" : "s.no");
  recorder seen;
  auto consumer = client->consume(config_of(100, "s.yes.*"), seen.sink());
  REQUIRE(consumer);
  (*consumer)->grant_credit(100);
  REQUIRE(seen.wait(*world, *client, [&] { return seen.received() == 10; }));
  for (const auto sequence : seen.sequences()) CHECK((sequence - 1) % 3 == 0);
  const auto other = client->consume(config_of(100, "s.no"), [](incoming_batch) {});
  REQUIRE_FALSE(other);
  CHECK(other.error().code == fault_code::broker_stream_misconfigured);
}

TEST_CASE("a consumer that is gone calls nobody", "[contract][bus]") {
  const auto world = make_world(GENERATE(world_kind::memory, world_kind::nats));
  if (!world) return;
  const auto client = world->connect();
  REQUIRE(client->ensure_stream(stream_s()));
  recorder seen;
  auto consumer = client->consume(config_of(10), seen.sink());
  REQUIRE(consumer);
  (*consumer)->grant_credit(100);
  consumer->reset();
  publish_numbers(*client, 1, 10);
  recorder other;
  auto witness = client->consume({"S", "witness", "", 100, 30'000ms}, other.sink());
  REQUIRE(witness);
  (*witness)->grant_credit(50);
  REQUIRE(other.wait(*world, *client, [&] { return other.received() == 10; }));
  CHECK(seen.batches.empty());
}
