// Questions people ask, answered from the views, the sealed lists and the log's strings.
//
// Every answer carries the log position it is true at. Field names are the contract's; JSON
// rendering is apps/http's. Thread-safe; each call takes one short snapshot.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "domain/partition.hpp"
#include "domain/promotion.hpp"
#include "events/result.hpp"
#include "projections/rows.hpp"
#include "projections/view_set.hpp"

namespace bestow::projections {

/// One target with all that is known of it.
struct target_view_row {
  store::list_row target;  ///< Text views are copied into `text`.
  target_ordinal ordinal{};
  domain::target_state state{domain::target_state::pending};
  domain::recall_state recall{domain::recall_state::none};
  bool published{false};
  std::uint16_t attempt{0};
  timestamp published_at{};
  timestamp updated_at{};
  std::optional<process_status> process;  ///< Of the last result that changed the target.
  std::string transaction_key;
  std::string error_message;
  std::shared_ptr<const store::target_list> keep;  ///< Keeps `target`'s views alive.
};
/// One line of a target's history, oldest first. What a fact does not say is 0 or "".
struct target_fact {
  position at{};
  timestamp recorded_at{};
  std::string what;    ///< Event name.
  std::string detail;  ///< e.g. "attempt 1, stream_seq 5021", "SUCCESS tx-77".
  target_ordinal ordinal{};
  run_no run{};
  attempt_no attempt{0};
  std::uint64_t stream_seq{0};  ///< Of the message that carried the target.
  std::string status;           ///< What the payer said: SUCCESS, FAILED, ..., RECALLED, ...
  std::string transaction_key;
  std::string error_message;
  timestamp said_at{};  ///< When the payer says it happened.
};

template <class T>
struct answer {
  T value;
  position as_of{};
};

struct target_filter {
  std::optional<domain::target_state> state;
  std::optional<partition_no> partition;
  target_id after{};  ///< Ids above this one.
  std::size_t limit{100};
};

class queries {
 public:
  /// With `until` the views are those of an earlier moment, and the log is read no further.
  queries(const view_set& views, const store::event_log& log, store::target_lists& lists,
          std::optional<position> until = std::nullopt);
  [[nodiscard]] auto promotion(promotion_id id) const
      -> result<answer<std::optional<promotion_row>>>;
  /// Ascending promotion id above `after`.
  [[nodiscard]] auto promotions(promotion_id after, std::size_t limit,
                                std::optional<domain::promotion_state> state) const
      -> result<answer<std::vector<promotion_row>>>;
  /// By partition number; empty before seal.
  [[nodiscard]] auto partitions(promotion_id id) const
      -> result<answer<std::vector<partition_row>>>;
  /// What the log says of list, stream and payer, in count and amount.
  [[nodiscard]] auto reconciliation(promotion_id id) const
      -> result<answer<std::optional<reconciliation_row>>>;
  /// Ascending target id over all partitions (or one); empty before seal. Fewer than `limit` rows
  /// mean that there are no more. `state` matches what the target shows as (success includes
  /// success_after_retry). Cost: a heap step per row given; a filter that few targets match looks
  /// at one byte of each target between them (about 0.1 s for 10^7).
  [[nodiscard]] auto targets(promotion_id id, const target_filter& filter) const
      -> result<answer<std::vector<target_view_row>>>;
  [[nodiscard]] auto target(promotion_id id, target_id target) const
      -> result<answer<std::optional<target_view_row>>>;
  /// What the view holds of each target of one partition, by ordinal: low four bits target_state,
  /// bit 7 published. Empty before seal. One byte a target.
  [[nodiscard]] auto states(promotion_id id, partition_no partition) const
      -> result<answer<std::vector<std::uint8_t>>>;
  /// Every fact that touched one target, read from the partition's stream (milliseconds, about a
  /// second for a partition of 10^7 targets). Empty: no such target, or not sealed.
  [[nodiscard]] auto history(promotion_id id, target_id target) const
      -> result<answer<std::vector<target_fact>>>;

 private:
  const view_set* views_;
  const store::event_log* log_;
  store::target_lists* lists_;
  std::optional<position> until_;
};

}  // namespace bestow::projections
