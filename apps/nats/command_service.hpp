// Answers commands over NATS: a bounded queue between the bus's threads and a few workers.
//
// Promise: the bus's threads never wait for a command. What cannot be queued, or has waited too
// long, is answered `overloaded` and not executed. A request without a reply subject is not
// executed: nobody could be told what became of it.
// Threads: start and stop from one thread; commands run on limits::command_threads threads.
#pragma once

#include <memory>
#include <string>

#include "apps/http/http_types.hpp"
#include "events/clock.hpp"

namespace bestow::commands {

class command_service {
 public:
  command_service() = default;
  command_service(const command_service&) = delete;
  auto operator=(const command_service&) -> command_service& = delete;
  /// Stops like stop().
  virtual ~command_service() = default;

  /// Listens from now on, also after every reconnect. `parts` and what it points to outlive the
  /// service; `parts.messages` is set.
  [[nodiscard]] static auto start(const http::http_parts& parts, randomness& random)
      -> std::unique_ptr<command_service>;
  /// Takes no new command, answers `overloaded` to those that wait, and returns when those at work
  /// are answered. Idempotent.
  virtual void stop() = 0;
};

}  // namespace bestow::commands
