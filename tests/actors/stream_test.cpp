// One stream and everything that can be wrong with it: recognised, said, and mended.
#include "actors/stream_audit.hpp"
#include "actors/stream_tag.hpp"
#include "tests/actors/engine_on_fakes.hpp"
#include "tests/catch.hpp"

using namespace bestow;
using namespace bestow::tests;
using namespace std::chrono_literals;
using domain::promotion_state;

namespace {

constexpr promotion_id first{77};
const std::string points = "GRANTS_POINT";

void prepare(process& p, promotion_id id, std::uint32_t targets) {
  REQUIRE(p.create(point_promotion(id.value, 3)));
  REQUIRE(p.import_points(id, "batch", id.value * 10'000, targets, 500));
  REQUIRE(p.seal(id));
  REQUIRE(p.approve(id));
}

auto status(process& p) -> actors::delivery_status {
  return p.ask<actors::delivery_reply>(p.context->book.publisher(promotion_type::point),
                                       actors::delivery_query{})
      .status;
}

auto state_is(process& p, std::string_view wanted) -> bool {
  return p.drive_until([&] { return status(p).state.starts_with(wanted); });
}

/// 3,000 grants published and answered by one process that ended well.
void published_world(world& w) {
  process p{w};
  small_wallet wallet{w};
  prepare(p, first, 3'000);
  REQUIRE(p.start(first));
  REQUIRE(p.drive_until([&] {
    wallet.answer_new();
    return p.row(first).state == promotion_state::completed;
  }));
}

auto contents(world& w) -> std::vector<bus::stored_message> {
  bus::memory_bus link{w.broker};
  std::vector<bus::stored_message> out;
  REQUIRE(link.scan(points, 1, UINT64_MAX, [&](const bus::stored_message& m) {
    out.push_back(m);
    return true;
  }));
  return out;
}

auto facts(world& w, event_type type) -> std::vector<delivery_event> {
  std::vector<delivery_event> out;
  store::read_options options;
  options.types = {type};
  REQUIRE(w.log->read({}, options, [&](const store::stored_event& e) {
    out.push_back(*decode_delivery(e.type, e.payload));
    return true;
  }));
  return out;
}

auto audit(process& p) -> actors::stream_audit {
  const auto wanted = actors::grant_stream_config(p.context->options, promotion_type::point,
                                                  p.w.log->log_id(), 1);
  const auto seen = actors::audit_stream(p.context->parts, promotion_type::point, wanted);
  REQUIRE(seen);
  return *seen;
}

auto rebuild(process& p) -> result<position> {
  const auto seen = audit(p);
  return p
      .ask<actors::generation_reply>(p.context->book.publisher(promotion_type::point),
                                     actors::generation_request{seen.generation.number, {"boss", "", 0}})
      .answer;
}

/// As before, but for the identity message, which names another generation.
void check_rebuilt(world& w, const std::vector<bus::stored_message>& before,
                   std::uint32_t generation) {
  const auto after = contents(w);
  REQUIRE(after.size() == before.size());
  CHECK(after[0].payload == actors::identity_message({w.log->log_id(), generation}));
  std::size_t different = 0;
  for (std::size_t i = 1; i < after.size(); ++i)
    different += after[i].payload == before[i].payload && after[i].subject == before[i].subject &&
                         after[i].seq == before[i].seq
                     ? 0
                     : 1;
  CHECK(different == 0);
}

}  // namespace

TEST_CASE("a stream is the log's, and says so in its first message and its description",
          "[actor][stream]") {
  const actors::stream_tag tag{"0123456789abcdef0123456789abcdef", 7};
  CHECK(actors::parse_identity(actors::identity_message(tag)) == tag);
  CHECK(actors::parse_description(actors::stream_description(tag)) == tag);
  for (const auto* bad : {"", "{}", R"({"log_id":"short","generation":1})",
                          R"({"log_id":"0123456789abcdef0123456789abcdef","generation":0})",
                          R"({"log_id":"0123456789abcdef0123456789abcdef","generation":1}x)"})
    CHECK_FALSE(actors::parse_identity(bad));
}

TEST_CASE("what is wrong with a stream is said by its own name, and a rebuild mends it",
          "[actor][stream]") {
  world w{21};
  published_world(w);
  const auto before = contents(w);
  REQUIRE(before.size() == 3'001);
  fault_code expected{};
  SECTION("wiped") {
    w.broker->remove_stream(points);
    expected = fault_code::broker_stream_missing;
  }
  SECTION("purged") {
    w.broker->purge(points);
    expected = fault_code::broker_stream_purged;
  }
  SECTION("the first messages are gone") {
    for (std::uint64_t seq = 1; seq <= 10; ++seq) w.broker->punch_hole(points, seq);
    expected = fault_code::broker_stream_purged;
  }
  SECTION("a hole") {
    w.broker->punch_hole(points, 1'234);
    expected = fault_code::broker_stream_damaged;
  }
  SECTION("other settings") {
    bus::memory_bus link{w.broker};
    bus::stream_config config;
    config.name = points;
    config.subjects = {"prepay.campaign.point.>"};
    config.deny_delete_and_purge = false;
    w.broker->reconfigure(points, config);
    expected = fault_code::broker_stream_misconfigured;
  }
  process p{w};
  REQUIRE(state_is(p, "halted"));
  CHECK(status(p).code == name_of(expected));
  CHECK(status(p).state.find(name_of(expected)) != std::string::npos);
  const auto seen = audit(p);
  REQUIRE(seen.wrong);
  CHECK(seen.wrong->code == expected);
  CHECK_FALSE(seen.refusal);
  CHECK(facts(w, event_type::stream_halted).size() == 1);

  REQUIRE(rebuild(p));
  REQUIRE(state_is(p, "ready"));
  check_rebuilt(w, before, 2);
  CHECK(status(p).generation == 2);
  const auto done = facts(w, event_type::stream_generation_completed);
  REQUIRE(done.size() == 1);
  CHECK(std::get<stream_generation_completed>(done[0]) ==
        stream_generation_completed{points, 2, 3'001});
  CHECK_FALSE(audit(p).wrong);
  // Nothing is recorded a second time, and what comes next is planned behind it.
  CHECK(p.row(first).counts.published == 3'000);
  prepare(p, promotion_id{78}, 500);
  REQUIRE(p.start(promotion_id{78}));
  REQUIRE(p.drive_until([&] { return p.row(promotion_id{78}).counts.published == 500; }));
  CHECK(contents(w).size() == 3'501);
}

TEST_CASE("a rebuild that is killed at any step is finished by the next process",
          "[actor][stream]") {
  const auto steps = GENERATE(range(0, 60, 3));
  world w{22};
  published_world(w);
  const auto before = contents(w);
  w.broker->punch_hole(points, 17);
  {
    process p{w};
    REQUIRE(state_is(p, "halted"));
    caf::anon_send(p.context->book.publisher(promotion_type::point),
                   actors::generation_request{1, {}});
    for (int i = 0; i < steps; ++i) p.step(0);
  }
  w.broker->land_orphans(100'000);
  process p{w};
  REQUIRE(p.drive_until([&] { return status(p).state == "ready" || status(p).code == "broker_stream_damaged"; }));
  if (status(p).state != "ready") REQUIRE(rebuild(p));  // Killed before the fact was durable.
  REQUIRE(state_is(p, "ready"));
  check_rebuilt(w, before, 2);
  CHECK(facts(w, event_type::stream_tail_republished).empty());
}

TEST_CASE("a rebuild in the middle of a run loses and repeats nothing", "[actor][stream]") {
  world w{23};
  process p{w};
  small_wallet wallet{w};
  prepare(p, first, 9'000);
  REQUIRE(p.start(first));
  REQUIRE(p.drive_until([&] { return p.row(first).counts.published > 1'000; }));
  w.broker->remove_stream(points);
  REQUIRE(p.drive_until([&] { return status(p).state.starts_with("halted"); }, 2'000));
  REQUIRE(rebuild(p));
  REQUIRE(p.drive_until([&] {
    wallet.answer_new();
    return p.row(first).state == promotion_state::completed;
  }, 2'000));
  CHECK(p.row(first).counts.success == 9'000);
  CHECK(contents(w).size() == 9'001);
  CHECK_FALSE(audit(p).wrong);
}

TEST_CASE("a rebuild would never delete a message that the log does not know", "[actor][stream]") {
  world w{24};
  published_world(w);
  domain::rejection expected{};
  SECTION("ahead") {
    w.broker->add_foreign(points, "prepay.campaign.point.publish.0", "{}");
    expected = domain::rejection::stream_must_be_adopted;
  }
  SECTION("another message in a planned place") {
    w.broker->replace_payload(points, 1'000, "{}");
    expected = domain::rejection::stream_belongs_to_another;
  }
  SECTION("another log") {
    w.broker->replace_payload(
        points, 1, actors::identity_message({"0123456789abcdef0123456789abcdef", 1}));
    expected = domain::rejection::stream_belongs_to_another;
  }
  process p{w};
  const auto seen = audit(p);
  REQUIRE(seen.refusal);
  CHECK(seen.refusal->why == expected);
  CHECK_FALSE(seen.refusal->detail.empty());
}

TEST_CASE("nothing is started while the stream holds grants that the log does not know",
          "[actor][stream]") {
  world w{25};
  published_world(w);
  w.broker->add_foreign(points, "prepay.campaign.point.publish.0", "{}");
  process p{w};
  REQUIRE(state_is(p, "halted"));
  CHECK(status(p).code == "broker_stream_ahead");
  prepare(p, promotion_id{79}, 10);
  const auto refused = p.start(promotion_id{79});
  REQUIRE_FALSE(refused);
  CHECK(std::get<domain::refusal>(refused.error()).why ==
        domain::rejection::stream_must_be_adopted);
}

TEST_CASE("a full stream pauses publishing, says so once and goes on by itself",
          "[actor][stream]") {
  world w{26};
  process p{w};
  small_wallet wallet{w};
  prepare(p, first, 6'000);
  REQUIRE(state_is(p, "ready"));
  w.broker->set_full(points, true);
  REQUIRE(p.start(first));
  REQUIRE(state_is(p, "full"));
  CHECK(status(p).code == "broker_stream_full");
  p.drive_until([] { return false; }, 500);  // Ten seconds of being full.
  CHECK(facts(w, event_type::stream_paused).size() == 1);
  CHECK(facts(w, event_type::stream_resumed).empty());
  w.broker->set_full(points, false);
  REQUIRE(p.drive_until([&] {
    wallet.answer_new();
    return p.row(first).state == promotion_state::completed;
  }));
  CHECK(facts(w, event_type::stream_resumed).size() == 1);
  CHECK(contents(w).size() == 6'001);
}

TEST_CASE("a lost tail is sent again, counted, and shown until it stands", "[actor][stream]") {
  world w{27};
  published_world(w);
  const auto before = contents(w);
  w.broker->truncate_tail(points, 2'000);
  process p{w};
  REQUIRE(state_is(p, "ready"));
  CHECK(status(p).republished == 1'001);
  CHECK(contents(w).size() == before.size());
  const auto said = facts(w, event_type::stream_tail_republished);
  REQUIRE(said.size() == 1);
  CHECK(std::get<stream_tail_republished>(said[0]) == stream_tail_republished{points, 2'001, 3'001});
}

TEST_CASE("with a fence the first message after any doubt is sent alone, the others name it",
          "[actor][stream]") {
  world w{28};
  process p{w, {}, {true, 0, 1}};
  small_wallet wallet{w};
  prepare(p, first, 6'000);
  REQUIRE(p.start(first));
  for (int round = 0; round < 5; ++round) {
    p.drive_until([&] { return p.row(first).counts.published > 1'000U * round; });
    p.bus->disconnect(p.bus->pending().messages / 2);
    p.bus->reconnect();
  }
  REQUIRE(p.drive_until([&] {
    wallet.answer_new();
    return p.row(first).state == promotion_state::completed;
  }));
  CHECK(contents(w).size() == 6'001);
  CHECK_FALSE(audit(p).wrong);
}

TEST_CASE("a writer with another plan is stopped by the fence before it can write between",
          "[actor][stream]") {
  const bool fence = GENERATE(true, false);
  world w{29};
  process p{w, {}, {fence, 0, 1}};
  prepare(p, first, 6'000);
  REQUIRE(p.start(first));
  REQUIRE(p.drive_until([&] { return p.row(first).counts.published > 0; }));
  REQUIRE(p.drive_until([&] { return p.bus->pending().messages > 2 || p.row(first).counts.published == 6'000; }));
  // A zombie writes its own message where ours was next, as one that read the same sequence does.
  bus::memory_bus zombie{w.broker};
  const auto last = zombie.state_of(points)->last_seq;
  REQUIRE(zombie.publish("prepay.campaign.point.publish.0", "{\"zombie\":1}", last, "", {}));
  p.drive_until([&] { return status(p).state.starts_with("halted"); }, 300);
  CHECK(status(p).state.starts_with("halted"));
  if (!fence) return;
  // Nothing of ours stands behind the zombie's message.
  CHECK(contents(w).size() == last + 1);
}
