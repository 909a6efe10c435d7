// The raw limit of the log: the same bytes appended to a bare LMDB file.
//
// Blocks for each fsync. Threads: any, one call at a time for each path.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "apps/measure/stopwatch.hpp"
#include "apps/measure/trouble.hpp"
#include "store/event_log.hpp"

namespace bestow::measure {

/// Payloads of one event type, in log order.
[[nodiscard]] auto payloads_of(const store::event_log& log, event_type type)
    -> result<std::vector<std::vector<std::byte>>>;

/// Puts each value under the next u64 key with MDB_APPEND, `per_commit` values in one transaction
/// with its fsync, into a new file at `path`. Void when the file then holds another count.
[[nodiscard]] auto append_raw(const std::string& path,
                              std::span<const std::vector<std::byte>> values,
                              std::size_t per_commit) -> outcome<void>;

struct single_commits {
  elapsed took;
  std::vector<float> milliseconds;  ///< Of each commit.
};
/// Commits the value `count` times, one by one, into a new file at `path`; fewer when `within` has
/// passed, one at least. Void when the file then holds another count.
[[nodiscard]] auto commit_singly(const std::string& path, const std::vector<std::byte>& value,
                                 std::uint64_t count, std::chrono::milliseconds within)
    -> outcome<single_commits>;

}  // namespace bestow::measure
