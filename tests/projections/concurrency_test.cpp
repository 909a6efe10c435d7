// Readers, waiters and rebuilds beside the one thread that steps a view.
#include <atomic>
#include <chrono>
#include <thread>

#include "tests/projections/stage.hpp"
#include "tests/catch.hpp"

namespace bestow::projections::testing {
namespace {

using namespace std::chrono_literals;
constexpr promotion_id one{1};

TEST_CASE("readers see whole batches while a view follows and is rebuilt", "[unit][threads]") {
  stage s;
  s.begin(one, 1, some_targets(900, 1));
  for (int i = 0; i < 90; ++i) {
    s.release(one, 0, 10);
    s.publish(one, 0);
  }
  const auto stores = store::make_memory_view_stores();
  batch_bounds bounds;
  bounds.events = 3;
  const auto views = open_all(s, *stores, bounds);
  const auto head = s.log().head().last;
  std::atomic<bool> over{false};
  std::atomic<std::uint64_t> answers{0};
  std::atomic<bool> went_back{false};
  std::atomic<bool> torn{false};
  std::thread reader{[&] {
    position last{};
    do {
      const auto rows = views->read(partition_progress::name);
      if (!rows) break;
      const auto at = (*rows)->checkpoint()->at;
      went_back = went_back || at < last;
      last = at;
      const auto partitions = partition_progress::read(**rows, one);
      for (std::size_t k = 0; k < partitions->size(); ++k) {
        const auto& p = (*partitions)[k];
        torn = torn || p.counts.published != p.released - p.in_flight;
      }
      static_cast<void>(views->status());
      ++answers;
    } while (!over);
  }};
  bool reached = false;
  std::thread waiter{[&] { reached = views->wait_for(partition_progress::name, head, 60s); }};
  follow(*views, partition_progress::name);
  waiter.join();
  for (int i = 0; i < 3; ++i) {
    REQUIRE(*views->start_rebuild(partition_progress::name));
    follow(*views, partition_progress::name);
  }
  over = true;
  reader.join();
  CHECK(reached);
  CHECK(answers > 0);
  CHECK_FALSE(went_back);
  CHECK_FALSE(torn);
}

}  // namespace
}  // namespace bestow::projections::testing
