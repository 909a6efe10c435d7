#include "apps/import/durable_rejects.hpp"

#include <utility>

#include "events/codec.hpp"
#include "events/limits.hpp"

namespace bestow::importing {
namespace {

}  // namespace

durable_rejects::durable_rejects(const store::event_log& log, promotion_id promotion,
                                 std::string batch)
    : log_{&log}, stream_{stream_of(promotion)}, batch_{std::move(batch)} {}

auto durable_rejects::take_until(std::uint64_t last_row) -> result<std::vector<durable_reject>> {
  while (covered_row_ < last_row) {
    const auto more = read_more();
    if (!more) return tl::unexpected{more.error()};
    if (!*more)
      return fail(fault_code::log_corrupt, "read targets_imported",
                  to_string(stream_) + ": rows of batch " + batch_ + " are missing");
  }
  std::vector<durable_reject> out;
  while (!waiting_.empty() && waiting_.front().row <= last_row) {
    out.push_back(waiting_.front());
    waiting_.pop_front();
  }
  return out;
}

auto durable_rejects::read_more() -> result<bool> {
  store::read_options options;
  options.types = {event_type::targets_imported};
  options.events_max = limits::rejects_facts_per_read;
  result<void> outcome;
  const auto read = log_->read_stream(stream_, seen_, options, [&](const store::stored_event& e) {
    auto fact = decode_event<targets_imported>(e.payload);
    if (!fact) {
      outcome = tl::unexpected{std::move(fact).error()};
      return false;
    }
    if (fact->batch != batch_) return true;
    covered_row_ = fact->first_row + fact->row_count - 1;
    for (std::size_t i = 0; i < fact->rejected_rows.size(); ++i)
      waiting_.push_back({fact->rejected_rows[i],
                          static_cast<domain::row_field>(fact->rejected_fields[i]),
                          static_cast<domain::row_rejection>(fact->rejected_codes[i])});
    return true;
  });
  if (!outcome) return tl::unexpected{outcome.error()};
  if (!read) return tl::unexpected{read.error()};
  return std::exchange(seen_, *read) != *read;
}

}  // namespace bestow::importing
