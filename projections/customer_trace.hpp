// Every fact that touched one customer, over all promotions, in log order.
//
// The runs of customer_grants say where the customer was imported; each of their targets is then
// followed through its partition's stream. Cost: for each sealed list that spans the customer one
// look-up (microseconds), for each that has them the facts of the partitions their targets are in
// (milliseconds, about a second for a partition of 10^7 targets).
// A trace has a time limit and can be stopped. Thread-safe; each call takes one short snapshot.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "events/result.hpp"
#include "projections/patience.hpp"
#include "projections/queries.hpp"
#include "projections/view_set.hpp"

namespace bestow::projections {

/// One fact as it touched one of the customer's targets.
struct trace_line {
  promotion_id promotion{};
  promotion_type type{promotion_type::point};
  target_id target{};
  target_fact fact;
  money_minor amount{};
  std::string currency;
  std::string batch;      ///< Of an import.
  std::uint64_t row{0};   ///< Of an import: the data row of the input, from 1.
};

/// Where a page ended: lines at higher positions follow, and those of `at` behind its first
/// `lines`.
struct trace_mark {
  position at{};
  std::uint32_t lines{~0U};
  auto operator==(const trace_mark&) const -> bool = default;
};

struct trace_question {
  customer_uid customer{};
  trace_mark after{};
  std::size_t limit{100};
  std::optional<position> until;  ///< Facts beyond it are not looked at.
};

struct trace_page {
  std::vector<trace_line> lines;
  std::optional<trace_mark> next;  ///< nullopt: there is no more.
  std::uint64_t promotions{0};     ///< Sealed lists that have the customer. 0: no such customer.
  std::uint64_t targets{0};        ///< Their targets in them, at most trace_targets_max + 1.
  bool too_many{false};            ///< More than limits::trace_targets_max targets: no lines.
};

/// Lists that are not sealed are not looked at. `time` is asked before each call of the log (which
/// reads a bounded part), at each fact and for each list; a missing run or list that must be built
/// first (seconds per 10^7 targets; it ends with cancel_builds) is not cut short.
/// Refusals: takes_too_long, stopping.
/// @fault view_poisoned  a row of customer_grants is damaged
/// @fault log_corrupt, file_io_failed, ...  the log or a list cannot be read
[[nodiscard]] auto trace_customer(const view_set& views, const store::event_log& log,
                                  store::target_lists& lists, const trace_question& question,
                                  const patience& time)
    -> tl::expected<answer<trace_page>, refused_read>;

}  // namespace bestow::projections
