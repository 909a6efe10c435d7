#include "events/fact_json.hpp"
#include "tests/actors/engine_on_fakes.hpp"
#include "tests/catch.hpp"

using namespace bestow;
using namespace bestow::tests;

namespace {

constexpr promotion_id only{77};
const std::string stream = "BESTOW_EVENTS";

void prepare(process& p, std::uint32_t targets) {
  REQUIRE(p.create(point_promotion(only.value, 2)));
  REQUIRE(p.import_points(only, "batch", 1'000, targets, 500));
  REQUIRE(p.seal(only));
  REQUIRE(p.approve(only));
  REQUIRE(p.start(only));
}

auto caught_up(process& p) -> bool {
  const auto state = p.bus->state_of(stream);
  return state && state->last_seq == p.w.log->head().last.value;
}

/// Every sequence of the stream is the fact at that position, and nothing is missing.
void check_events(process& p) {
  const auto head = p.w.log->head().last;
  const auto seen = p.w.log->read(position{}, {}, [&](const store::stored_event& e) {
    const auto stored = p.bus->read(stream, e.at.value);
    REQUIRE(stored);
    REQUIRE(stored->has_value());
    const auto metadata = decode_metadata(e.metadata);
    REQUIRE(metadata);
    CHECK((*stored)->payload ==
          fact_to_json({e.at, e.stream, e.version, e.recorded_at, metadata->principal}, e.type,
                       e.payload));
    CHECK((*stored)->subject == "bestow.evt." + std::string{name_of(e.stream.kind)} + "." +
                                    std::string{name_of(e.type)});
    return true;
  });
  REQUIRE(seen);
  CHECK(p.bus->state_of(stream)->last_seq == head.value);
  CHECK(p.bus->state_of(stream)->messages == head.value);
}

}  // namespace

TEST_CASE("every fact stands on the event stream at its own position", "[actor]") {
  world w{11};
  process p{w};
  small_wallet wallet{w};
  prepare(p, 300);
  REQUIRE(p.drive_until([&] {
    wallet.answer_new();
    return p.row(only).state == domain::promotion_state::completed && caught_up(p);
  }));
  check_events(p);
}

TEST_CASE("a killed feed goes on where the stream ends", "[actor]") {
  world w{12};
  auto p = std::make_unique<process>(w);
  small_wallet wallet{w};
  prepare(*p, 300);
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 40 + round * 37; ++i) p->step(static_cast<std::uint64_t>(i) * 7'919);
    p->bus->lose_next_publish_acks(1);
    p.reset();
    p = std::make_unique<process>(w);
  }
  REQUIRE(p->drive_until([&] {
    wallet.answer_new();
    return p->row(only).state == domain::promotion_state::completed && caught_up(*p);
  }));
  check_events(*p);
}

TEST_CASE("a wiped event stream is written again from the first fact", "[actor]") {
  world w{13};
  auto p = std::make_unique<process>(w);
  prepare(*p, 20);
  REQUIRE(p->drive_until([&] { return caught_up(*p); }));
  p.reset();
  w.broker->remove_stream(stream);
  p = std::make_unique<process>(w);
  REQUIRE(p->drive_until([&] { return caught_up(*p); }));
  check_events(*p);
}

TEST_CASE("an event stream that ends in something else is left alone", "[actor]") {
  world w{14};
  auto p = std::make_unique<process>(w);
  prepare(*p, 20);
  REQUIRE(p->drive_until([&] { return caught_up(*p); }));
  const auto end = p->bus->state_of(stream)->last_seq;
  p.reset();
  {
    bus::memory_bus stranger{w.broker};
    REQUIRE(stranger.publish("bestow.evt.promotion.forged", "{}", std::nullopt, "", {}));
  }
  p = std::make_unique<process>(w);
  const auto said = [&] {
    return p->ask<actors::delivery_reply>(p->context->book.event_feed(), actors::delivery_query{})
        .status.state;
  };
  REQUIRE(p->drive_until([&] { return said().starts_with("halted"); }));
  CHECK(said().find("is not this log's fact") != std::string::npos);
  CHECK(p->bus->state_of(stream)->last_seq == end + 1);
}
