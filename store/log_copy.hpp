// Copies of a log: a consistent one of a log that is being written, and the mark of one that was
// restored. What `backup create` and `backup restore` stand on.
//
// Promise: the log that is copied is only read; its writer waits for at most two pages of the copy.
// Any thread; several copies of one log may be made at once.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "events/result.hpp"

namespace bestow::store {

/// Copies the log's files and its anchor into `to`, an existing empty directory. Sealed files are
/// copied byte by byte; the last one is LMDB's own hot copy, made in a child process, because damage
/// can crash its reader: page for page, so that nothing is lost that verify could look at. One read
/// transaction stands for as long as that takes (the file's size over the disk's speed); the log's
/// file grows meanwhile by what the writer changes, because no page is used again.
/// Durable when it returns (fsync of each file and of `to`). The copy is not verified.
/// @param progress  called now and then with the bytes written so far; may be empty
/// @fault log_io_failed  no log here, or it cannot be read; the child was ended
/// @fault log_corrupt    a file of the log is missing, or pages made no sense to LMDB
/// @fault file_io_failed the copy cannot be written: no room, for example
[[nodiscard]] auto copy_log(const std::string& from, const std::string& to,
                            const std::function<void(std::uint64_t bytes)>& progress)
    -> result<void>;

/// Raises the incarnation by one: frames that are appended from now on say so, and no other copy is
/// taken for this one. For a log that nobody has open. Blocks for one fsync.
/// @returns the new incarnation
/// @fault log_corrupt, log_io_failed, log_version_unknown
[[nodiscard]] auto raise_incarnation(const std::string& directory) -> result<std::uint32_t>;

/// Replaces the anchor by one of the log's head, which is read from its last frame, and removes
/// LMDB's lock files. For a copy that was verified and that nobody has open.
/// @fault log_corrupt, log_io_failed
[[nodiscard]] auto settle_copy(const std::string& directory) -> result<void>;

/// Copies one file whole, mode 0600, and fsyncs it. @fault file_io_failed  `to` may be there in part
[[nodiscard]] auto copy_file(const std::string& from, const std::string& to) -> result<void>;

}  // namespace bestow::store
