// Rebuilds beside the serving rows, and rows of another history.
#include "tests/projections/stage.hpp"
#include "tests/catch.hpp"

namespace bestow::projections::testing {
namespace {

constexpr promotion_id one{1};

void live(stage& s, promotion_id id) {
  s.begin(id, 2, some_targets(40, 2));
  for (std::uint16_t k = 0; k < 2; ++k) {
    s.release(id, k, 20);
    s.publish(id, k);
    s.answer(id, k,
             {answered(3, process_status::success, "a"), answered(4, process_status::failed)});
  }
}

auto status_of(const view_set& views, std::string_view name) -> view_status {
  for (auto& s : views.status())
    if (s.name == name) return s;
  FAIL("no such view");
  return {};
}

TEST_CASE("a rebuilt view has the same bytes", "[unit][rebuild]") {
  const auto* kind = GENERATE("memory", "lmdb");
  stage s;
  live(s, one);
  const temp_directory dir;
  auto stores = make_stores(kind, dir);
  auto views = open_all(s, *stores);
  follow_all(*views);
  const auto before = hashes(*views);
  for (const auto& name : views->names()) {
    REQUIRE(*views->start_rebuild(name));
    CHECK(status_of(*views, name).life == view_life::rebuilding);
    follow(*views, name);
    CHECK(status_of(*views, name).life == view_life::following);
  }
  CHECK(hashes(*views) == before);
  // And again, and after a restart.
  for (const auto& name : views->names()) {
    REQUIRE(*views->start_rebuild(name));
    follow(*views, name);
  }
  views.reset();
  views = open_all(s, *stores);
  CHECK(hashes(*views) == before);
  for (const auto& status : views->status()) CHECK(status.lag == 0);
}

TEST_CASE("the old rows serve and follow while the new ones are built", "[unit][rebuild]") {
  stage s;
  live(s, one);
  const auto stores = store::make_memory_view_stores();
  batch_bounds bounds;
  bounds.events = 2;
  const auto views = open_all(s, *stores, bounds);
  follow_all(*views);
  const auto old_reader = views->read("promotion_summary");
  REQUIRE(old_reader);
  REQUIRE(*views->start_rebuild("promotion_summary"));
  REQUIRE(*views->start_rebuild("promotion_summary"));  // Asked twice: one rebuild.
  live(s, promotion_id{2});
  const auto head = s.log().head().last;
  std::size_t steps = 0;
  bool old_caught_up_first = false;
  for (bool caught_up = false; !caught_up; ++steps) {
    const auto step = views->step("promotion_summary");
    REQUIRE(step);
    caught_up = step->caught_up;
    const auto status = status_of(*views, "promotion_summary");
    if (status.life == view_life::rebuilding && status.at == head) old_caught_up_first = true;
  }
  CHECK(steps > 5);
  CHECK(old_caught_up_first);
  CHECK(status_of(*views, "promotion_summary").at == head);
  // A snapshot taken before the switch still answers.
  CHECK(promotion_summary::read(**old_reader, one)->has_value());
  CHECK_FALSE(promotion_summary::read(**old_reader, promotion_id{2})->has_value());
  const queries ask{*views, s.log(), s.lists()};
  CHECK(ask.promotion(promotion_id{2})->value.has_value());
}

TEST_CASE("a process killed during a rebuild serves what it served before", "[unit][rebuild]") {
  const auto* kind = GENERATE("memory", "lmdb");
  stage s;
  live(s, one);
  const temp_directory dir;
  auto stores = make_stores(kind, dir);
  batch_bounds bounds;
  bounds.events = 2;
  auto views = open_all(s, *stores, bounds);
  follow_all(*views);
  const auto before = hashes(*views);
  for (int kill = 0; kill < 6; ++kill) {
    REQUIRE(*views->start_rebuild("target_status"));
    for (int step = 0; step <= kill; ++step) REQUIRE(views->step("target_status"));
    views.reset();
    views = open_all(s, *stores, bounds);
    CHECK(status_of(*views, "target_status").lag == 0);
    CHECK(hashes(*views) == before);
  }
}

TEST_CASE("rows of another history are thrown away and built again", "[unit][rebuild]") {
  const auto* kind = GENERATE("memory", "lmdb");
  const temp_directory dir;
  auto stores = make_stores(kind, dir);
  stage other{77};
  live(other, promotion_id{5});
  {
    const auto views = open_all(other, *stores);
    follow_all(*views);
  }
  stage s{78};
  SECTION("as long as the log") {
    live(s, one);
  }
  SECTION("longer than the log") {
    s.create(one, 1);
  }
  const auto views = open_all(s, *stores);
  for (const auto& status : views->status()) CHECK(status.at == position{});
  const queries ask{*views, s.log(), s.lists()};
  CHECK_FALSE(ask.promotion(promotion_id{5})->value);
  follow_all(*views);
  CHECK(ask.promotion(one)->value);
  const auto fresh_stores = store::make_memory_view_stores();
  const auto fresh = open_all(s, *fresh_stores);
  follow_all(*fresh);
  CHECK(hashes(*views) == hashes(*fresh));
}

TEST_CASE("a stopped view stays stopped over a rebuild that meets the same event",
          "[unit][rebuild]") {
  stage s;
  live(s, one);
  const auto stores = store::make_memory_view_stores();
  const auto views = open_all(s, *stores);
  follow_all(*views);
  const auto served = status_of(*views, "target_status").at;
  targets_released foreign;
  foreign.promotion = promotion_id{9};
  s.append(stream_of(one, partition_no{0}), encode_event(foreign));
  CHECK_FALSE(views->step("target_status"));
  CHECK(status_of(*views, "target_status").life == view_life::stopped);
  REQUIRE(*views->start_rebuild("target_status"));
  CHECK(status_of(*views, "target_status").life == view_life::rebuilding);
  const auto step = views->step("target_status");
  REQUIRE_FALSE(step);
  CHECK(step.error().code == fault_code::view_poisoned);
  const auto status = status_of(*views, "target_status");
  CHECK(status.life == view_life::stopped);
  CHECK(status.at == served);
  CHECK_FALSE(status.problem.empty());
}

}  // namespace
}  // namespace bestow::projections::testing
