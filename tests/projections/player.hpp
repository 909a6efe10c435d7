// Seeded histories of a stage, made of what the domain decides.
#pragma once

#include <random>
#include <string_view>
#include <vector>

#include "tests/projections/stage.hpp"

namespace bestow::projections::testing {

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

}  // namespace bestow::projections::testing
