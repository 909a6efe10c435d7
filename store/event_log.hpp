// The log: the only truth. Append-only, hash-chained, gapless.
//
// Promise: what append_group returned as appended survives kill -9 and power loss (with fsync
// honoured); positions are 1..n without a gap; a refused append left nothing behind.
// Threads: append_group from one thread at a time (the log writer). Everything else from any
// thread; readers take short read transactions and never block the writer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "events/codec.hpp"
#include "events/limits.hpp"
#include "events/result.hpp"
#include "events/types.hpp"

namespace bestow::store {

/// Events for one stream, appended as one unit or not at all.
struct append_batch {
  stream_id stream;
  /// Version the stream must have. Checked for an empty batch too.
  stream_version expected{};
  /// 0..limits::append_events_max events, at most limits::append_bytes_max encoded.
  std::vector<encoded_event> events;
};

struct append_receipt {
  position first{};        ///< Position of the batch's first event; for an empty batch = last.
  position last{};         ///< Of its last event; for an empty batch the log's head.
  stream_version version{};  ///< The stream's version after it.
  timestamp recorded_at{};
};
using append_answer = result<append_receipt>;

/// One event as read back. Views live only during the visitor's call.
struct stored_event {
  position at{};
  stream_id stream;
  stream_version version{};
  event_type type{};
  std::span<const std::byte> metadata;
  std::span<const std::byte> payload;
  timestamp recorded_at{};  ///< max(previous, wall): never goes back.
  timestamp wall_at{};      ///< The writer's wall clock.
};
/// Return false to stop after this event.
using event_visitor = std::function<bool(const stored_event&)>;

struct log_head {
  position last{};
  sha256_digest frame_hash{};  ///< Of the last frame; all zero for an empty log.
  std::uint64_t frames{0};
  timestamp recorded_at{};
};

struct read_options {
  /// Only these types are visited; empty = all. Others are skipped before their payload is touched.
  std::vector<event_type> types;
  /// Stop after about this many events were visited.
  std::uint64_t events_max{~0ULL};
  /// Stop at the end of the frame in which this many bytes have been read.
  std::uint64_t bytes_max{~0ULL};
};

class event_log {
 public:
  event_log() = default;
  event_log(const event_log&) = delete;
  auto operator=(const event_log&) -> event_log& = delete;
  virtual ~event_log() = default;

  /// Appends each batch to its stream in one commit and one fsync. Each batch stands or falls alone:
  /// a version conflict in one commits the others. Batches for the same stream are checked in
  /// order, so a later one may expect the version an earlier one makes. Blocks for the fsync
  /// (milliseconds).
  /// @param group  at most limits::group_appends_max batches and group_bytes_max bytes
  /// @returns one answer for each batch, in order; decide_again (version_conflict) for a batch
  ///          whose expectation failed, call_operator for one that is too large. Nothing of such a
  ///          batch was written.
  /// @fault log_full       nothing of the group was written, all is intact, appends may go on.
  /// @fault log_io_failed  the outcome is unknown; further appends are refused until reopen().
  /// @fault log_corrupt    someone else wrote behind this writer; as log_io_failed.
  /// @fault internal       the group is above a bound or the log is read-only: nothing was written.
  [[nodiscard]] virtual auto append_group(std::span<const append_batch> group, timestamp wall)
      -> result<std::vector<append_answer>> = 0;
  /// Closes and opens the environment again after a fault and re-reads the head from disk.
  [[nodiscard]] virtual auto reopen() -> result<void> = 0;

  [[nodiscard]] virtual auto head() const -> log_head = 0;
  [[nodiscard]] virtual auto log_id() const -> std::string = 0;  ///< 32 hex digits, fixed at creation.
  /// 0 when the stream does not exist.
  [[nodiscard]] virtual auto version_of(const stream_id& stream) const -> result<stream_version> = 0;

  /// Visits events at positions > after, ascending.
  /// @returns the position up to which everything was seen (visited or skipped): pass it as the next `after`.
  /// @fault log_corrupt  a frame's magic, length or CRC is wrong; names the position.
  [[nodiscard]] virtual auto read(position after, const read_options& options,
                                  const event_visitor& visit) const -> result<position> = 0;
  /// Visits one stream's events with version > after, ascending. Cost: one index step per frame.
  /// @returns the version up to which everything was seen.
  [[nodiscard]] virtual auto read_stream(const stream_id& stream, stream_version after,
                                         const read_options& options,
                                         const event_visitor& visit) const
      -> result<stream_version> = 0;
  /// Streams of one aggregate in ascending (id, part) order, from `from` on.
  [[nodiscard]] virtual auto streams(aggregate kind, std::uint64_t from_id, std::size_t count_max) const
      -> result<std::vector<stream_id>> = 0;
  /// Hash of the frame that holds the event at `at`; all zero for position 0.
  /// @fault log_corrupt  no such position.
  [[nodiscard]] virtual auto frame_hash_at(position at) const -> result<sha256_digest> = 0;
};

/// Result of walking the whole chain.
struct verify_report {
  std::uint64_t frames{0};
  std::uint64_t events{0};
  position last{};
  sha256_digest head_hash{};
  bool clean{true};
  position bad_at{};       ///< First position of the first bad frame; 0 when clean.
  std::string problem;     ///< "" when clean.
};

/// Sizes and ages for `log stat`.
struct log_stat {
  std::string log_id;
  log_head head;
  std::uint64_t file_bytes{0};  ///< Of all segments.
  std::uint64_t map_bytes{0};
  std::uint64_t payload_bytes{0};  ///< Pages that hold frames; the rest is index and free pages.
  std::uint64_t stream_count{0};
  position anchored{};  ///< What the anchor file covers; the head in a healthy log, give or take 1 s.
  timestamp first_recorded_at{};
  unsigned readers{0};
  std::uint64_t oldest_reader_lag{0};  ///< Transactions behind the newest; 0 = none open.
  std::uint32_t segments{1};           ///< Files of the log; all but the last are sealed.
  std::uint64_t active_bytes{0};       ///< Size of the last one: what map_bytes bounds.
  std::string seal_problem;            ///< Why a segment that is due was not sealed; "" = nothing.
};

struct log_options {
  std::string directory;  ///< Created with mode 0700. Holds 00000001.mdb ... and anchor.
  std::uint64_t map_bytes{256ULL << 30U};  ///< Of the segment that is written.
  bool read_only{false};  ///< For `log stat|cat|verify` beside a running process or on a stopped one.
  /// A segment whose file has this many bytes is sealed before the next group.
  std::uint64_t segment_bytes{limits::log_segment_bytes_default};
  /// Also sealed before the first group of a later calendar month of recorded_at (UTC).
  bool segment_monthly{false};
};

/// Memory log for tests and the simulator. Same contract; `faults` below lets a test break it.
/// Not thread-safe unless all calls come from one thread.
class memory_log;  // store/memory_log.hpp

/// Opens or creates a log. @fault log_locked, log_corrupt, log_rolled_back, log_version_unknown,
/// log_io_failed.
[[nodiscard]] auto open_lmdb_log(const log_options& options, std::uint64_t new_log_seed)
    -> result<std::unique_ptr<event_log>>;
/// Sizes of an open log (LMDB only; the memory log answers what it can).
[[nodiscard]] auto stat_of(const event_log& log) -> result<log_stat>;
/// Walks every frame: magic, checksum, chain, positions, stream index, head anchor. Stops at the
/// first problem. Damage can crash the reader inside LMDB, so callers who must survive run it in a
/// child process: store/verify_child.hpp. Never in the process that has the log open.
/// @param progress  called after every frame with the events verified so far; may be empty
/// @fault log_io_failed        there is no log here, or it may not be read.
/// @fault log_version_unknown  written by a newer format.
[[nodiscard]] auto verify(const std::string& directory,
                          const std::function<void(std::uint64_t events)>& progress)
    -> result<verify_report>;

}  // namespace bestow::store
