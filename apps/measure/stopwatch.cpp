#include "apps/measure/stopwatch.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <string>

namespace bestow::measure {
namespace {

auto seconds_now() -> double {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

auto first_line(const std::string& path) -> std::string {
  std::ifstream in{path};
  std::string line;
  std::getline(in, line);
  return line;
}

}  // namespace

auto own_cpu_seconds() -> double {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

auto cpu_seconds_of(int pid) -> double {
  const auto line = first_line(fmt::format("/proc/{}/stat", pid));
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream rest{line.substr(name_end + 2)};
  std::string skipped;
  for (int i = 0; i < 11; ++i) rest >> skipped;  // Fields 3 to 13; then utime and stime.
  double user = 0;
  double system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

auto anonymous_bytes(int pid) -> std::uint64_t {
  std::ifstream in{pid == 0 ? std::string{"/proc/self/status"}
                            : fmt::format("/proc/{}/status", pid)};
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("RssAnon:")) return std::stoull(line.substr(8)) * 1024;
  return 0;
}

stopwatch::stopwatch(int server_pid) : server_pid_{server_pid} {
  at_start_.cpu_seconds = own_cpu_seconds();
  at_start_.server_cpu_seconds = server_pid == 0 ? 0 : cpu_seconds_of(server_pid);
  started_ = seconds_now();
}

auto stopwatch::read() const -> elapsed {
  elapsed e;
  e.seconds = seconds_now() - started_;
  e.cpu_seconds = own_cpu_seconds() - at_start_.cpu_seconds;
  if (server_pid_ != 0)
    e.server_cpu_seconds = cpu_seconds_of(server_pid_) - at_start_.server_cpu_seconds;
  return e;
}

}  // namespace bestow::measure
