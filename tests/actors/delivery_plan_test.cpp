#include "actors/delivery_plan.hpp"
#include "store/memory_log.hpp"
#include "tests/catch.hpp"

using namespace bestow;
using namespace bestow::actors;

namespace {

struct planned_log {
  store::memory_log log{1};
  std::uint64_t version{0};

  auto append(const std::vector<partition_event>& events) -> position {
    store::append_batch batch;
    batch.stream = stream_of(promotion_id{9}, partition_no{0});
    batch.expected = stream_version{version};
    for (const auto& e : events) batch.events.push_back(encode_event(e));
    version += events.size();
    auto answers = log.append_group(std::vector{batch}, timestamp{1'000});
    REQUIRE(answers);
    return answers->front()->first;
  }
  auto release(std::uint32_t first, std::uint32_t count,
               promotion_type type = promotion_type::point) -> position {
    targets_released r;
    r.promotion = promotion_id{9};
    r.type = type;
    r.ordinals.append(first, count);
    r.message_count = count;
    return append({r});
  }
  auto said(const delivery_event& event, promotion_type type = promotion_type::point) -> position {
    store::append_batch batch;
    batch.stream = delivery_stream_of(type);
    batch.expected = *log.version_of(batch.stream);
    batch.events.push_back(encode_event(event));
    auto answers = log.append_group(std::vector{batch}, timestamp{1'000});
    REQUIRE(answers);
    return answers->front()->first;
  }
  auto record(position at, std::uint64_t seq) -> position {
    return append({grants_published{at, seq, 0}});
  }
};

const auto ignore = [](const planned_release&) {};

}  // namespace

TEST_CASE("every release owns the sequences after the one before it", "[actor]") {
  planned_log p;
  p.release(0, 10);
  p.release(0, 3, promotion_type::voucher);
  p.release(10, 5);
  delivery_plan plan{promotion_type::point, {}};
  REQUIRE(plan.catch_up(p.log, ignore));
  REQUIRE(plan.open().size() == 2);
  CHECK(plan.open()[0].first_seq == 2);
  CHECK(plan.open()[1].first_seq == 12);
  CHECK(plan.last_planned() == 16);
}

TEST_CASE("a release is settled when it is stored and recorded", "[actor]") {
  planned_log p;
  const auto a = p.release(0, 10);
  const auto b = p.release(10, 5);
  delivery_plan plan{promotion_type::point, {}};
  REQUIRE(plan.catch_up(p.log, ignore));
  plan.acked_up_to(11);
  CHECK(plan.open().size() == 2);
  p.record(a, 2);
  REQUIRE(plan.catch_up(p.log, ignore));
  REQUIRE(plan.open().size() == 1);
  CHECK(plan.open().front().at == b);
  CHECK(plan.settled()->at == a);
}

TEST_CASE("a plan picked up from its mark equals the plan read from the start", "[actor]") {
  planned_log p;
  const auto a = p.release(0, 10);
  p.record(a, 2);
  p.release(10, 5);
  p.release(15, 7);
  delivery_plan whole{promotion_type::point, {}};
  REQUIRE(whole.catch_up(p.log, ignore));
  whole.acked_up_to(11);
  const auto mark = decode_mark(encode_mark(whole.mark()));
  REQUIRE(mark);
  delivery_plan again{promotion_type::point, *mark};
  REQUIRE(again.catch_up(p.log, ignore));
  CHECK(again.last_planned() == whole.last_planned());
  REQUIRE(again.open().size() == whole.open().size());
  CHECK(again.open().front().first_seq == whole.open().front().first_seq);
  REQUIRE(again.settled());
  CHECK(again.settled()->first_seq == 2);
}

TEST_CASE("a lost tail is planned again from the release that holds it", "[actor]") {
  planned_log p;
  const auto a = p.release(0, 10);
  p.record(a, 2);
  const auto b = p.release(10, 10);
  p.record(b, 12);
  p.release(20, 10);
  delivery_plan plan{promotion_type::point, {}};
  REQUIRE(plan.catch_up(p.log, ignore));
  plan.acked_up_to(31);
  REQUIRE(plan.rescan(p.log, 15));
  CHECK(plan.open().front().at == b);
  REQUIRE(plan.settled());
  CHECK(plan.settled()->at == a);
  plan.stored_up_to(15);
  CHECK_FALSE(plan.open().front().acked);
  CHECK(plan.last_planned() == 31);
}

TEST_CASE("a mark of the wrong size is not a mark", "[actor]") {
  CHECK_FALSE(decode_mark(std::vector<std::byte>(23)));
}

TEST_CASE("a new generation plans everything again from its first release on", "[actor]") {
  planned_log p;
  p.said(stream_generation_started{"S", 1, 1, {1}});
  const auto a = p.release(0, 10);
  p.record(a, 2);
  const auto b = p.release(10, 5);
  p.record(b, 12);
  delivery_plan plan{promotion_type::point, {}};
  std::size_t told = 0;
  const auto count = [&](const planned_release&) { ++told; };
  REQUIRE(plan.catch_up(p.log, count));
  plan.acked_up_to(16);
  REQUIRE(plan.open().empty());
  CHECK(plan.generation() == plan_generation{1, 1, {1}, true});

  p.said(stream_generation_started{"S", 2, 1, {1}});
  p.said(stream_generation_started{"V", 7, 1, {1}}, promotion_type::voucher);
  REQUIRE(plan.catch_up(p.log, count));
  CHECK(told == 2);  // Nobody waits for what was released before.
  CHECK(plan.generation() == plan_generation{2, 1, {1}, false});
  REQUIRE(plan.open().size() == 2);
  CHECK(plan.open()[0].first_seq == 2);
  CHECK(plan.open()[0].recorded);
  CHECK_FALSE(plan.open()[0].acked);
  CHECK(plan.last_planned() == 16);

  p.release(15, 4);
  p.said(stream_generation_completed{"S", 1, 16});
  REQUIRE(plan.catch_up(p.log, count));
  CHECK(told == 3);
  CHECK_FALSE(plan.generation().whole);  // That was another generation's end.
  p.said(stream_generation_completed{"S", 2, 16});
  REQUIRE(plan.catch_up(p.log, count));
  CHECK(plan.generation().whole);
  CHECK(plan.open()[2].first_seq == 17);
}

TEST_CASE("a generation may begin at a later release and a later sequence", "[actor]") {
  planned_log p;
  p.said(stream_generation_started{"S", 1, 1, {1}});
  p.release(0, 10);
  const auto b = p.release(10, 5);
  p.said(stream_generation_started{"S", 2, 100, b});
  p.release(15, 7);
  delivery_plan plan{promotion_type::point, {}};
  REQUIRE(plan.catch_up(p.log, ignore));
  REQUIRE(plan.open().size() == 2);
  CHECK(plan.open()[0].at == b);
  CHECK(plan.open()[0].first_seq == 101);
  CHECK(plan.open()[1].first_seq == 106);
}

TEST_CASE("a plan picked up from any mark equals the plan read whole, over generations",
          "[actor]") {
  planned_log p;
  std::vector<plan_mark> marks;
  delivery_plan running{promotion_type::point, {}};
  const auto look = [&](std::uint64_t acked) {
    REQUIRE(running.catch_up(p.log, ignore));
    running.acked_up_to(acked);
    marks.push_back(running.mark());
  };
  p.said(stream_generation_started{"S", 1, 1, {1}});
  look(1);
  const auto a = p.release(0, 10);
  p.record(a, 2);
  look(11);
  p.said(stream_generation_started{"S", 2, 1, {1}});
  look(1);
  p.release(10, 5);
  look(5);
  p.said(stream_generation_completed{"S", 2, 11});
  look(11);
  p.release(15, 3);
  delivery_plan whole{promotion_type::point, {}};
  REQUIRE(whole.catch_up(p.log, ignore));
  for (const auto& m : marks) {
    const auto mark = decode_mark(encode_mark(m));
    REQUIRE(mark);
    CAPTURE(mark->after.value);
    delivery_plan again{promotion_type::point, *mark};
    REQUIRE(again.catch_up(p.log, ignore));
    CHECK(again.generation() == whole.generation());
    CHECK(again.last_planned() == whole.last_planned());
    CHECK(again.open().back().first_seq == whole.open().back().first_seq);
  }
}
