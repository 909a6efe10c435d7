// Walks the targets of one promotion in ascending id over all its partitions, by state if wanted.
//
// Each partition is a cursor over its pages that stops at the next target shown in a wanted state;
// a heap of their ids merges them. Private to projections/. Threads: one call's thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <queue>
#include <string_view>
#include <utility>
#include <vector>

#include "domain/partition.hpp"
#include "events/result.hpp"
#include "projections/target_status.hpp"
#include "store/target_list.hpp"

namespace bestow::projections {

/// Which states a caller wants to see.
class state_filter {
 public:
  /// nullopt: all. Else all states that show under the same name.
  explicit state_filter(std::optional<domain::target_state> wanted);
  [[nodiscard]] auto all() const -> bool { return all_; }
  [[nodiscard]] auto takes(std::uint8_t status) const -> bool { return taken_[status & 0x0FU]; }

 private:
  bool all_;
  std::array<bool, 16> taken_{};
};

/// A target met on the walk.
struct walked_target {
  partition_no partition{};
  target_ordinal ordinal{};
  status_record record;
};

class target_walk {
 public:
  /// Both outlive the walk.
  target_walk(const store::view_reader& rows, const store::target_list& list, state_filter filter);
  /// Includes a partition's targets with ids above `after`. Call before next().
  [[nodiscard]] auto add(promotion_id promotion, partition_no k, target_id after) -> result<void>;
  /// nullopt: no more.
  [[nodiscard]] auto next() -> result<std::optional<walked_target>>;

 private:
  struct cursor {
    target_status::reader pages;
    partition_no number{};
    std::uint32_t next{0};
    std::uint32_t size{0};
    status_record record;
  };
  /// Moves to the next wanted target and puts it on the heap; does nothing at the end.
  [[nodiscard]] auto advance(std::size_t which) -> result<void>;

  const store::view_reader* rows_;
  const store::target_list* list_;
  state_filter filter_;
  std::vector<cursor> cursors_;
  using entry = std::pair<target_id, std::size_t>;
  std::priority_queue<entry, std::vector<entry>, std::greater<>> heap_;
};

}  // namespace bestow::projections
