// One child process that cannot outlive its parent, watched through a pidfd.
//
// Promise: a recorded process is signalled only after its start time was compared, through a
// descriptor that cannot be recycled. Threads: one object is used by one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "events/result.hpp"

namespace bestow::bus {

/// Owns a file descriptor; -1 = none.
class unique_fd {
 public:
  unique_fd() = default;
  explicit unique_fd(int fd) : fd_{fd} {}
  unique_fd(unique_fd&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  auto operator=(unique_fd&& other) noexcept -> unique_fd&;
  ~unique_fd();
  [[nodiscard]] auto get() const -> int { return fd_; }
  [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_{-1};
};

/// Names a process for as long as the machine runs: pids are reused, (pid, start time) are not.
struct process_identity {
  int pid{0};
  std::uint64_t start_time{0};  ///< Clock ticks since boot, field 22 of /proc/<pid>/stat.
};
/// nullopt: no such process.
[[nodiscard]] auto identify(int pid) -> std::optional<process_identity>;

/// Ends a recorded process: waits `politely` for it to go by itself, then kills it and waits again.
/// True when it is gone, or was never there. Blocks for at most twice `politely`.
[[nodiscard]] auto end_recorded(const process_identity& recorded,
                                std::chrono::milliseconds politely) -> bool;

class child_process {
 public:
  struct start_options {
    std::string binary;  ///< Full path.
    std::vector<std::string> arguments;
    int inherited_fd{-1};  ///< Stays open in the child, as descriptor 3.
    int output_fd{-1};     ///< Becomes its stdout and stderr.
  };
  /// Forks and executes. The child gets SIGKILL when the calling thread dies, has its own session
  /// (a Ctrl-C is not its business), default signals and no other descriptor of ours.
  /// @fault file_io_failed  fork failed
  [[nodiscard]] static auto start(const start_options& options)
      -> result<std::unique_ptr<child_process>>;

  child_process(const child_process&) = delete;
  auto operator=(const child_process&) -> child_process& = delete;
  /// Kills the child if it still runs, and reaps it.
  ~child_process();

  [[nodiscard]] auto identity() const -> const process_identity& { return identity_; }
  /// False once it has ended; it is reaped then.
  [[nodiscard]] auto alive() -> bool;
  /// True when the child has ended within the time.
  [[nodiscard]] auto wait_end(std::chrono::milliseconds within) -> bool;
  /// SIGTERM, then SIGKILL after `politely`. The child has ended when it returns.
  void stop(std::chrono::milliseconds politely);

  struct started {};
  child_process(started, process_identity identity, unique_fd pidfd)
      : identity_{identity}, pidfd_{std::move(pidfd)} {}

 private:
  process_identity identity_;
  unique_fd pidfd_;
  bool reaped_{false};
};

}  // namespace bestow::bus
