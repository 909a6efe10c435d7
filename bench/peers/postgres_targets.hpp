// The list of targets as a PostgreSQL table: COPY into it, and the outbox pattern over it.
//
// What the table checks is what SQL can: id and customer given and unique, amounts and ids
// positive, reasons within Bestow's length. One wrong row refuses the whole list; Bestow says for
// each row what is wrong with it.
// Threads: the main thread; blocks.
#pragma once

#include <cstdint>
#include <string>

#include "apps/measure/inputs.hpp"
#include "bench/peers/postgres_server.hpp"
#include "bus/bus.hpp"

namespace bestow::bench {

/// When uniqueness is built. `behind` is faster, as rows are then sorted once, but only for a table
/// that nobody uses yet.
enum class index_time : std::uint8_t { before, behind };

/// Copies the list into a new table with all its indexes, in one transaction, and checks count, sum
/// and ids. @returns what the COPY and indexes built behind it took, to the answer to the commit
[[nodiscard]] auto copy_targets(const postgres_server& server, promotion_type type,
                                const measure::target_input& in, index_time when) -> elapsed;

struct outbox_options {
  bus::nats_options broker;
  int broker_pid{0};   ///< Its CPU counts as the servers'; 0 = not known.
  std::string stream;  ///< A new one, over `topic`.>
  std::string topic;
  /// Chunks of 1,000 that are read and not yet committed as PUBLISHED. 1 = one after the other.
  std::size_t chunks_in_flight{1};
};

/// Fills a new table with point targets (not measured), then reads the pending ones in chunks of
/// 1,000 by id, sends each as one message, all of a chunk at once, and commits a chunk as PUBLISHED
/// when the broker has acknowledged it, until the last one. Checks the table and the stream.
/// server_cpu_seconds of the answer is PostgreSQL's and the broker's.
[[nodiscard]] auto publish_outbox(const postgres_server& server, const measure::target_input& in,
                                  const outbox_options& options) -> elapsed;

}  // namespace bestow::bench
