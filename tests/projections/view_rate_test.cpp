// How fast views follow facts in order: printed, and checked for truth, not for speed.
#include <fmt/format.h>

#include <chrono>

#include "tests/projections/stage.hpp"
#include "tests/catch.hpp"

namespace bestow::projections::testing {
namespace {

TEST_CASE("views follow a large promotion to the same counts as its fold", "[unit][rate]") {
  constexpr promotion_id one{1};
  constexpr std::uint32_t count = 200'000;
  const auto* kind = GENERATE("memory", "lmdb");
  stage s;
  s.create(one, 4);
  s.open_batch(one, "a");
  const auto targets = some_targets(count, 4);
  for (std::size_t i = 0; i < targets.size(); i += 4'000)
    s.import(one, "a",
             {targets.begin() + static_cast<std::ptrdiff_t>(i),
              targets.begin() + static_cast<std::ptrdiff_t>(i + 4'000)});
  s.close_batch(one, "a");
  s.seal(one);
  s.tell(one, domain::approve_promotion{"boss"});
  s.start(one);
  for (std::uint32_t first = 0; first < count / 4; first += 1'000) {
    for (std::uint16_t k = 0; k < 4; ++k) {
      s.release(one, k, 1'000);
      s.publish(one, k);
      std::vector<domain::result_row> rows;
      for (std::uint32_t i = first; i < first + 1'000; ++i)
        rows.push_back(answered(i, i % 50 == 0 ? process_status::failed : process_status::success,
                                "transaction"));
      s.answer(one, k, std::move(rows));
    }
  }
  const temp_directory dir;
  const auto stores = make_stores(kind, dir);
  const auto views = open_all(s, *stores);
  for (const auto& name : views->names()) {
    const auto start = std::chrono::steady_clock::now();
    follow(*views, name);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    fmt::print("view rate: {} {}: {:.2f} M described targets/s (3 facts each)\n", kind, name,
               3.0 * count / took.count() / 1e6);
  }
  const queries ask{*views, s.log(), s.lists()};
  CHECK(ask.promotion(one)->value->counts == s.counts(one));
  for (std::uint16_t k = 0; k < 4; ++k)
    CHECK(ask.states(one, partition_no{k})->value == s.partition(one, k).states);
}

}  // namespace
}  // namespace bestow::projections::testing
