// The HTTP server: sockets, threads and limits around dispatch().
//
// Promise: every connection has timeouts, threads and waiting connections are bounded, and stop()
// ends within a few seconds whatever clients do.
// Threads: start and stop from one thread; requests run on limits::http_threads threads.
#pragma once

#include <memory>
#include <string>

#include "apps/http/http_types.hpp"
#include "events/result.hpp"

namespace bestow::http {

/// Whether `listen` (HOST:PORT) can be bound now; nothing stays bound.
/// @fault bad_config  it cannot (detail says why)
[[nodiscard]] auto check_listen(const std::string& listen) -> result<void>;

class http_server {
 public:
  http_server() = default;
  http_server(const http_server&) = delete;
  auto operator=(const http_server&) -> http_server& = delete;
  /// Stops like stop().
  virtual ~http_server() = default;

  /// Binds the configured address and serves. `parts` and what it points to outlive the server.
  /// @fault bad_config  the address cannot be bound (detail says why)
  [[nodiscard]] static auto start(const http_parts& parts) -> result<std::unique_ptr<http_server>>;
  /// "http://127.0.0.1:8480" with the port really bound.
  [[nodiscard]] virtual auto url() const -> std::string = 0;
  /// Takes no new connection, ends streams, waits for requests under way. Idempotent.
  virtual void stop() = 0;
};

}  // namespace bestow::http
