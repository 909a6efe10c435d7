// The LMDB tables of a log and the bytes of their keys and rows. docs/internals/log_format.md
// describes them. Private to store/. Thread rules of lmdb_env.hpp.
//
//   frames  position of the frame's first event          -> frame
//   index   stream, version of its first event in a frame -> key of that frame
//   heads   stream                                        -> its version
//   meta    "identity"                                    -> format, epoch, ..., log id
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "events/result.hpp"
#include "events/types.hpp"
#include "store/frame.hpp"
#include "store/lmdb_env.hpp"

namespace bestow::store {

inline constexpr std::uint32_t log_format_version = 1;

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
};

/// An environment with its tables open and its identity read.
struct open_log {
  lmdb_env env;
  log_tables tables;
  log_identity identity;
};

struct log_place {
  std::string directory;
  std::uint64_t map_bytes{0};
  bool read_only{false};
};
/// Opens the log's environment; creates tables and identity in an empty file unless read-only.
/// @fault log_corrupt, log_version_unknown, log_full, log_io_failed
[[nodiscard]] auto open_tables(const log_place& place, std::uint64_t new_log_seed)
    -> result<open_log>;

/// True when the file ends before the pages that LMDB counts: it was cut, unless only free pages
/// are beyond its end. Reads no page but the first two, so it is safe on a cut file.
/// Precondition: the file exists.
[[nodiscard]] auto file_is_short(const log_place& place) -> result<bool>;

/// The head as the last frame tells it. Reads and hashes one frame.
/// @fault log_corrupt  the last frame is damaged or belongs to another log.
[[nodiscard]] auto load_head(const open_log& log, const lmdb_txn& txn) -> result<log_head>;

/// Moves the cursor to the frame that holds `at`, or the last one before it.
/// @returns false when the log is empty or begins after `at`.
[[nodiscard]] auto seek_frame(lmdb_cursor& frames, position at) -> result<bool>;
/// The position under the cursor. @fault log_corrupt  the key is not a position.
[[nodiscard]] auto frame_key(const lmdb_cursor& frames) -> result<position>;

}  // namespace bestow::store
