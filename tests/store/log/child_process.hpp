// A child of the test that runs a function and is waited for, and pipes to talk with it.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "events/assert.hpp"

namespace bestow::testing {

/// Numbers through a pipe: one side writes, the other reads; the end of the writer ends it.
class number_pipe {
 public:
  number_pipe() { BESTOW_ASSERT(::pipe2(ends_.data(), O_CLOEXEC) == 0); }
  number_pipe(const number_pipe&) = delete;
  auto operator=(const number_pipe&) -> number_pipe& = delete;
  ~number_pipe() {
    close_end(0);
    close_end(1);
  }
  void only_read() { close_end(1); }
  void only_write() { close_end(0); }
  void send(std::uint64_t number) {
    BESTOW_ASSERT(::write(ends_[1], &number, sizeof number) == sizeof number);
  }
  /// True when a number (or the end) is there to be received before the time is over.
  [[nodiscard]] auto ready_within(std::chrono::nanoseconds time) -> bool {
    pollfd waiting{ends_[0], POLLIN, 0};
    const timespec limit{static_cast<time_t>(time.count() / 1'000'000'000),
                         static_cast<long>(time.count() % 1'000'000'000)};
    return ::ppoll(&waiting, 1, &limit, nullptr) > 0;
  }
  /// nullopt: the writer is gone. A number is shorter than PIPE_BUF, so it comes whole.
  [[nodiscard]] auto receive() -> std::optional<std::uint64_t> {
    std::uint64_t number = 0;
    if (::read(ends_[0], &number, sizeof number) != sizeof number) return std::nullopt;
    return number;
  }

 private:
  void close_end(std::size_t i) {
    if (ends_[i] >= 0) ::close(ends_[i]);
    ends_[i] = -1;
  }
  std::array<int, 2> ends_{-1, -1};
};

class child_process {
 public:
  /// The function's answer is the exit code. It must not use the test framework.
  explicit child_process(const std::function<int()>& run) : pid_{::fork()} {
    BESTOW_ASSERT(pid_ >= 0);
    if (pid_ == 0) ::_exit(run());
  }
  child_process(const child_process&) = delete;
  auto operator=(const child_process&) -> child_process& = delete;
  ~child_process() {
    if (pid_ > 0) {
      kill();
      wait();
    }
  }
  [[nodiscard]] auto pid() const -> pid_t { return pid_; }
  void kill() const { ::kill(pid_, SIGKILL); }
  /// The exit code; -1 when a signal ended it.
  auto wait() -> int {
    int status = 0;
    BESTOW_ASSERT(::waitpid(pid_, &status, 0) == pid_);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_;
};

}  // namespace bestow::testing
