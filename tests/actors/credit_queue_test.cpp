#include <algorithm>
#include <map>

#include "actors/credit_queue.hpp"
#include "events/limits.hpp"
#include "tests/catch.hpp"

using namespace bestow;
using namespace bestow::actors;
using namespace std::chrono_literals;

namespace {

auto want(std::uint64_t promotion, std::uint16_t partition, std::uint32_t chunk = 1'000)
    -> want_release {
  return {promotion_id{promotion}, partition_no{partition}, {}, chunk};
}

}  // namespace

TEST_CASE("promotions take turns whatever their number of partitions", "[actor]") {
  credit_queue q;
  for (std::uint16_t k = 0; k < 4; ++k) q.want(want(1, k));
  q.want(want(2, 0));
  std::vector<std::uint64_t> order;
  while (auto next = q.grant(100'000, false)) order.push_back(next->promotion.value);
  CHECK(order == std::vector<std::uint64_t>{1, 2, 1, 1, 1});
}

TEST_CASE("promotions advance alike in messages, whatever the size of their chunks", "[actor]") {
  credit_queue q;
  for (std::uint16_t k = 0; k < 4; ++k) q.want(want(1, k, 1'000));
  for (std::uint16_t k = 0; k < 40; ++k) q.want(want(2, k, 100));
  std::map<std::uint64_t, std::uint64_t> messages;
  for (int i = 0; i < 22; ++i) {
    const auto next = q.grant(100'000, false);
    REQUIRE(next);
    messages[next->promotion.value] += next->chunk;
  }
  CHECK(messages == std::map<std::uint64_t, std::uint64_t>{{1, 2'000}, {2, 2'000}});
}

TEST_CASE("who comes late starts level, and waiting for nothing saves up nothing", "[actor]") {
  credit_queue q;
  for (std::uint16_t k = 0; k < 40; ++k) q.want(want(1, k));
  for (int i = 0; i < 20; ++i) REQUIRE(q.grant(100'000, false));
  for (std::uint16_t k = 0; k < 10; ++k) q.want(want(2, k));
  std::vector<std::uint64_t> order;
  for (int i = 0; i < 6; ++i) order.push_back(q.grant(100'000, false)->promotion.value);
  CHECK(std::ranges::count(order, 1) == 3);
  // One that took its turn and comes again at once does not pass those that waited meanwhile.
  credit_queue p;
  p.want(want(1, 0));
  p.want(want(2, 0));
  CHECK(p.grant(100'000, false)->promotion.value == 1);
  p.want(want(1, 0));
  CHECK(p.grant(100'000, false)->promotion.value == 2);
}

TEST_CASE("no credit is given beyond the room, except the first one", "[actor]") {
  credit_queue q;
  q.want(want(1, 0, 5'000));
  CHECK_FALSE(q.grant(4'999, false));
  CHECK(q.grant(0, true));
  CHECK(q.granted_messages() == 5'000);
  q.settle(promotion_id{1}, partition_no{0});
  CHECK(q.granted_messages() == 0);
}

TEST_CASE("a partition that started anew holds no credit and no place", "[actor]") {
  credit_queue q;
  q.want(want(1, 0));
  REQUIRE(q.grant(10'000, false));
  q.want(want(1, 0));
  REQUIRE(q.grant(10'000, false));
  CHECK(q.granted_messages() == 2'000);
  q.want(want(1, 0));
  q.want(want(1, 1));
  q.forget(promotion_id{1}, partition_no{0});
  CHECK(q.granted_messages() == 0);
  REQUIRE(q.grant(10'000, false));
  CHECK_FALSE(q.waiting());
}

TEST_CASE("the window follows the measured rate inside its limits", "[actor]") {
  release_window window{0};
  CHECK(window.size() == limits::window_grants_min);
  window.measured(100'000, 1s);
  CHECK(window.size() == 25'000);
  for (int i = 0; i < 50; ++i) window.measured(10'000'000, 1s);
  CHECK(window.size() == limits::window_grants_max);
}

TEST_CASE("a configured rate is kept over time", "[actor]") {
  release_window window{10'000};
  std::uint64_t sent = 0;
  for (auto now = 0ms; now <= 2s; now += 10ms)
    while (window.admit(100, now)) sent += 100;
  CHECK(sent >= 19'900);
  CHECK(sent <= 22'600);
}
