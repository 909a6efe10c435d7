// What every benchmark shares: arguments, repetitions, time, CPU and memory, one JSON line each.
//
// Promise: a benchmark whose result is wrong prints no summary and exits 1 (require). Each JSON
// line names seed, size and machine load, so that a figure can be judged by itself.
// Threads: the main thread only.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "actors/engine.hpp"
#include "events/result.hpp"

namespace bestow::bench {

/// Options of all programs: --targets N --repetitions N --seed N --dir DIR --json FILE
/// --perf-control FIFO, and --<name> VALUE of the program's own.
struct arguments {
  std::uint64_t targets{0};
  unsigned repetitions{5};
  std::uint64_t seed{1};
  std::string directory;  ///< For data; each repetition's is removed after it.
  std::string json;       ///< Lines are appended here too; "" = standard output only.
  /// The fifo of `perf record --delay=-1 --control=fifo:FIFO`: only what is measured is recorded.
  std::string perf_control;
  std::map<std::string, std::string, std::less<>> own;

  [[nodiscard]] auto get(std::string_view name, std::string fallback) const -> std::string;
};
/// Ends the program with exit code 2 on an option that is none. `own` names the program's own.
[[nodiscard]] auto read_arguments(int argc, char** argv, std::uint64_t targets,
                                  const std::vector<std::string>& own = {}) -> arguments;

/// The run is void: says why and ends the program with exit code 1, leaving data behind.
[[noreturn]] void give_up(const std::string& why);
inline void require(bool holds, const std::string& what) {
  if (!holds) give_up(what);
}
template <class T>
auto must(result<T> r) -> T {
  if (!r) give_up(to_string(r.error()));
  if constexpr (!std::is_void_v<T>) return std::move(*r);
}
[[nodiscard]] auto text_of(const actors::trouble& t) -> std::string;
template <class T>
auto must(actors::outcome<T> r) -> T {
  if (!r) give_up(text_of(r.error()));
  if constexpr (!std::is_void_v<T>) return std::move(*r);
}

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

/// Turns perf's recording on while it lives, when there is a perf to be told.
class recorded {
 public:
  explicit recorded(const arguments& args);
  recorded(const recorded&) = delete;
  auto operator=(const recorded&) -> recorded& = delete;
  ~recorded();

 private:
  void tell(std::string_view command) const;
  std::string fifo_;
};

/// One repetition's figures as one JSON object, in the order given.
class figures {
 public:
  using value = std::variant<std::uint64_t, double, std::string>;
  void set(std::string name, value v) { entries_.emplace_back(std::move(name), std::move(v)); }
  [[nodiscard]] auto entries() const -> const std::vector<std::pair<std::string, value>>& {
    return entries_;
  }

 private:
  std::vector<std::pair<std::string, value>> entries_;
};

/// Collects repetitions, prints each as it ends and their min, median and max at the end.
class report {
 public:
  /// `fsync` says what is made durable when.
  report(std::string name, std::string fsync, const arguments& args);
  void add(const figures& f);
  /// The table of every number; call after the last repetition.
  void summary() const;

 private:
  std::string name_;
  std::string fsync_;
  const arguments* args_;
  unsigned done_{0};
  std::vector<std::string> order_;
  std::map<std::string, std::vector<double>> series_;
};

/// A fresh directory under args.directory (default: the system's temporary one); removed with the
/// object.
class scratch {
 public:
  scratch(const arguments& args, std::string_view name);
  scratch(const scratch&) = delete;
  auto operator=(const scratch&) -> scratch& = delete;
  ~scratch();
  [[nodiscard]] auto path() const -> const std::string& { return path_; }

 private:
  std::string path_;
};

}  // namespace bestow::bench
