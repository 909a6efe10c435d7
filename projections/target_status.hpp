// Every target of every sealed promotion: state, attempt, when, and where its last answer stands in
// the log. Answers `target show` and `target list`.
//
// Key: 's', promotion, partition, page number, big-endian. Value: a page of 127 records of 32
// bytes, by ordinal, and a checksum; the last page of a partition is cut to its targets; a missing
// page means that all its targets are pending. Texts (transaction key, error message) are read from
// the log.
#pragma once

#include <cstdint>
#include <string_view>

#include "projections/target_fold.hpp"
#include "projections/view.hpp"

namespace bestow::projections {

/// One target, 32 bytes. All zero = pending.
struct status_record {
  std::uint8_t status{0};       ///< state_tally.hpp: target and recall state, bit 7 published.
  std::uint8_t process{0};      ///< process_status of the last result that changed it; 0 = none.
  std::uint16_t attempt{0};     ///< Attempts released.
  std::uint32_t result_row{0};  ///< Row of that result in its fact.
  position result_at{};         ///< Position of that fact; 0 = none.
  timestamp published_at{};     ///< First durable publish.
  timestamp updated_at{};       ///< Last fact that changed it.
};
static_assert(sizeof(status_record) == 32);

struct target_status {
  static constexpr std::string_view name = "target_status";
  static constexpr std::uint32_t version = 3;  ///< Bump when the record or the fold change.
  using handles = event_list<list_sealed, targets_released, targets_publish_failed,
                             grants_published, results_recorded, targets_abandoned,
                             results_overdue, recalls_recorded>;

  class fold {
   public:
    fold(store::view_writer& rows, const view_context&) : targets_{rows} {}

    [[nodiscard]] auto apply(const fact_head& head, const list_sealed& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const targets_released& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const targets_publish_failed& e)
        -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const grants_published& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const results_recorded& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const targets_abandoned& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const results_overdue& e) -> result<void>;
    [[nodiscard]] auto apply(const fact_head& head, const recalls_recorded& e) -> result<void>;
    [[nodiscard]] auto finish() -> result<void> { return targets_.write(); }
    [[nodiscard]] auto load() const -> batch_load { return targets_.load(); }

   private:
    target_fold<status_record> targets_;
  };

  using reader = page_reader<status_record>;
};

}  // namespace bestow::projections
