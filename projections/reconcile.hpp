// Three ways to count the same money: the sealed list, the published stream, the payer's ledger.
//
// Promise: every difference is counted; the first limits::reconcile_named_max of each kind are
// named. Memory: two bits for each target of the list, and one byte for each target of one
// partition at a time. Nothing is fetched here: the sources bring the entries, in any order.
// Threads: pure but for its sources; call from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "events/result.hpp"
#include "events/types.hpp"
#include "store/target_list.hpp"

namespace bestow::projections {

/// One message of the stream.
struct published_entry {
  target_id target{};
  money_minor amount{};
  std::uint64_t stream_seq{0};
  std::uint16_t attempt{1};
  std::optional<partition_no> partition;  ///< A hint: without it every partition is searched.
};
/// One payment of the payer.
struct ledger_entry {
  target_id target{};
  money_minor amount{};
  std::optional<partition_no> partition;
};
/// Yields the next entry; nullopt at the end.
using published_source = std::function<result<std::optional<published_entry>>()>;
using ledger_source = std::function<result<std::optional<ledger_entry>>()>;
/// What the engine holds of a partition's targets (queries::states): status bytes by ordinal.
using state_source = std::function<result<std::vector<std::uint8_t>>(partition_no)>;

struct reconcile_sources {
  const store::target_list* list{nullptr};
  state_source states;
  published_source published;
  ledger_source ledger;  ///< Empty: the payer's side is left out.
};

/// One side of the balance.
struct balance_side {
  std::uint64_t count{0};
  money_minor amount{};
  bool amount_overflows{false};  ///< The sum does not fit; `amount` is then the largest value.
  auto operator==(const balance_side&) const -> bool = default;
};

struct named_target {
  target_id target{};
  money_minor expected{};       ///< Of the sealed list; 0 = not in it.
  money_minor found{};          ///< Of the stream or ledger; 0 = not there.
  std::uint64_t stream_seq{0};  ///< Of the message at fault; 0 = none.
  auto operator==(const named_target&) const -> bool = default;
};
struct difference {
  std::uint64_t count{0};
  std::vector<named_target> named;  ///< At most limits::reconcile_named_max.
};

struct reconcile_report {
  balance_side sealed;               ///< The whole list.
  balance_side expected_published;   ///< Of it, what the engine holds as published.
  balance_side expected_paid;        ///< Of it, what the engine holds as granted.
  balance_side stream;               ///< Distinct targets on the stream, by the messages' amounts.
  balance_side ledger;               ///< Distinct targets in the ledger, by its amounts.
  std::uint64_t stream_grants{0};  ///< All attempts.
  bool ledger_given{false};

  difference missing_on_stream;   ///< The engine holds it as published; no message.
  difference extra_on_stream;     ///< A message for a target that is not in the list.
  difference repeated_on_stream;  ///< A second message of the first attempt.
  difference amount_differs_on_stream;
  difference missing_in_ledger;     ///< The engine holds it as granted; no payment.
  difference extra_in_ledger;       ///< A payment for a target that is not in the list.
  difference unexpected_in_ledger;  ///< A payment for a target the engine does not hold as granted.
  difference repeated_in_ledger;    ///< A second payment.
  difference amount_differs_in_ledger;

  /// Nothing differs.
  [[nodiscard]] auto agrees() const -> bool;
};

/// Reads the sources to their ends. Cost: a binary search for each entry, a pass over the list.
/// @fault whatever a source answers
/// @fault internal  the states of a partition are not as many as its targets
[[nodiscard]] auto reconcile(const reconcile_sources& sources) -> result<reconcile_report>;

}  // namespace bestow::projections
