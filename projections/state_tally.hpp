// Counts of targets as differences: what one fact changed, added up, then applied to a row.
//
// A count is a histogram of states, so it cannot drift from the states it counts (G2): a target
// leaves one bin and enters another, always both. Private to projections/. Value type.
#pragma once

#include <array>
#include <cstdint>

#include "domain/partition.hpp"

namespace bestow::projections {

/// State byte of a record: low four bits target_state, then two of recall_state, bit 7 published at
/// least once.
inline constexpr std::uint8_t published_bit = 0x80;
[[nodiscard]] constexpr auto state_of(std::uint8_t status) -> domain::target_state {
  return static_cast<domain::target_state>(status & 0x0FU);
}
inline constexpr std::uint8_t state_bits = 0x0F;
inline constexpr std::uint8_t recall_bits = 0x30;
[[nodiscard]] constexpr auto recall_of(std::uint8_t status) -> domain::recall_state {
  return static_cast<domain::recall_state>((status & recall_bits) >> 4U);
}
[[nodiscard]] constexpr auto is_published(std::uint8_t status) -> bool {
  return (status & published_bit) != 0;
}
[[nodiscard]] constexpr auto is_success(std::uint8_t status) -> bool {
  return state_of(status) == domain::target_state::success ||
         state_of(status) == domain::target_state::success_after_retry;
}

class state_tally {
 public:
  /// Targets of one fact mostly make the same move, so equal ones in a row are counted first: five
  /// counters in memory for each target cost as much as the rest of the fold.
  void move(std::uint8_t before, std::uint8_t after) {
    if (before != before_ || after != after_) {
      settle();
      before_ = before;
      after_ = after;
    }
    ++same_;
  }
  void add_amount(money_minor amount) { success_amount_ += amount.value; }
  void add_recalled(money_minor amount) { recalled_amount_ += amount.value; }

  /// Adds the differences to a row's counts. Unsigned wrap-around makes minus work.
  void apply_to(domain::target_counts& c) {
    using domain::target_state;
    settle();
    c.published += static_cast<std::uint64_t>(published_);
    c.publish_failed += of(target_state::publish_failed);
    c.success += of(target_state::success) + of(target_state::success_after_retry);
    c.retry_success += of(target_state::success_after_retry);
    c.fail += of(target_state::failed) + of(target_state::publish_failed);
    c.retrying += of(target_state::retrying);
    c.unknown += of(target_state::unknown) + of(target_state::unknown_after_retrying);
    c.abandoned += of(target_state::abandoned);
    c.success_amount.value += success_amount_;
    c.recalling += of(domain::recall_state::recalling);
    c.recalled += of(domain::recall_state::recalled);
    c.recall_failed += of(domain::recall_state::recall_failed);
    c.recalled_amount.value += recalled_amount_;
  }

 private:
  /// Rare; kept out of the loop that calls move().
  [[gnu::noinline]] void settle() {
    by_state_[before_ & state_bits] -= same_;
    by_state_[after_ & state_bits] += same_;
    by_recall_[(before_ & recall_bits) >> 4U] -= same_;
    by_recall_[(after_ & recall_bits) >> 4U] += same_;
    published_ += same_ * ((after_ >> 7U) - (before_ >> 7U));
    same_ = 0;
  }
  [[nodiscard]] auto of(domain::target_state s) const -> std::uint64_t {
    return static_cast<std::uint64_t>(by_state_[static_cast<std::size_t>(s)]);
  }
  [[nodiscard]] auto of(domain::recall_state s) const -> std::uint64_t {
    return static_cast<std::uint64_t>(by_recall_[static_cast<std::size_t>(s)]);
  }
  std::uint8_t before_{0};  ///< The latest move, and how often in a row it is not yet counted.
  std::uint8_t after_{0};
  std::int64_t same_{0};
  std::array<std::int64_t, 16> by_state_{};
  std::array<std::int64_t, 4> by_recall_{};
  std::int64_t recalled_amount_{0};
  std::int64_t published_{0};
  std::int64_t success_amount_{0};
};

}  // namespace bestow::projections
