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
#include <vector>

#include "actors/engine.hpp"
#include "apps/measure/figures.hpp"
#include "apps/measure/scratch.hpp"
#include "apps/measure/stopwatch.hpp"
#include "apps/measure/trouble.hpp"
#include "apps/measure/works.hpp"
#include "events/result.hpp"

namespace bestow::bench {

// What `bestow bench` measures with (apps/measure); here a trouble ends the program.
using measure::anonymous_bytes;
using measure::cpu_seconds_of;
using measure::elapsed;
using measure::figures;
using measure::stopwatch;

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
template <class T>
auto must(actors::outcome<T> r) -> T {
  if (!r) give_up(measure::text_of(measure::as_trouble(r.error())));
  if constexpr (!std::is_void_v<T>) return std::move(*r);
}
template <class T>
auto must(measure::outcome<T> r) -> T {
  if (!r) give_up(measure::text_of(r.error()));
  if constexpr (!std::is_void_v<T>) return std::move(*r);
}

/// The arguments as a work of apps/measure takes them; perf is told of its measured sections.
[[nodiscard]] auto work_of(const arguments& args) -> measure::work_options;


/// Collects repetitions, prints each as it ends and their min, median and max at the end.
class report {
 public:
  /// `fsync` says what is made durable when.
  report(std::string name, std::string fsync, const arguments& args);
  void add(const figures& f);
  [[nodiscard]] auto sink() -> measure::figures_sink {
    return [this](const figures& f) { add(f); };
  }
  /// The table of every number; call after the last repetition.
  void summary() const;

 private:
  measure::run_label label_;
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
  [[nodiscard]] auto path() const -> const std::string& { return place_.path(); }

 private:
  measure::scratch place_;
};

}  // namespace bestow::bench
