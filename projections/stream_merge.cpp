#include "projections/stream_merge.hpp"

#include <algorithm>
#include <utility>

#include "events/limits.hpp"

namespace bestow::projections {

auto stream_merge::open(const store::event_log& log, promotion_id promotion,
                        std::vector<event_type> types, position until) -> result<stream_merge> {
  stream_merge out{log, std::move(types), until};
  auto parts =
      log.streams(aggregate::partition, promotion.value, limits::partition_count_max + 1);
  if (!parts) return tl::unexpected{parts.error()};
  out.cursors_.push_back({stream_of(promotion), {}, {}, false});
  for (const auto& stream : *parts)
    if (stream.kind == aggregate::partition && stream.id == promotion.value)
      out.cursors_.push_back({stream, {}, {}, false});
  constexpr std::size_t least = 64 * 1024;
  out.options_.bytes_max = std::max(least, limits::as_of_ahead_bytes / out.cursors_.size());
  return out;
}

auto stream_merge::fill(cursor& c) -> result<void> {
  while (c.ahead.empty() && !c.ended) {
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
    if (!seen) return tl::unexpected{seen.error()};
    c.ended = c.ended || *seen == c.after;
    c.after = *seen;
  }
  return {};
}

auto stream_merge::next() -> result<std::optional<store::stored_event>> {
  cursor* first = nullptr;
  for (auto& c : cursors_) {
    if (auto done = fill(c); !done) return tl::unexpected{done.error()};
    if (c.ahead.empty()) continue;
    if (first == nullptr || c.ahead.front().head.at < first->ahead.front().head.at) first = &c;
  }
  if (first == nullptr) return std::nullopt;
  given_ = std::move(first->ahead.front());
  first->ahead.pop_front();
  given_.head.payload = given_.payload;
  return given_.head;
}

}  // namespace bestow::projections
