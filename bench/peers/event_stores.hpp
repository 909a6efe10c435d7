// Commands and replay on databases used as an event store: one row for each fact, unique by stream
// and version, in the order of one position.
//
// A command here is the append alone: the client knows the version and decides nothing. What
// Bestow does besides (load, decide, fold, answer) is on its side only.
// Threads: the main thread; append_postgres starts one for each client.
#pragma once

#include <cstdint>
#include <string>

#include "apps/measure/crowd.hpp"
#include "bench/peers/postgres_server.hpp"

namespace bestow::bench {

struct appends {
  unsigned clients{1};
  std::uint64_t count{0};
  std::uint64_t streams{1};  ///< Fact n is version n / streams of stream n % streams.
  std::string payload;       ///< Of every fact.
};

/// Each append one prepared INSERT and one transaction of its own, each client one connection.
/// Ends in a check of count, versions and bytes.
[[nodiscard]] auto append_postgres(const postgres_server& server, const appends& wanted)
    -> measure::crowd_result;

/// The same into a new SQLite file at `path` with WAL and synchronous=FULL: one client only.
[[nodiscard]] auto append_sqlite(const std::string& path, const appends& wanted) -> measure::crowd_result;

/// SQLite's version and the settings of append_sqlite, for the JSON line.
[[nodiscard]] auto sqlite_description() -> std::string;

}  // namespace bestow::bench
