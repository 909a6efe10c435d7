// Seeded histories, made of what the domain decides: at every moment the views count what the
// partitions' own folds count (G2), and any two builds agree (G5).
#include <fmt/format.h>

#include <random>

#include "tests/effort.hpp"
#include "tests/projections/stage.hpp"
#include "tests/catch.hpp"

namespace bestow::projections::testing {
namespace {

/// Plays promotions at random: releases of random size, publishes late, answers early, repeated,
/// contradicting, in random order; stops and resumes; retries, recalls, answers that never come, an
/// early close.
class player {
 public:
  player(stage& s, std::uint64_t seed) : s_{s}, random_{seed} {
    const auto promotions = 1 + pick(3);
    for (std::uint64_t i = 0; i < promotions; ++i) {
      const promotion_id id{1 + i * 1'000};
      const auto partitions = static_cast<std::uint32_t>(1 + pick(4));
      std::vector<target_spec> targets;
      const auto count = pick(400);
      for (std::uint64_t t = 0; t < count; ++t)
        targets.push_back({1 + t * 7, static_cast<std::uint16_t>(pick(partitions)),
                           static_cast<std::int64_t>(1 + pick(100'000))});
      s_.begin(id, partitions, targets);
      ids_.push_back(id);
    }
  }

  void play() {
    const auto id = ids_[pick(ids_.size())];
    const auto& p = s_.promotion(id);
    const auto k = static_cast<std::uint16_t>(pick(p.created.partition_count));
    const bool running = p.state == domain::promotion_state::running;
    s_.tick(static_cast<std::int64_t>(pick(500)));
    switch (pick(16)) {
      case 0:
      case 1: {
        const auto first = s_.partition(id, k).next;
        const auto count = static_cast<std::uint32_t>(1 + pick(90));
        std::vector<std::uint32_t> too_large;
        if (pick(3) == 0) too_large.push_back(first + static_cast<std::uint32_t>(pick(count)));
        if (running) s_.release(id, k, count, too_large);
        return;
      }
      case 2:
      case 3:
        return s_.publish(id, k, 1 + pick(2));
      case 4:
        return stop_or_resume(id);
      case 5:
        if (running) s_.conclude(id);
        return;
      case 6:
        return try_again(id);
      case 7:
      case 8:
        return s_.release_again(id, k, static_cast<std::uint32_t>(1 + pick(60)));
      case 9:
        return answer_recalls(id, k);
      case 10:
        return s_.expire(id, k, timestamp{s_.now().value - 1'000});
      case 11:
        if (pick(4) == 0 && p.state == domain::promotion_state::stopped && !p.recall_open)
          close(id);
        return;
      default:
        return answer(id, k);
    }
  }

  /// Releases, publishes and answers everything.
  void finish() {
    for (const auto id : ids_) {
      finish_recall(id);
      while (s_.promotion(id).state != domain::promotion_state::running &&
             s_.promotion(id).state != domain::promotion_state::completed &&
             !s_.promotion(id).closed)
        stop_or_resume(id);
      for (std::uint32_t k = 0; k < s_.promotion(id).created.partition_count; ++k) {
        const auto number = static_cast<std::uint16_t>(k);
        while (s_.promotion(id).run.retry != retry_scope::none && !s_.promotion(id).closed &&
               s_.promotion(id).state == domain::promotion_state::running &&
               s_.partition(id, number).retry_done != s_.promotion(id).run.retry_run)
          s_.release_again(id, number, 1'000);
        if (!s_.promotion(id).closed) s_.release(id, number, 1'000);
        s_.publish(id, number);
        std::vector<domain::result_row> rows;
        for (std::uint32_t i = 0; i < s_.partition(id, number).states.size(); ++i)
          if (domain::was_released(s_.partition(id, number), target_ordinal{i}))
            rows.push_back(answered(i, process_status::success, "final"));
        s_.answer(id, number, rows);
      }
      s_.conclude(id);
    }
  }

  [[nodiscard]] auto ids() const -> const std::vector<promotion_id>& { return ids_; }

 private:
  void try_again(promotion_id id) {
    const auto& p = s_.promotion(id);
    const bool rests = p.state == domain::promotion_state::stopped ||
                       p.state == domain::promotion_state::completed;
    if (p.closed || p.recall_open) return;
    if (rests && pick(2) == 0)
      s_.retry(id, pick(2) == 0 ? retry_scope::failed : retry_scope::unknown);
    else
      s_.recall(id);
  }

  void finish_recall(promotion_id id) {
    const auto count = s_.promotion(id).created.partition_count;
    for (std::uint32_t k = 0; s_.promotion(id).recall_open; k = (k + 1) % count)
      s_.release_again(id, static_cast<std::uint16_t>(k), 1'000);
  }

  void close(promotion_id id) {
    s_.tell(id, domain::close_promotion{"by chance", "ops"});
    for (std::uint32_t k = 0; k < s_.promotion(id).created.partition_count; ++k)
      s_.tell(id, static_cast<std::uint16_t>(k), domain::abandon_pending{});
  }

  void answer_recalls(promotion_id id, std::uint16_t k) {
    const auto& p = s_.partition(id, k);
    std::vector<domain::recall_row> rows;
    for (auto i = pick(30); i > 0 && !p.recalls.empty(); --i) {
      const auto ordinal = static_cast<std::uint32_t>(pick(p.recalls.size()));
      if (!domain::was_recalled(p, target_ordinal{ordinal})) continue;
      rows.push_back({target_ordinal{ordinal}, static_cast<recall_status>(1 + pick(2)),
                      recall_no{static_cast<std::uint32_t>(pick(3))}, s_.now(), "rx", ""});
    }
    s_.answer_recalls(id, k, rows);
  }

  auto pick(std::uint64_t below) -> std::uint64_t { return random_() % below; }

  void stop_or_resume(promotion_id id) {
    const auto& p = s_.promotion(id);
    if (p.state == domain::promotion_state::running) {
      s_.tell(id, domain::stop_run{"by chance", "ops"});
    } else if (p.state == domain::promotion_state::stopping) {
      for (std::uint32_t k = 0; k < p.created.partition_count; ++k)
        s_.publish(id, static_cast<std::uint16_t>(k));
      s_.tell(id, domain::confirm_stopped{p.run.run});
    } else if (p.state == domain::promotion_state::stopped && !p.closed) {
      s_.start(id, true);
    }
  }

  void answer(promotion_id id, std::uint16_t k) {
    const auto& p = s_.partition(id, k);
    std::vector<domain::result_row> rows;
    static constexpr std::string_view keys[] = {"", "tx-a", "tx-b"};
    for (auto i = pick(30); i > 0 && p.next > 0; --i) {
      const auto ordinal = static_cast<std::uint32_t>(pick(p.next));
      if (!domain::was_released(p, target_ordinal{ordinal})) continue;
      auto row = answered(ordinal, static_cast<process_status>(1 + pick(3)), keys[pick(3)]);
      row.attempt = static_cast<std::uint16_t>(pick(3));
      rows.push_back(row);
    }
    s_.answer(id, k, rows);
  }

  stage& s_;
  std::mt19937_64 random_;
  std::vector<promotion_id> ids_;
};

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
  constexpr auto seeds = tests::rounds_here(200);
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
  for (const auto n : {met.retry_success, met.recalled, met.recall_failed, met.abandoned, met.unknown})
    CHECK(n > 0);
  fmt::print("random histories: {} seeds, {} facts, {} retried, {} recalled, {} abandoned\n", seeds,
             facts, met.retry_success, met.recalled, met.abandoned);
}

}  // namespace
}  // namespace bestow::projections::testing
