// Seeded histories, made of what the domain decides: at every moment the views count what the
// partitions' own folds count (G2), and any two builds agree (G5).
#include <fmt/format.h>

#include "tests/effort.hpp"
#include "tests/projections/player.hpp"
#include "tests/projections/stage.hpp"
#include "tests/catch.hpp"

namespace bestow::projections::testing {
namespace {

void check_sums(const domain::target_counts& c) {
  REQUIRE(c.success + c.fail + c.retrying + c.unknown + c.abandoned <= c.total);
  REQUIRE(c.retry_success <= c.success);
  REQUIRE(c.publish_failed <= c.fail);
  REQUIRE(c.published + c.publish_failed <= c.total);
  REQUIRE(c.recalling + c.recalled + c.recall_failed <= c.success);
  REQUIRE(c.recalled_amount <= c.success_amount);
}

/// Views against the domain's folds.
void compare(stage& s, const view_set& views, const std::vector<promotion_id>& ids) {
  const queries ask{views, s.log(), s.lists()};
  for (const auto id : ids) {
    const auto expected = s.counts(id);
    const auto row = ask.promotion(id);
    REQUIRE(row);
    REQUIRE(row->value);
    REQUIRE(row->value->counts == expected);
    REQUIRE(row->value->state == s.promotion(id).state);
    REQUIRE(row->value->run == s.promotion(id).run);
    check_sums(row->value->counts);
    const auto balance = ask.reconciliation(id);
    REQUIRE(balance->value->provider_count == expected.success);
    REQUIRE(balance->value->provider_amount == expected.success_amount);
    REQUIRE(balance->value->published_count == expected.published);
    REQUIRE(balance->value->publish_failed_count == expected.publish_failed);
    REQUIRE(balance->value->abandoned_count == expected.abandoned);
    std::uint64_t duplicates = 0, ignored = 0, doubles = 0;
    const auto partitions = ask.partitions(id);
    REQUIRE(partitions->value.size() == s.promotion(id).created.partition_count);
    for (const auto& shown : partitions->value) {
      const auto& p = s.partition(id, shown.number.value);
      REQUIRE(shown.counts == p.counts);
      REQUIRE(shown.planned == p.states.size());
      std::uint64_t in_flight = 0;
      for (const auto& open : p.open) in_flight += open.message_count;
      REQUIRE(shown.in_flight == in_flight);
      REQUIRE(shown.done == (p.done_at_release == p.release_count));
      REQUIRE(ask.states(id, shown.number)->value == p.states);
      duplicates += p.duplicates;
      ignored += p.ignored;
      doubles += p.double_grants;
    }
    REQUIRE(row->value->duplicate_results == duplicates);
    REQUIRE(row->value->ignored_results == ignored);
    REQUIRE(row->value->double_grants == doubles);
  }
}

TEST_CASE("views count what the partitions' folds count, at every moment", "[unit][random]") {
  constexpr std::uint64_t all_seeds = 200;
  constexpr auto seeds = tests::rounds_here(all_seeds);
  std::uint64_t facts = 0;
  domain::target_counts met;  // Over all histories: what never happens is not tested.
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    INFO("seed " << seed);
    stage s{seed};
    player game{s, seed};
    const auto stores = store::make_memory_view_stores();
    batch_bounds bounds;
    bounds.events = 1 + seed % 9;
    const auto views = open_all(s, *stores, bounds);
    for (int moment = 0; moment < 60; ++moment) {
      game.play();
      if (moment % 10 != 0) continue;
      follow_all(*views);
      compare(s, *views, game.ids());
      for (const auto id : game.ids()) met.unknown += s.counts(id).unknown;
    }
    game.finish();
    follow_all(*views);
    compare(s, *views, game.ids());
    for (const auto id : game.ids()) {
      const auto c = s.counts(id);
      REQUIRE(c.success + c.fail + c.abandoned == c.total);
      met.retry_success += c.retry_success;
      met.recalled += c.recalled;
      met.recall_failed += c.recall_failed;
      met.abandoned += c.abandoned;
      REQUIRE(s.promotion(id).state == domain::promotion_state::completed);
    }
    const auto again = store::make_memory_view_stores();
    const auto rebuilt = open_all(s, *again);
    follow_all(*rebuilt);
    REQUIRE(hashes(*rebuilt) == hashes(*views));
    facts += s.log().head().last.value;
  }
  // The part that is played under a sanitizer need not meet everything.
  if (seeds == all_seeds)
    for (const auto n :
         {met.retry_success, met.recalled, met.recall_failed, met.abandoned, met.unknown})
      CHECK(n > 0);
  fmt::print("random histories: {} seeds, {} facts, {} retried, {} recalled, {} abandoned\n", seeds,
             facts, met.retry_success, met.recalled, met.abandoned);
}

}  // namespace
}  // namespace bestow::projections::testing
