// The raw limit of publishing: a bare loop that sends prepared chunks with chained expected
// sequences and one acknowledgement for each, on a connection and into a stream of its own.
//
// Threads: the main thread; acknowledgements arrive on the bus's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "apps/measure/stopwatch.hpp"
#include "apps/measure/trouble.hpp"
#include "bus/bus.hpp"
#include "store/target_list.hpp"

namespace bestow::measure {

/// Every grant of a sealed list as Bestow will send it, in chunks of one partition, partitions
/// taking turns. Subjects are `<topic>.<k>`.
[[nodiscard]] auto prepare_chunks(const store::target_list& list, promotion_id id,
                                  promotion_type type, const std::string& topic,
                                  std::uint32_t chunk) -> std::vector<bus::outgoing_chunk>;

/// Sends all chunks into a new stream over `topic`.> and waits for the last acknowledgement; at
/// most `window` messages are unacknowledged. Void unless the stream then holds exactly these
/// messages.
[[nodiscard]] auto publish_raw(const bus::nats_options& server, int server_pid,
                               const std::string& topic,
                               const std::vector<bus::outgoing_chunk>& chunks,
                               std::uint64_t window) -> outcome<elapsed>;

}  // namespace bestow::measure
