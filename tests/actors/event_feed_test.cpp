#include "actors/event_audit.hpp"
#include "actors/event_feed.hpp"
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

namespace {

auto feed_status(process& p) -> actors::delivery_status {
  return p.ask<actors::delivery_reply>(p.context->book.event_feed(), actors::delivery_query{}).status;
}

auto audit(process& p) -> actors::event_audit {
  return actors::audit_events(p.context->parts, p.context->options.grants).value();
}

/// What `nats rebuild` does once the audit allows it.
void rebuild(process& p) {
  REQUIRE(p.bus->remove_stream(stream));
  caf::anon_send(p.context->book.event_feed(), actors::recheck_stream{});
}

}  // namespace

TEST_CASE("an event stream ahead of the log is halted, found ours, and made anew", "[actor]") {
  world w{15};
  auto p = std::make_unique<process>(w);
  prepare(*p, 20);
  REQUIRE(p->drive_until([&] { return caught_up(*p); }));
  CHECK(audit(*p).refusal->why == domain::rejection::stream_is_sound);
  p.reset();
  {  // As after a restore: facts that this log no longer knows.
    bus::memory_bus later{w.broker};
    for (int i = 0; i < 40; ++i)
      REQUIRE(later.publish("bestow.evt.promotion.lost", "{}", std::nullopt, "", {}));
  }
  p = std::make_unique<process>(w);
  REQUIRE(p->drive_until([&] { return feed_status(*p).state.starts_with("halted"); }));
  CHECK(feed_status(*p).code == name_of(fault_code::broker_stream_differs));
  CHECK(feed_status(*p).state.find("nats rebuild") != std::string::npos);
  const auto found = audit(*p);
  REQUIRE_FALSE(found.refusal);
  CHECK(found.wrong.find("ends at sequence") != std::string::npos);
  rebuild(*p);
  REQUIRE(p->drive_until([&] { return caught_up(*p) && feed_status(*p).state == "ready"; }));
  check_events(*p);
}

TEST_CASE("an event stream that begins with another log's fact is not made anew", "[actor]") {
  world w{16};
  {
    bus::memory_bus stranger{w.broker};
    REQUIRE(stranger.ensure_stream(actors::event_stream_config({})));
    REQUIRE(stranger.publish("bestow.evt.promotion.promotion_created",
                             R"({"position":1,"stream":"promotion-9","principal":null})",
                             std::nullopt, "", {}));
  }
  auto p = std::make_unique<process>(w);
  prepare(*p, 5);
  REQUIRE(p->drive_until([&] { return feed_status(*p).state.starts_with("halted"); }));
  CHECK(audit(*p).refusal->why == domain::rejection::stream_belongs_to_another);
}
