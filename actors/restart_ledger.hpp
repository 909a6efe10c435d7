// How long an actor that ended waits before it is started again, and when to give up. Pure: time
// comes in as data. Threads: not synchronised; the directory owns it.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

namespace bestow::actors {

/// Why an actor ended.
enum class ending : std::uint8_t {
  failed,   ///< An exception or a broken promise: counted.
  replays,  ///< Its memory may be ahead of the log. The machine's trouble, not its own.
  faulted,  ///< What it stands on cannot be read.
};

class restart_ledger {
 public:
  using instant = std::chrono::nanoseconds;  ///< Of a steady clock.

  void started(const std::string& who, instant now);
  /// How long to wait; nullopt: it failed more than limits::restarts_max times within
  /// limits::restart_window. What replays or is faulted is tried for ever, slowly, so that a disk
  /// that was full goes on by itself once there is room. Who ran for restart_window was healthy
  /// and begins with the shortest wait again.
  [[nodiscard]] auto ended(const std::string& who, instant now, ending how)
      -> std::optional<std::chrono::milliseconds>;
  /// It ended on purpose.
  void forget(const std::string& who) { records_.erase(who); }
  [[nodiscard]] auto size() const -> std::size_t { return records_.size(); }

 private:
  struct record {
    instant started{0};
    std::chrono::milliseconds backoff{0};
    std::deque<instant> failures;  ///< Within limits::restart_window.
  };
  std::map<std::string, record> records_;
};

}  // namespace bestow::actors
