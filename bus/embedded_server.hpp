// A nats-server with JetStream as a supervised child on loopback.
//
// The child is forked from the calling thread, which must be the main thread, with
// PDEATHSIG=SIGKILL, and holds a lock descriptor on <directory>/LOCK. Credentials are new at each
// start and never touch the command line.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "bus/bus.hpp"
#include "events/clock.hpp"
#include "events/result.hpp"

namespace bestow::bus {

struct embedded_options {
  std::string directory;              ///< Store, config, LOCK and PID live here.
  std::string binary{"nats-server"};  ///< Looked up in PATH, then /usr/sbin, /usr/bin.
};

class embedded_server {
 public:
  embedded_server() = default;
  embedded_server(const embedded_server&) = delete;
  auto operator=(const embedded_server&) -> embedded_server& = delete;
  /// Ends the child (SIGTERM, then SIGKILL after 5 s) and reaps it.
  virtual ~embedded_server() = default;
  /// URL and credentials to connect with; the port stays the same over restarts of the child.
  [[nodiscard]] virtual auto client_options() const -> nats_options = 0;
  /// False once the child has died; call restart() then.
  [[nodiscard]] virtual auto alive() -> bool = 0;
  /// Starts the child again on the same port with the same credentials. Main thread only.
  [[nodiscard]] virtual auto restart() -> result<void> = 0;
  [[nodiscard]] virtual auto pid() const -> int = 0;
};

/// Full path of a nats-server's program, looked up as embedded_options::binary; nullopt: there is
/// none.
[[nodiscard]] auto find_server(const std::string& binary) -> std::optional<std::string>;

/// Waits for a previous bestow's child to go (ends the recorded process by pid and start time),
/// picks a free port, writes the config, starts the child and waits until it answers.
/// @fault broker_unavailable  no binary, or it did not come up in 10 s (detail: its last log lines)
[[nodiscard]] auto start_embedded_server(const embedded_options& options, randomness& random)
    -> result<std::unique_ptr<embedded_server>>;

}  // namespace bestow::bus
