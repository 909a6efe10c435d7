// What only the bus in memory can do: faults exactly when they are asked for.
#include "bus/memory_bus.hpp"

#include <set>

#include "bus/broker_errors.hpp"
#include "tests/bus/bus_fixture.hpp"
#include "tests/catch.hpp"

using namespace bestow;
using namespace bestow::bus;
using namespace bestow::test;

namespace {

struct memory_setup {
  std::shared_ptr<memory_broker> broker = std::make_shared<memory_broker>();
  std::unique_ptr<memory_bus> client = std::make_unique<memory_bus>(broker);
  recorder seen;

  memory_setup() {
    seen.listen(*client);
    REQUIRE(client->ensure_stream(stream_s()));
  }
  [[nodiscard]] auto last_seq() const -> std::uint64_t { return broker->state_of("S")->last_seq; }
};

}  // namespace

TEST_CASE("nothing moves until it is delivered", "[unit][bus]") {
  memory_setup s;
  REQUIRE(s.client->publish_chunk(numbered_chunk("s.0", 0, 3), 0, 0, 1, {}));
  CHECK(s.last_seq() == 0);
  CHECK(s.client->pending().messages == 3);
  CHECK(s.client->deliver(2) == 2);
  CHECK(s.last_seq() == 2);
  CHECK(s.client->deliver_messages(5) == 1);
  CHECK(s.client->pending().acks == 1);
  CHECK(s.seen.acks.empty());
  CHECK(s.client->deliver_all() == 1);
  CHECK(s.seen.acks.size() == 1);
  CHECK(s.client->deliver_all() == 0);
}

TEST_CASE("a dropped acknowledgement leaves its chunk stored", "[unit][bus]") {
  memory_setup s;
  s.client->drop_next_acks(1);
  REQUIRE(s.client->publish_chunk(numbered_chunk("s.0", 0, 3), 0, 0, 1, {}));
  REQUIRE(s.client->publish_chunk(numbered_chunk("s.0", 3, 3), 0, 3, 2, {}));
  s.client->deliver_all();
  REQUIRE(s.seen.acks.size() == 1);
  CHECK(s.seen.acks[0].token == 2);
  CHECK(s.last_seq() == 6);
}

TEST_CASE("a killed client's messages land late, in their order, unheard", "[unit][bus]") {
  memory_setup s;
  REQUIRE(s.client->publish_chunk(numbered_chunk("s.0", 0, 4), 0, 0, 1, {}));
  s.client->deliver_messages(1);
  s.client.reset();
  CHECK(s.broker->orphans() == 3);
  memory_bus next{s.broker};
  CHECK(next.state_of("S")->last_seq == 1);
  s.broker->land_orphans(2);
  CHECK(next.state_of("S")->last_seq == 3);
  // The next process has filled the place: what lands later is refused.
  CHECK(next.publish("s.0", "message-3", 3, "", {}) == 4);
  s.broker->land_orphans(9);
  CHECK(s.broker->orphans() == 0);
  CHECK(payloads_of(next, "S").size() == 4);
}

TEST_CASE("a broken link lands as much as it is told and reports the rest as lost", "[unit][bus]") {
  memory_setup s;
  REQUIRE(s.client->publish_chunk(numbered_chunk("s.0", 0, 4), 0, 0, 1, {}));
  REQUIRE(s.client->publish_chunk(numbered_chunk("s.0", 4, 4), 0, 4, 2, {}));
  s.client->disconnect(6);
  CHECK(s.last_seq() == 6);
  REQUIRE(s.seen.acks.size() == 2);
  CHECK(s.seen.acks[0].error_code == ack_lost);
  CHECK(s.seen.acks[1].error_code == ack_lost);
  s.client->reconnect();
  s.client->deliver_all();
  CHECK(s.seen.acks.size() == 2);
  CHECK(s.seen.links == std::vector<link_state>{link_state::disconnected, link_state::connected});
}

TEST_CASE("a full stream refuses until there is room again", "[unit][bus]") {
  memory_setup s;
  s.broker->set_full("S", true);
  CHECK(s.client->publish("s.0", "x", 0, "", {}).error().code == fault_code::broker_stream_full);
  REQUIRE(s.client->publish_chunk(numbered_chunk("s.0", 0, 3), 0, 0, 1, {}));
  s.client->deliver_all();
  // As nats-server does: the last message's refusal speaks of the sequence, not of the room.
  CHECK(s.seen.acks.at(0).error_code == js_wrong_last_sequence);
  s.broker->set_full("S", false);
  CHECK(s.client->publish("s.0", "x", 0, "", {}) == 1);
}

TEST_CASE("damage to a stream is visible as the broker would show it", "[unit][bus]") {
  memory_setup s;
  REQUIRE(s.client->publish_chunk(numbered_chunk("s.0", 0, 5), 0, 0, 1, {}));
  s.client->deliver_all();
  s.broker->punch_hole("S", 2);
  CHECK(s.client->state_of("S")->messages == 4);
  CHECK(s.client->state_of("S")->last_seq == 5);
  CHECK_FALSE(s.client->read("S", 2).value().has_value());
  s.broker->punch_hole("S", 1);
  CHECK(s.client->state_of("S")->first_seq == 3);
  s.broker->truncate_tail("S", 4);
  CHECK(s.client->state_of("S")->last_seq == 4);
  s.broker->replace_payload("S", 4, "other");
  CHECK(s.client->read("S", 4).value()->payload == "other");
  CHECK(s.broker->add_foreign("S", "s.x", "foreign") == 5);
  CHECK(s.client->read("S", 5).value()->payload == "foreign");
  s.broker->remove_stream("S");
  CHECK(s.client->state_of("S").error().code == fault_code::broker_stream_missing);
  CHECK(s.client->ensure_stream(stream_s())->last_seq == 0);
}

TEST_CASE("calls fail exactly as often as they are told to", "[unit][bus]") {
  memory_setup s;
  s.client->fail_next_calls(2);
  CHECK(s.client->state_of("S").error().code == fault_code::broker_unavailable);
  CHECK(s.client->read("S", 1).error().code == fault_code::broker_unavailable);
  CHECK(s.client->state_of("S"));
  s.client->lose_next_publish_acks(1);
  CHECK(s.client->publish("s.0", "x", 0, "", {}).error().code == fault_code::outcome_unknown);
  CHECK(s.last_seq() == 1);
}

TEST_CASE("batches out of order and redelivered lose nothing", "[unit][bus]") {
  memory_setup s;
  std::vector<message_bus::simple_message> messages(100, {"s.0", "x"});
  REQUIRE(s.client->publish_all(messages));
  auto consumer = s.client->consume({"S", "d", "", 10, {}}, s.seen.sink());
  REQUIRE(consumer);
  s.client->reorder_next_batches(2);
  (*consumer)->grant_credit(3);
  s.client->deliver_all();
  REQUIRE(s.seen.batches.size() == 3);
  CHECK(s.seen.batches[0].messages.front().stream_seq == 11);
  // Acknowledging the first delivery must not acknowledge what was left behind.
  (*consumer)->ack(s.seen.batches[0].token);
  s.client->redeliver_unacked();
  (*consumer)->grant_credit(100);
  s.client->deliver_all();
  const auto sequences = s.seen.sequences();
  CHECK(std::set<std::uint64_t>(sequences.begin(), sequences.end()).size() == 100);
  (*consumer)->ack(s.seen.batches.back().token);
  s.client->redeliver_unacked();
  const auto before = s.seen.received();
  s.client->deliver_all();
  CHECK(s.seen.received() == before);
}

TEST_CASE("the same calls give the same history", "[unit][bus]") {
  const auto run = [] {
    memory_setup s;
    auto consumer = s.client->consume({"S", "d", "", 7, {}}, s.seen.sink());
    (*consumer)->grant_credit(50);
    for (std::uint64_t i = 0; i < 10; ++i) {
      (void)s.client->publish_chunk(numbered_chunk("s.0", i * 10, 10), 0, i * 10, i, {});
      s.client->deliver(i * 3);
      if (i == 5) {
        s.client->disconnect(4);
        s.client->reconnect();
      }
    }
    s.client->deliver_all();
    std::string text;
    for (const auto seq : s.seen.sequences()) text += std::to_string(seq) + " ";
    for (const auto& a : s.seen.acks) {
      text += std::to_string(a.token) + ":" + std::to_string(a.error_code) + " ";
    }
    return text;
  };
  const auto first = run();
  CHECK(first.size() > 100);
  CHECK(run() == first);
}
