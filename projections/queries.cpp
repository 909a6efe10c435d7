#include "projections/queries.hpp"

#include <limits>

#include "projections/partition_progress.hpp"
#include "projections/promotion_summary.hpp"
#include "projections/reconciliation.hpp"
#include "projections/row_bytes.hpp"

namespace bestow::projections {

namespace {

/// Opens a snapshot of View, asks it, and adds the position it is true at.
template <class View, class Ask>
auto ask(const view_set& views, Ask&& question)
    -> result<answer<typename std::invoke_result_t<Ask, const store::view_reader&>::value_type>> {
  auto rows = views.read(View::name);
  if (!rows) return tl::unexpected{rows.error()};
  const auto checkpoint = (*rows)->checkpoint();
  if (!checkpoint) return tl::unexpected{checkpoint.error()};
  auto value = question(**rows);
  if (!value) return tl::unexpected{value.error()};
  return answer<typename std::invoke_result_t<Ask, const store::view_reader&>::value_type>{
      std::move(*value), checkpoint->at};
}

/// Rows in key order above `after` that show as `state`.
auto list_promotions(const store::view_reader& rows, promotion_id after, std::size_t limit,
                     std::optional<domain::promotion_state> state)
    -> result<std::vector<promotion_row>> {
  std::vector<promotion_row> out;
  if (limit == 0 || after.value == std::numeric_limits<std::uint64_t>::max()) return out;
  result<void> decoded;
  const auto from = promotion_key(table::row, promotion_id{after.value + 1});
  const auto done = rows.scan(from, [&](std::string_view key, std::string_view value) {
    if (key.front() != static_cast<char>(table::row)) return false;
    const auto bytes = checked_row(key, value);
    auto row = promotion_summary::decode(bytes.value_or(std::string_view{}));
    if (!row) {
      decoded = damaged_row(promotion_summary::name, key);
      return false;
    }
    if (!state || name_of(row->state) == name_of(*state)) out.push_back(std::move(*row));
    return out.size() < limit;
  });
  if (!done) return tl::unexpected{done.error()};
  if (!decoded) return tl::unexpected{decoded.error()};
  return out;
}

}  // namespace

queries::queries(const view_set& views, const store::event_log& log, store::target_lists& lists,
                 std::optional<position> until)
    : views_{&views}, log_{&log}, lists_{&lists}, until_{until} {}

auto queries::promotion(promotion_id id) const -> result<answer<std::optional<promotion_row>>> {
  return ask<promotion_summary>(
      *views_, [&](const store::view_reader& rows) { return promotion_summary::read(rows, id); });
}

auto queries::promotions(promotion_id after, std::size_t limit,
                         std::optional<domain::promotion_state> state) const
    -> result<answer<std::vector<promotion_row>>> {
  return ask<promotion_summary>(*views_, [&](const store::view_reader& rows) {
    return list_promotions(rows, after, limit, state);
  });
}

auto queries::partitions(promotion_id id) const -> result<answer<std::vector<partition_row>>> {
  return ask<partition_progress>(
      *views_, [&](const store::view_reader& rows) { return partition_progress::read(rows, id); });
}

auto queries::reconciliation(promotion_id id) const
    -> result<answer<std::optional<reconciliation_row>>> {
  return ask<projections::reconciliation>(*views_, [&](const store::view_reader& rows) {
    return projections::reconciliation::read(rows, id);
  });
}

}  // namespace bestow::projections
