// What the fields of one event must satisfy together, beyond each field's own type: columns of one
// table have one length, and numbers that are used as an index or an enum stay in its range.
//
// The codec asserts it when it writes and refuses the bytes (log_corrupt) when it reads, so that
// whoever folds a decoded event may index its columns without looking. An empty column stands for
// "not given" (or an older writer) and reads as 0 or "" at any index. Private to events/. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <limits>

#include "events/columns.hpp"
#include "events/limits.hpp"
#include "events/partition.hpp"
#include "events/promotion.hpp"

namespace bestow::codec {

/// The rule of an event without one.
template <class Event>
[[nodiscard]] constexpr auto well_formed(const Event&) -> bool {
  return true;
}

/// True when every column is empty or has `count` values.
[[nodiscard]] inline auto have_rows(std::size_t count, std::initializer_list<std::size_t> sizes)
    -> bool {
  return std::ranges::all_of(sizes, [&](auto size) { return size == 0 || size == count; });
}

/// O(1) for a constant column.
[[nodiscard]] inline auto all_within(const u64_column& column, std::uint64_t least,
                                     std::uint64_t most) -> bool {
  const auto outside = [&](std::uint64_t value) { return value - least > most - least; };
  if (column.empty()) return true;
  if (column.form() == u64_column::shape::constant) return !outside(column.first());
  bool any_outside = false;  // No early exit: the loops then run many values at once.
  for (const auto value : column.values()) any_outside |= outside(value);
  if (column.form() == u64_column::shape::arithmetic)
    for (std::size_t i = 0; i < column.size(); ++i) any_outside |= outside(column[i]);
  return !any_outside;
}

[[nodiscard]] inline auto well_formed(const targets_imported& e) -> bool {
  return have_rows(e.target_ids.size(),
                   {e.customer_uids.size(), e.partitions.size(), e.amounts.size(),
                    e.expiries.size(), e.reasons.size(), e.voucher_numbers.size(),
                    e.merchant_codes.size(), e.merchant_brand_codes.size(),
                    e.withdrawals.size()}) &&
         have_rows(e.rejected_rows.size(), {e.rejected_fields.size(), e.rejected_codes.size()}) &&
         all_within(e.partitions, 0, limits::partition_count_max - 1) &&
         all_within(e.withdrawals, 0, 1);
}

[[nodiscard]] inline auto well_formed(const list_sealed& e) -> bool {
  return have_rows(e.partition_counts.size(), {e.partition_amounts.size()}) &&
         e.partition_counts.size() <= limits::partition_count_max;
}

/// Every grant of the release stands in one message.
[[nodiscard]] inline auto well_formed(const targets_released& e) -> bool {
  if (e.message_grants.empty()) return true;
  if (e.message_grants.size() != e.message_count ||
      !all_within(e.message_grants, 1, limits::batch_grants_max))
    return false;
  std::uint64_t grants = 0;
  for (std::size_t i = 0; i < e.message_grants.size(); ++i) grants += e.message_grants[i];
  return grants == e.ordinals.size();
}

[[nodiscard]] inline auto well_formed(const results_recorded& e) -> bool {
  return have_rows(e.ordinals.size(), {e.statuses.size(), e.attempts.size(), e.at.size(),
                                       e.transaction_keys.size(), e.error_messages.size()}) &&
         all_within(e.ordinals, 0, std::numeric_limits<std::uint32_t>::max()) &&
         all_within(e.attempts, 0, std::numeric_limits<std::uint16_t>::max()) &&
         all_within(e.statuses, static_cast<std::uint64_t>(process_status::success),
                    static_cast<std::uint64_t>(process_status::failed));
}

[[nodiscard]] inline auto well_formed(const recalls_recorded& e) -> bool {
  return have_rows(e.ordinals.size(), {e.recall_statuses.size(), e.recalls.size(), e.at.size(),
                                       e.transaction_keys.size(), e.error_messages.size()}) &&
         all_within(e.ordinals, 0, std::numeric_limits<std::uint32_t>::max()) &&
         all_within(e.recalls, 0, std::numeric_limits<std::uint16_t>::max()) &&
         all_within(e.recall_statuses, static_cast<std::uint64_t>(recall_status::recalled),
                    static_cast<std::uint64_t>(recall_status::failed));
}

}  // namespace bestow::codec
