// Verifies a log in a child process: damaged pages can crash the reader inside LMDB, and the caller
// must live to say so. Any thread; blocks for the whole walk (about 1 s per GB).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "events/result.hpp"
#include "store/event_log.hpp"

namespace bestow::store {

/// verify() in a child; the log may be open in this process. A child that crashes, or that makes no
/// progress for a minute, becomes a report that is not clean and whose bad_at follows the last
/// position it could read.
/// @param progress  called about ten times a second with the events verified so far; may be empty
/// @param stopped  asked about ten times a second; true ends the child; may be empty
/// @fault log_io_failed  no child could be started; else those of verify()
/// @fault shutting_down  `stopped` said so
[[nodiscard]] auto verify_in_child(const std::string& directory,
                                   const std::function<void(std::uint64_t events)>& progress,
                                   const std::function<bool()>& stopped = {})
    -> result<verify_report>;

}  // namespace bestow::store
