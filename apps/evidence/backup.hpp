// Backups: a verified copy of what cannot be made again, and a data directory out of one.
// docs/guides/backup.md is the operator's side of it.
//
// What is copied: the log with its anchor, and the files of refused rows (they hold the original
// columns, which the log does not). Not copied, because a start makes them again from the log:
// views, sealed lists, uniqueness tables, snapshots. Not copied, because it is another system's
// truth: the broker's store. Not copied, because it holds secrets and lies elsewhere: the
// configuration.
//
// Promise: a directory under its final name holds a whole, verified copy; whatever is killed when,
// only a directory called *.incomplete is left, which the next attempt clears. Nothing that exists
// is overwritten.
// Threads: any; two copies into one directory exclude each other. All calls block for as long as
// reading, writing and hashing the log takes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "apps/evidence/manifest.hpp"
#include "events/result.hpp"
#include "events/types.hpp"

namespace bestow::evidence {

/// What is being done, and how many bytes or facts of it are done.
using work_progress = std::function<void(std::string_view step, std::uint64_t done)>;

/// "" when a copy may be made under this name: absent or an empty directory. Else why not.
[[nodiscard]] auto why_not_into(const std::string& directory) -> std::string;

/// "" when a backup of the data directory may be made under this name: what why_not_into wants, and
/// not inside the data directory, links followed.
[[nodiscard]] auto why_no_backup(const std::string& data, const std::string& directory)
    -> std::string;

struct backup_request {
  std::string data;       ///< A data directory; a running service may have it open.
  std::string directory;  ///< Where the backup goes.
  std::string version;    ///< Of the program.
  timestamp now{};
  /// Asked about ten times a second and between files; true gives the backup up. May be empty.
  std::function<bool()> stopped{};
};
/// @fault file_io_failed  why_no_backup says why, there is no room, or a file cannot be copied
/// @fault log_locked      another backup into this directory is under way
/// @fault log_io_failed   there is no log, or it cannot be read
/// @fault log_corrupt     the copy does not verify: the detail names the position
/// @fault shutting_down   `wanted.stopped` said so: nothing is left
[[nodiscard]] auto create_backup(const backup_request& wanted, const work_progress& tell)
    -> result<manifest>;

/// The manifest of a backup, and every file in it as the manifest says: SHA-256 and size of each,
/// none missing, none too many.
/// @fault log_corrupt     names the file
/// @fault file_io_failed  there is no manifest, or a file cannot be read
[[nodiscard]] auto check_backup(const std::string& directory, const work_progress& tell)
    -> result<manifest>;

struct restored {
  manifest from;
  std::uint32_t incarnation{0};  ///< Of the restored log.
};
/// Checks the backup, copies it, verifies the copy's chain against the manifest, raises its
/// incarnation, verifies it again, and only then gives it its name.
/// @fault as check_backup and create_backup
[[nodiscard]] auto restore_backup(const std::string& directory, const std::string& data,
                                  const work_progress& tell) -> result<restored>;

}  // namespace bestow::evidence
