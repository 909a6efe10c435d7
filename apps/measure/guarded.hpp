// A job in a process of its own, so that whatever becomes of it (a crash, Ctrl-C in the middle of
// a commit) the process that waits for it can clean up behind it.
//
// Promise: when run_guarded returns, the job's process has ended; it and the children it supervises
// (bus/child_process.hpp) never outlive this one. Threads: one thread, with no other one running:
// the process is forked from it.
#pragma once

#include <csignal>
#include <functional>
#include <string>
#include <string_view>

#include "bus/child_process.hpp"
#include "events/result.hpp"

namespace bestow::measure {

/// While it lives, SIGINT, SIGTERM and SIGHUP do not end the process: run_guarded takes them. A
/// SIGPIPE waits until it is gone. One at a time.
class interruption {
 public:
  /// @fault file_io_failed  no descriptor for signals
  [[nodiscard]] static auto open() -> result<interruption>;
  interruption(interruption&&) = default;
  auto operator=(interruption&&) -> interruption& = delete;
  ~interruption();

  /// The signal that came, without waiting; 0 = none so far. Remembered.
  [[nodiscard]] auto signal() -> int;
  [[nodiscard]] auto descriptor() const -> int { return fd_.get(); }
  /// The mask as it was before.
  [[nodiscard]] auto mask_before() const -> const sigset_t& { return before_; }

 private:
  interruption(bus::unique_fd fd, const sigset_t& before) : fd_{std::move(fd)}, before_{before} {}
  bus::unique_fd fd_;
  sigset_t before_;
  int seen_{0};
};

using line_sink = std::function<void(std::string_view line)>;
/// False: the job is not wanted any more.
using line_taker = std::function<bool(std::string_view line)>;

struct job_end {
  int code{0};              ///< What the job returned, 0..255.
  int crashed{0};           ///< The signal that ended its process; 0 = none.
  bool interrupted{false};  ///< It was killed: a signal came, or on_line answered false.
};
/// Forks; there job(say) runs, where say(line) hands a line (without line end) to on_line here. Its
/// standard output goes nowhere. Blocks until the job has ended. When watch.signal() comes, or
/// on_line answers false, it is killed with SIGKILL.
/// @fault file_io_failed  no process or pipe could be made
[[nodiscard]] auto run_guarded(interruption& watch,
                               const std::function<int(const line_sink& say)>& job,
                               const line_taker& on_line) -> result<job_end>;

}  // namespace bestow::measure
