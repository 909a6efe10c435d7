// The LMDB tables of a log and the bytes of their keys and rows. docs/internals/log_format.md
// describes them. Private to store/. Thread rules of lmdb_env.hpp.
//
//   frames  position of the frame's first event          -> frame
//   index   stream, version of its first event in a frame -> key of that frame
//   heads   stream                                        -> its version
//   meta    "identity"                                    -> format, epoch, ..., log id
//   segments number of an earlier segment                 -> segment_row; not in the first segment
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "events/result.hpp"
#include "events/types.hpp"
#include "store/frame.hpp"
#include "store/lmdb_env.hpp"
#include "store/segment_row.hpp"

namespace bestow::store {

inline constexpr std::uint32_t log_format_version = 1;
inline constexpr unsigned log_tables_max = 5;

using position_key = std::array<std::byte, 8>;
using stream_key = std::array<std::byte, 13>;
using index_key = std::array<std::byte, 21>;

[[nodiscard]] auto key_of(position at) -> position_key;
[[nodiscard]] auto key_of(const stream_id& stream) -> stream_key;
[[nodiscard]] auto key_of(const stream_id& stream, stream_version first) -> index_key;
/// nullopt: not 8 bytes. Positions and versions share the encoding.
[[nodiscard]] auto number_in(std::span<const std::byte> bytes) -> std::optional<std::uint64_t>;
/// nullopt: not 13 bytes.
[[nodiscard]] auto stream_in(std::span<const std::byte> bytes) -> std::optional<stream_id>;

struct log_tables {
  MDB_dbi frames{};
  MDB_dbi index{};
  MDB_dbi heads{};
  MDB_dbi meta{};
  MDB_dbi segments{};  ///< 0 in the first segment, which has none before it.
};

/// A segment with its tables open, its identity and what it knows of the segments before it.
struct open_log {
  lmdb_env env;
  log_tables tables;
  log_identity identity;
  std::uint32_t number{1};
  std::vector<segment_row> before;

  /// The first position that it may hold.
  [[nodiscard]] auto begin() const -> position {
    return {before.empty() ? 1 : before.back().last.value + 1};
  }
};

struct log_place {
  std::string directory;
  std::uint64_t map_bytes{0};  ///< Of the segment that is written.
  bool read_only{false};
  std::uint32_t number{1};
  bool sealed{false};  ///< Read without a lock, in a map of the file's size.
};
/// Opens a segment; creates tables and identity in an empty first one unless read-only.
/// @fault log_corrupt, log_version_unknown, log_full, log_io_failed
[[nodiscard]] auto open_tables(const log_place& place, std::uint64_t new_log_seed)
    -> result<open_log>;
/// Opens a sealed segment and holds it against what its successor remembers of it: number, log,
/// size, first and last frame. A few page reads.
/// @fault log_corrupt  names the file and its positions.
[[nodiscard]] auto open_sealed(const std::string& directory, const segment_row& expected,
                               const log_identity& identity) -> result<open_log>;

/// Makes the segment after `old` under a name of its own and then gives it its place, durably. It
/// holds no frame; identity, the heads of all streams and the rows of all earlier segments are
/// carried into it. Blocks for some fsyncs and about 1 s per million streams.
/// Precondition: `txn` is a write transaction of `old`, which keeps foreign writers out.
/// @param sealed  what becomes of `old`
/// @fault any  nothing has changed when the file of the next number does not exist.
[[nodiscard]] auto begin_next_segment(const open_log& old, const lmdb_txn& txn,
                                      const segment_row& sealed, const log_place& next)
    -> result<void>;
/// The row that describes `old` as it now is. @fault log_corrupt, log_io_failed
[[nodiscard]] auto row_for(const open_log& old, const lmdb_txn& txn, const log_head& head)
    -> result<segment_row>;
/// Takes the rights to write from a segment that was sealed, and removes its lock file.
void settle_sealed(const std::string& directory, std::uint32_t number);
/// Removes what a begin_next_segment that did not end left behind for this number.
void forget_unfinished(const std::string& directory, std::uint32_t number);

/// Raises the incarnation in the identity of one file of a log by one; durable when it returns.
/// @fault log_corrupt, log_version_unknown, log_full, log_io_failed
[[nodiscard]] auto raise_incarnation_of(const std::string& path) -> result<std::uint32_t>;

/// True when the file ends before the pages that LMDB counts: it was cut, unless only free pages
/// are beyond its end. Reads no page but the first two, so it is safe on a cut file.
/// Precondition: the file exists.
[[nodiscard]] auto file_is_short(const log_place& place) -> result<bool>;

/// The head as the last frame tells it, or the rows of the earlier segments when there is none.
/// Reads and hashes one frame.
/// @fault log_corrupt  the last frame is damaged or belongs to another log.
[[nodiscard]] auto load_head(const open_log& log, const lmdb_txn& txn) -> result<log_head>;

/// Version of a stream at the segment's end; 0 when it does not exist by then.
/// @fault log_corrupt  its row is damaged.
[[nodiscard]] auto version_in(const open_log& log, const lmdb_txn& txn, const stream_id& stream)
    -> result<stream_version>;

/// Moves the cursor to the frame that holds `at`, or the last one before it.
/// @returns false when the segment is empty or begins after `at`.
[[nodiscard]] auto seek_frame(lmdb_cursor& frames, position at) -> result<bool>;
/// The position under the cursor. @fault log_corrupt  the key is not a position.
[[nodiscard]] auto frame_key(const lmdb_cursor& frames) -> result<position>;

}  // namespace bestow::store
