#include "store/frame_reader.hpp"

#include <utility>

#include <fmt/format.h>

namespace bestow::store {
namespace {

auto bad_records(position key) -> tl::unexpected<fault> {
  return fail(fault_code::log_corrupt, "read",
              fmt::format("position {}: the records do not fill the frame", key.value));
}

}  // namespace

auto frame_reader::visit_positions(std::span<const std::byte> frame, position key, position after)
    -> result<position> {
  const auto decoded = decode_frame(frame, key);
  if (!decoded) return tl::unexpected<fault>{decoded.error()};
  record_cursor records{decoded->records};
  position at = key;
  for (; !stopped_; ++at.value) {
    const auto record = records.next();
    if (!record) break;
    if (at > after && filter_.wants(record->type)) visit(decoded->header, at, *record);
  }
  if (!stopped_ && (records.damaged() || at.value != key.value + decoded->header.count))
    return bad_records(key);
  spend(frame.size());
  return position{at.value - 1};
}

auto frame_reader::visit_stream(std::span<const std::byte> frame, position key,
                                const stream_id& stream, stream_version after)
    -> result<stream_version> {
  const auto decoded = decode_frame(frame, key);
  if (!decoded) return tl::unexpected<fault>{decoded.error()};
  record_cursor records{decoded->records};
  for (position at = key; !stopped_; ++at.value) {
    const auto record = records.next();
    if (!record) break;
    if (record->stream != stream || record->version <= after) continue;
    after = record->version;
    if (filter_.wants(record->type)) visit(decoded->header, at, *record);
  }
  if (records.damaged()) return bad_records(key);
  spend(frame.size());
  return after;
}

void frame_reader::visit(const frame_header& header, position at, const frame_record& record) {
  stopped_ = !visit_(to_stored(header, at, record)) || --events_left_ == 0;
}

void frame_reader::spend(std::size_t bytes) {
  if (bytes >= bytes_left_) stopped_ = true;
  else bytes_left_ -= bytes;
}

}  // namespace bestow::store
