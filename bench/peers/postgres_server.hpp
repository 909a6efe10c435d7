// A PostgreSQL of the benchmark's own: made with initdb on the same disk as Bestow's data, reached
// over a Unix socket that only its user and root can enter, removed with the object.
//
// Durability is PostgreSQL's default: fsync, synchronous_commit and full_page_writes are on. Only
// what makes it faster is set (postgres_server.cpp).
// Threads: made and destroyed on the main thread (the child hangs on it).
#pragma once

#include <memory>
#include <string>

#include "bench/harness.hpp"

namespace bestow::bench {

class postgres_server {
 public:
  postgres_server() = default;
  postgres_server(const postgres_server&) = delete;
  auto operator=(const postgres_server&) -> postgres_server& = delete;
  /// Ends the server; every connection must be closed by then.
  virtual ~postgres_server() = default;
  /// libpq's connection string.
  [[nodiscard]] virtual auto address() const -> const std::string& = 0;
  /// Version and the settings that decide what a commit means, for the JSON line.
  [[nodiscard]] virtual auto description() const -> const std::string& = 0;
  /// Of the server and all its processes, those that have ended included.
  [[nodiscard]] virtual auto cpu_seconds() const -> double = 0;
};

/// Prints why and returns nullptr where there is none: a build without libpq, no server on the
/// machine, no user to run it as, or it did not start (with its own words). With `--peers no` too,
/// silently. As root it runs as the user postgres, or nobody. Blocks for some seconds.
[[nodiscard]] auto start_postgres(const arguments& args) -> std::unique_ptr<postgres_server>;

/// Wall time, CPU of this process and of the servers, from construction on.
class postgres_stopwatch {
 public:
  /// `other_pid`: one more server whose CPU counts; 0 = none.
  explicit postgres_stopwatch(const postgres_server& server, int other_pid = 0)
      : server_{&server}, server_before_{server.cpu_seconds()}, watch_{other_pid} {}
  [[nodiscard]] auto read() const -> elapsed {
    auto e = watch_.read();
    e.server_cpu_seconds += server_->cpu_seconds() - server_before_;
    return e;
  }

 private:
  const postgres_server* server_;
  double server_before_;
  stopwatch watch_;
};

}  // namespace bestow::bench
