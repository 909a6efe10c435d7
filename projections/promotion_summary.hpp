// One row for each promotion: what it is, where it stands, its counts. Answers `promotion show`
// and `promotion list`; the fold that replaces the original's polled summary cache.
//
// Keeps 4 bytes for each target, so that every count is a histogram of states (G2 always holds).
#pragma once

#include <map>
#include <string_view>

#include "projections/rows.hpp"
#include "projections/target_fold.hpp"
#include "projections/view.hpp"

namespace bestow::projections {

struct promotion_summary {
  static constexpr std::string_view name = "promotion_summary";
  static constexpr std::uint32_t version = 3;  ///< Bump when the rows or the fold change.
  using handles =
      event_list<promotion_created, batch_opened, batch_closed, batch_abandoned, list_sealed,
                 promotion_approved, run_started, run_stopping, run_stopped, promotion_completed,
                 promotion_scheduled, promotion_cancelled, promotion_closed, promotion_failed,
                 recall_started, recall_finished, targets_released, targets_publish_failed,
                 grants_published, results_recorded, double_grant_detected, targets_abandoned,
                 results_overdue, recalls_recorded>;

  class fold {
   public:
    fold(store::view_writer& rows, const view_context& context)
        : rows_{&rows}, targets_{rows}, amounts_{context} {}

    [[nodiscard]] auto apply(const fact_head& head, const promotion_created& e) -> result<void>;
    /// Every other fact of a promotion's stream changes the row alone.
    template <class Event>
    [[nodiscard]] auto apply(const fact_head& head, const Event& e) -> result<void> {
      auto row = touch(head);
      if (!row) return tl::unexpected{row.error()};
      change(head, **row, e);
      return {};
    }
    [[nodiscard]] auto apply(const fact_head& head, const list_sealed& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const targets_released& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const targets_publish_failed& e)
        -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const targets_abandoned& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const results_overdue& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const recalls_recorded& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const grants_published& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const results_recorded& e) -> result<void>;
    [[nodiscard]] auto finish() -> result<void>;
    [[nodiscard]] auto load() const -> batch_load { return targets_.load(); }

   private:
    /// The row of the fact's promotion, marked as updated now.
    [[nodiscard]] auto touch(const fact_head& head) -> result<promotion_row*>;
    static void change(const fact_head& head, promotion_row& row, const batch_opened& e);
    static void change(const fact_head& head, promotion_row& row, const batch_closed& e);
    static void change(const fact_head& head, promotion_row& row, const batch_abandoned& e);
    static void change(const fact_head& head, promotion_row& row, const promotion_approved& e);
    static void change(const fact_head& head, promotion_row& row, const run_started& e);
    static void change(const fact_head& head, promotion_row& row, const run_stopping& e);
    static void change(const fact_head& head, promotion_row& row, const run_stopped& e);
    static void change(const fact_head& head, promotion_row& row, const promotion_completed& e);
    static void change(const fact_head& head, promotion_row& row, const promotion_scheduled& e);
    static void change(const fact_head& head, promotion_row& row, const promotion_cancelled& e);
    static void change(const fact_head& head, promotion_row& row, const promotion_closed& e);
    static void change(const fact_head& head, promotion_row& row, const promotion_failed& e);
    static void change(const fact_head& head, promotion_row& row, const recall_started& e);
    static void change(const fact_head& head, promotion_row& row, const recall_finished& e);
    static void change(const fact_head& head, promotion_row& row, const double_grant_detected& e);
    /// Folds a fact over targets into the row's counts.
    template <class Event>
    [[nodiscard]] auto count_targets(const fact_head& head, const Event& e) -> result<void>;

    store::view_writer* rows_;
    std::map<promotion_id, promotion_row> changed_;
    target_fold<counted_target> targets_;
    list_amounts amounts_;
  };

  /// The row of one promotion; nullopt: there is no such promotion.
  [[nodiscard]] static auto read(const store::view_reader& rows, promotion_id id)
      -> result<std::optional<promotion_row>>;
  /// The row a value holds. @fault view_poisoned  the value is damaged.
  [[nodiscard]] static auto decode(std::string_view value) -> result<promotion_row>;
};

}  // namespace bestow::projections
