// A frame: the unit of the log. A header of fixed size, then the records of one or more appends.
// Every byte is covered by the checksum in the header and by the hash chain.
// docs/internals/log_format.md describes the bytes.
//
// Promise: decoding never reads outside the bytes it is given, whatever they hold.
// Pure; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "events/codec.hpp"
#include "events/result.hpp"
#include "events/types.hpp"
#include "store/event_log.hpp"

namespace bestow::store {

inline constexpr std::size_t frame_header_bytes = 152;
inline constexpr std::size_t record_header_bytes = 32;
inline constexpr std::uint16_t frame_format_version = 1;
/// Records one after another, as encode_record writes them.
inline constexpr std::uint16_t frame_codec_records = 1;

using log_id_bytes = std::array<std::byte, 16>;
/// The id of a new log: the first half of SHA-256 over the seed.
[[nodiscard]] auto make_log_id(std::uint64_t seed) -> log_id_bytes;
/// 32 lower-case hex digits.
[[nodiscard]] auto log_id_text(const log_id_bytes& id) -> std::string;

/// What stays the same from frame to frame.
struct log_identity {
  log_id_bytes log_id{};
  std::uint32_t epoch{1};        ///< Raised when the log changes owner.
  std::uint32_t incarnation{1};  ///< Raised when the log is restored from a copy.
  std::uint32_t shard{0};
};

struct frame_header {
  log_identity identity;
  std::uint16_t flags{0};
  std::uint16_t codec{frame_codec_records};
  std::uint64_t key_ref{0};  ///< Key that encrypts the payload; 0 = plain.
  std::uint32_t count{0};    ///< Records = events.
  position first{};          ///< Position of the first record.
  timestamp recorded_at{};
  timestamp wall_at{};
  sha256_digest previous{};   ///< Hash of the frame before; zero for the first.
  sha256_digest rows_root{};  ///< Merkle root over salted rows; zero: none.

  [[nodiscard]] auto last() const -> position { return {first.value + count - 1}; }
};

/// A frame whose magic, version, lengths and checksum are right. Views into the bytes given.
struct frame_view {
  frame_header header;
  std::span<const std::byte> records;
};

/// One record. Views into the frame's bytes.
struct frame_record {
  stream_id stream;
  stream_version version{};
  event_type type{};
  std::span<const std::byte> metadata;
  std::span<const std::byte> payload;
};

/// Appends one event's record to `out`: the event_log's encoding of it.
void encode_record(std::vector<std::byte>& out, const stream_id& stream, stream_version version,
                   const encoded_event& event);

/// The whole frame: header with its checksum, then `records`.
[[nodiscard]] auto encode_frame(const frame_header& header, std::span<const std::byte> records)
    -> std::vector<std::byte>;

/// Checks magic, version, lengths and checksum. About 0.1 us per KiB.
/// @fault log_corrupt  says what is wrong; `key` (the position it is stored under) is named.
[[nodiscard]] auto decode_frame(std::span<const std::byte> frame, position key)
    -> result<frame_view>;

/// SHA-256(previous hash || header || records). Precondition: frame.size() >= frame_header_bytes.
/// About 0.5 us per KiB.
[[nodiscard]] auto hash_of_frame(std::span<const std::byte> frame) -> sha256_digest;

/// Walks a frame's records in order.
class record_cursor {
 public:
  explicit record_cursor(std::span<const std::byte> records) : rest_{records} {}
  /// nullopt: no further record, or the rest is not a record (then damaged() is true).
  [[nodiscard]] auto next() -> std::optional<frame_record>;
  [[nodiscard]] auto damaged() const -> bool { return damaged_; }

 private:
  std::span<const std::byte> rest_;
  bool damaged_{false};
};

/// True when the records are exactly header.count whole records.
[[nodiscard]] auto records_complete(const frame_view& frame) -> bool;

/// Which types a reader wants; an empty list wants all.
class type_filter {
 public:
  explicit type_filter(std::span<const event_type> types);
  [[nodiscard]] auto wants(event_type type) const -> bool {
    const auto index = static_cast<std::size_t>(type);
    return all_ || (index < wanted_.size() && wanted_[index]);
  }

 private:
  bool all_{true};
  std::vector<bool> wanted_;
};

/// A record as readers see it.
[[nodiscard]] auto to_stored(const frame_header& header, position at, const frame_record& record)
    -> stored_event;

}  // namespace bestow::store
