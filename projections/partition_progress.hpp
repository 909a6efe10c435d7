// One row for each partition of each sealed promotion: planned, released, in flight, counts, done.
// Answers `promotion watch` and the partitions of `promotion show`.
//
// Keeps 4 bytes for each target, like promotion_summary, in an environment of its own, so that
// either can be rebuilt alone.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "projections/rows.hpp"
#include "projections/target_fold.hpp"
#include "projections/view.hpp"

namespace bestow::projections {

struct partition_progress {
  static constexpr std::string_view name = "partition_progress";
  static constexpr std::uint32_t version = 3;  ///< Bump when the rows or the fold change.
  using handles = event_list<list_sealed, targets_released, targets_publish_failed,
                             grants_published, results_recorded, partition_done, targets_abandoned,
                             results_overdue, recalls_recorded>;

  /// What is stored for a partition.
  struct row {
    std::uint64_t released{0};   ///< Grants.
    std::uint64_t published{0};  ///< Grants.
    std::uint64_t release_count{0};
    std::uint64_t done_at_release{~0ULL};  ///< release_count the last partition_done spoke of.
    domain::target_counts counts;
    timestamp updated_at{};
  };

  class fold {
   public:
    fold(store::view_writer& rows, const view_context& context)
        : rows_{&rows}, targets_{rows}, amounts_{context} {}

    [[nodiscard]] auto apply(const fact_head& head, const list_sealed& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const targets_released& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const targets_publish_failed& e)
        -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const grants_published& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const results_recorded& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const partition_done& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const targets_abandoned& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const results_overdue& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const recalls_recorded& e) -> result<void>;
    [[nodiscard]] auto finish() -> result<void>;
    [[nodiscard]] auto load() const -> batch_load { return targets_.load(); }

   private:
    /// The row of the fact's partition, marked as updated now.
    [[nodiscard]] auto touch(const fact_head& head) -> result<row*>;
    /// Folds a fact over targets into the row's counts.
    template <class Event>
    [[nodiscard]] auto count_targets(const fact_head& head, const Event& e) -> result<void>;
    /// The same for a fact that can grant or take back.
    template <class Event>
    [[nodiscard]] auto count_with_amounts(const fact_head& head, const Event& e) -> result<void>;

    store::view_writer* rows_;
    std::map<partition_place, row> changed_;
    target_fold<counted_target> targets_;
    list_amounts amounts_;
  };

  /// All partitions of a promotion by number; empty: not sealed yet, or no such promotion.
  [[nodiscard]] static auto read(const store::view_reader& rows, promotion_id id)
      -> result<std::vector<partition_row>>;
};

}  // namespace bestow::projections
