#include "projections/stream_merge.hpp"

#include <algorithm>
#include <utility>

#include "events/limits.hpp"

namespace bestow::projections {

auto stream_merge::open(const store::event_log& log, promotion_id promotion,
                        std::vector<event_type> types, position until,
                        const patience& time) -> result<stream_merge> {
  stream_merge out{log, std::move(types), until, time};
  auto parts =
      log.streams(aggregate::partition, promotion.value, limits::partition_count_max + 1);
  if (!parts) return tl::unexpected{parts.error()};
  out.cursors_.push_back({stream_of(promotion), {}, {}, false});
  for (const auto& stream : *parts)
    if (stream.kind == aggregate::partition && stream.id == promotion.value)
      out.cursors_.push_back({stream, {}, {}, false});
  constexpr std::size_t least = 64 * 1024;
  out.options_.bytes_max =
      std::clamp(limits::as_of_ahead_bytes / out.cursors_.size(), least, limits::log_read_txn_bytes);
  return out;
}

auto stream_merge::fill(cursor& c) -> tl::expected<void, refused_read> {
  while (c.ahead.empty() && !c.ended) {
    if (const auto no = time_->lost()) return tl::unexpected<refused_read>{*no};
    const auto seen =
        log_->read_stream(c.stream, c.after, options_, [&](const store::stored_event& e) {
          c.ended = e.at > until_;
          if (c.ended) return false;
          held_event held{e, {e.payload.begin(), e.payload.end()}};
          held.head.metadata = {};
          held.head.payload = {};
          c.ahead.push_back(std::move(held));
          return true;
        });
    if (!seen) return tl::unexpected<refused_read>{seen.error()};
    c.ended = c.ended || *seen == c.after;
    c.after = *seen;
  }
  return {};
}

auto stream_merge::next() -> tl::expected<std::optional<store::stored_event>, refused_read> {
  cursor* first = nullptr;
  for (auto& c : cursors_) {
    if (auto done = fill(c); !done) return tl::unexpected{done.error()};
    if (c.ahead.empty()) continue;
    if (first == nullptr || c.ahead.front().head.at < first->ahead.front().head.at) first = &c;
  }
  if (first == nullptr) return std::optional<store::stored_event>{};
  given_ = std::move(first->ahead.front());
  first->ahead.pop_front();
  given_.head.payload = given_.payload;
  return std::optional{given_.head};
}

}  // namespace bestow::projections
