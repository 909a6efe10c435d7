// Copies of a log: a consistent one of a log that is being written, and the mark of one that was
// restored. What `backup create` and `backup restore` stand on.
//
// Promise: the log that is copied is only read; its writer waits for at most two pages of the copy.
// Any thread; several copies of one log may be made at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "events/limits.hpp"
#include "events/result.hpp"

namespace bestow::store {

/// What goes on beside a copy. The functions may be left out; they are called by the thread that
/// copies and must not block.
struct copy_watch {
  std::function<void(std::uint64_t bytes)> progress;  ///< Now and then: bytes written so far.
  std::function<bool()> stopped;  ///< Asked about ten times a second; true gives the copy up.
  /// A hot copy that does not grow for so long is ended.
  std::chrono::milliseconds stuck_after{limits::verify_stuck_after};
};

/// Copies the log's files and its anchor into `to`, an existing empty directory. Sealed files are
/// copied byte by byte; the last one is LMDB's own hot copy, made in a child process, because damage
/// can crash its reader: page for page, so that nothing is lost that verify could look at. One read
/// transaction stands for as long as that takes (the file's size over the disk's speed); the log's
/// file grows meanwhile by what the writer changes, because no page is used again.
/// Durable when it returns (fsync of each file and of `to`). The copy is not verified.
/// @fault log_io_failed  no log here, or it cannot be read; the child made no progress
/// @fault shutting_down  `watch.stopped` said so; what is in `to` is not whole
/// @fault log_corrupt    a file of the log is missing, or pages made no sense to LMDB
/// @fault file_io_failed the copy cannot be written: no room, for example
[[nodiscard]] auto copy_log(const std::string& from, const std::string& to,
                            const copy_watch& watch) -> result<void>;

/// Raises the incarnation by one: frames that are appended from now on say so, and no other copy is
/// taken for this one. For a log that nobody has open. Blocks for one fsync.
/// @returns the new incarnation
/// @fault log_corrupt, log_io_failed, log_version_unknown
[[nodiscard]] auto raise_incarnation(const std::string& directory) -> result<std::uint32_t>;

/// Replaces the anchor by one of the log's head, which is read from its last frame, and removes
/// LMDB's lock files. For a copy that was verified and that nobody has open.
/// @fault log_corrupt, log_io_failed
[[nodiscard]] auto settle_copy(const std::string& directory) -> result<void>;

/// Copies one file whole, mode 0600, and fsyncs it. On a fault `to` may be there in part.
/// @param stopped  asked before each piece; may be empty
/// @fault file_io_failed, shutting_down
[[nodiscard]] auto copy_file(const std::string& from, const std::string& to,
                             const std::function<bool()>& stopped = {}) -> result<void>;

}  // namespace bestow::store
