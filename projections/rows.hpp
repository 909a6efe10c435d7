// What the views answer with: one plain struct for each kind of row.
//
// Value types; field names are the contract's. Bytes and keys belong to each view's own file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "domain/partition.hpp"
#include "domain/promotion.hpp"
#include "events/promotion.hpp"
#include "events/types.hpp"

namespace bestow::projections {

/// Row of promotion_summary: the promotion and its summary, flat.
struct promotion_row {
  promotion_created created;
  timestamp created_at{};
  domain::promotion_state state{domain::promotion_state::none};
  std::uint64_t total_count{0};  ///< Sealed count; before seal: accepted rows of closed batches.
  money_minor total_amount{};    ///< Sealed sum; 0 before seal.
  std::string approved_by;
  run_started run;  ///< run.run = 0: never started.
  std::optional<list_sealed> list;
  domain::target_counts counts;
  std::uint64_t duplicate_results{0};
  std::uint64_t ignored_results{0};
  std::uint64_t double_grants{0};
  std::uint64_t rejected_rows{0};  ///< Of closed batches.
  std::uint32_t open_batches{0};
  timestamp started_at{};    ///< First run.
  timestamp completed_at{};  ///< First completion.
  timestamp updated_at{};
  timestamp start_at{};      ///< Of the latest schedule; 0: none.
  bool closed{false};
  std::string end_reason;    ///< Why it was cancelled or closed.
  std::string failure;       ///< Why its run failed; "" again when it goes on.
  std::uint32_t recall_no{0};  ///< Latest recall; 0: none.
  bool recall_open{false};     ///< Its messages are still being released.
  auto operator==(const promotion_row&) const -> bool = default;
};

/// Row of partition_progress.
struct partition_row {
  partition_no number{};
  std::uint64_t planned{0};
  std::uint64_t released{0};  ///< Grants planned on the stream, every attempt.
  domain::target_counts counts;
  std::uint64_t in_flight{0};  ///< Grants released, not yet published.
  bool done{false};            ///< Every target terminal, and nothing released since.
  timestamp updated_at{};
  auto operator==(const partition_row&) const -> bool = default;
};

/// Row of reconciliation: what the log says of the list, of the stream and of the payer's answers.
/// The check against the real stream and the payer's own ledger is projections/reconcile.hpp.
struct reconciliation_row {
  promotion_id promotion{};
  promotion_type type{promotion_type::point};
  run_no run{};  ///< The latest run; 0: never started.
  std::uint64_t sealed_count{0};
  money_minor sealed_amount{};
  std::uint64_t released_count{0};    ///< Grants of first attempts.
  std::uint64_t released_retries{0};  ///< Grants of later attempts.
  std::uint64_t published_count{0};   ///< Targets with at least one durable publish.
  money_minor published_amount{};
  std::uint64_t publish_failed_count{0};
  money_minor publish_failed_amount{};
  std::uint64_t abandoned_count{0};
  money_minor abandoned_amount{};
  std::uint64_t provider_count{0};  ///< Targets the payer answered SUCCESS for.
  money_minor provider_amount{};
  std::uint64_t refused_count{0};  ///< Published, and the payer's last word is FAILED.
  std::uint64_t double_grants{0};
  bool completed{false};
  auto operator==(const reconciliation_row&) const -> bool = default;

  /// The whole list is on the stream, or counted as unpublishable or abandoned, and the amounts add
  /// up.
  [[nodiscard]] auto list_matches_stream() const -> bool {
    return sealed_count == published_count + publish_failed_count + abandoned_count &&
           sealed_amount.value ==
               published_amount.value + publish_failed_amount.value + abandoned_amount.value;
  }
  /// Every published target was answered for good, and none was granted twice.
  [[nodiscard]] auto stream_matches_provider() const -> bool {
    return published_count == provider_count + refused_count && double_grants == 0;
  }
};

}  // namespace bestow::projections
