// One row for each promotion: the sealed list, what was published and what the payer answered, in
// count and amount. Answers `promotion reconcile` as far as the log alone can tell.
//
// Keeps 4 bytes for each target, in an environment of its own.
#pragma once

#include <map>
#include <string_view>

#include "projections/rows.hpp"
#include "projections/target_fold.hpp"
#include "projections/view.hpp"

namespace bestow::projections {

struct reconciliation {
  static constexpr std::string_view name = "reconciliation";
  static constexpr std::uint32_t version = 3;  ///< Bump when the rows or the fold change.
  using handles =
      event_list<promotion_created, list_sealed, run_started, promotion_completed, targets_released,
                 targets_publish_failed, grants_published, results_recorded, double_grant_detected,
                 targets_abandoned, results_overdue>;

  class fold {
   public:
    fold(store::view_writer& rows, const view_context& context)
        : rows_{&rows}, targets_{rows}, amounts_{context} {}

    [[nodiscard]] auto apply(const fact_head& head, const promotion_created& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const list_sealed& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const run_started& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const promotion_completed& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const targets_released& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const targets_publish_failed& e)
        -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const grants_published& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const results_recorded& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const double_grant_detected& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const targets_abandoned& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const results_overdue& e) -> result<void>;
    [[nodiscard]] auto finish() -> result<void>;
    [[nodiscard]] auto load() const -> batch_load { return targets_.load(); }

   private:
    [[nodiscard]] auto touch(const fact_head& head) -> result<reconciliation_row*>;
    /// Folds a fact over targets into the row.
    template <class Event>
    [[nodiscard]] auto move_targets(const fact_head& head, const Event& e) -> result<void>;

    store::view_writer* rows_;
    std::map<promotion_id, reconciliation_row> changed_;
    target_fold<counted_target> targets_;
    list_amounts amounts_;
  };

  /// nullopt: there is no such promotion.
  [[nodiscard]] static auto read(const store::view_reader& rows, promotion_id id)
      -> result<std::optional<reconciliation_row>>;
};

}  // namespace bestow::projections
