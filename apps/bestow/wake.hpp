// What the main thread waits for: signals and calls for help from other threads.
//
// Handlers and other threads only write a byte into a pipe; everything is decided on the main
// thread. Signals are not blocked, so children start with a clean mask.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>

#include "events/result.hpp"

namespace bestow::apps {

class wake {
 public:
  /// Installs the handlers of SIGTERM, SIGINT and SIGCHLD and ignores SIGPIPE and SIGHUP. One at
  /// a time in a process.
  wake();
  wake(const wake&) = delete;
  auto operator=(const wake&) -> wake& = delete;
  ~wake();

  /// Returns when something happened or time is up.
  void wait(std::chrono::milliseconds within);
  [[nodiscard]] auto stop_wanted() const -> bool;
  /// From any thread: the process cannot go on.
  void give_up(const fault& why);
  [[nodiscard]] auto fatal() const -> std::optional<fault>;
  /// From now on the process ends hard after `within`.
  static void end_within(std::chrono::seconds within);

 private:
  mutable std::mutex mutex_;
  std::optional<fault> fatal_;
};

}  // namespace bestow::apps
