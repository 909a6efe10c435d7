// The raw limit of the log: the same bytes appended to a bare LMDB file.
//
// Blocks for each fsync. Threads: any, one call at a time for each path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "store/event_log.hpp"

namespace bestow::bench {

/// Payloads of one event type, in log order.
[[nodiscard]] auto payloads_of(const store::event_log& log, event_type type)
    -> std::vector<std::vector<std::byte>>;

/// Puts each value under the next u64 key with MDB_APPEND, `per_commit` values in one transaction
/// with its fsync, into a new file at `path`. Ends the program when a count does not fit.
void append_raw(const std::string& path, std::span<const std::vector<std::byte>> values,
                std::size_t per_commit);

}  // namespace bestow::bench
