// Wall time, CPU time and memory of this process and of another.
//
// Threads: any; CPU time is that of all threads of a process.
#pragma once

#include <cstdint>

namespace bestow::measure {

/// Seconds of CPU that this process has used, children apart.
[[nodiscard]] auto own_cpu_seconds() -> double;
/// Seconds of CPU that another process has used; 0 when it is gone.
[[nodiscard]] auto cpu_seconds_of(int pid) -> double;
/// Anonymous resident memory of a process, bytes (RssAnon). pid 0 = this process.
[[nodiscard]] auto anonymous_bytes(int pid = 0) -> std::uint64_t;

struct elapsed {
  double seconds{0};
  double cpu_seconds{0};         ///< Of this process.
  double server_cpu_seconds{0};  ///< Of the server given, if any.
};
/// Wall and CPU time from construction on.
class stopwatch {
 public:
  explicit stopwatch(int server_pid = 0);
  [[nodiscard]] auto read() const -> elapsed;

 private:
  int server_pid_;
  double started_;
  elapsed at_start_;
};

}  // namespace bestow::measure
