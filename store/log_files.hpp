// The files of a log: one LMDB file per segment, numbered without a gap from 1. The last one is
// written, the others are sealed: they never change again, so a plain copy of one is good at any
// time. docs/internals/log_format.md describes them. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "events/result.hpp"

namespace bestow::store {

struct log_file {
  std::string path;
  std::uint32_t number{1};
  bool sealed{false};  ///< False for the last one: copy that through LMDB, never byte by byte.
};

/// <directory>/00000001.mdb for number 1.
[[nodiscard]] auto segment_path(const std::string& directory, std::uint32_t number) -> std::string;

/// The number of the last segment; 0 when the directory holds no log. One directory listing.
/// @fault log_io_failed  the directory cannot be read.
[[nodiscard]] auto newest_segment(const std::string& directory) -> result<std::uint32_t>;

/// The segments in ascending order; none when the directory holds no log. One directory listing,
/// no file is opened. Whoever copies while the log is written copies in this order: a segment that
/// is sealed meanwhile is then the end of a shorter, sound log. An anchor belongs to the copy only
/// if it was read before this call.
/// @fault log_corrupt    a number is missing below the last one; names the file.
/// @fault log_io_failed  the directory cannot be read.
[[nodiscard]] auto list_log_files(const std::string& directory) -> result<std::vector<log_file>>;

}  // namespace bestow::store
