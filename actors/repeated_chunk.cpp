// A chunk that was sent twice is answered from the facts of the first time.
#include <algorithm>

#include "actors/promotion_host.hpp"

namespace bestow::actors {

namespace {

auto holds(const u64_column& ascending, std::uint64_t value) -> bool {
  std::size_t low = 0;
  std::size_t high = ascending.size();
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    if (ascending[middle] < value)
      low = middle + 1;
    else
      high = middle;
  }
  return low < ascending.size() && ascending[low] == value;
}

}  // namespace

auto receipt_of_repeat(promotion_host_state& s, const targets_imported& chunk, position at)
    -> result<chunk_receipt> {
  chunk_receipt receipt;
  receipt.at = at;
  const auto end = chunk.first_row + chunk.row_count;
  const bool goes_on =
      s.repeats.batch == chunk.batch && s.repeats.next_row <= chunk.first_row;
  if (!goes_on) s.repeats = {chunk.batch, 0, stream_version{}};
  std::uint64_t refused = 0;
  const auto take = [&](const targets_imported& fact) {
    for (std::size_t i = 0; i < fact.rejected_rows.size(); ++i) {
      const auto row = fact.rejected_rows[i];
      if (row < chunk.first_row || row >= end) continue;
      ++refused;
      if (!holds(chunk.rejected_rows, row))
        receipt.refused.push_back({row, static_cast<domain::row_field>(fact.rejected_fields[i]),
                                   static_cast<domain::row_rejection>(fact.rejected_codes[i])});
    }
  };
  store::read_options options;
  options.types = {event_type::targets_imported};
  result<void> outcome{};
  const auto seen = s.context->parts.log->read_stream(
      stream_of(s.id), s.repeats.after, options, [&](const store::stored_event& stored) {
        const auto fact = decode_event<targets_imported>(stored.payload);
        if (!fact) {
          outcome = tl::unexpected{fact.error()};
          return false;
        }
        if (fact->batch != chunk.batch) return true;
        const auto fact_end = fact->first_row + fact->row_count;
        if (fact_end > chunk.first_row) take(*fact);
        if (fact_end <= end) {
          s.repeats.next_row = fact_end;
          s.repeats.after = stored.version;
        }
        return fact_end < end;
      });
  if (!outcome) return tl::unexpected{outcome.error()};
  if (!seen) return tl::unexpected{seen.error()};
  receipt.accepted = chunk.row_count - refused;
  return receipt;
}

}  // namespace bestow::actors
