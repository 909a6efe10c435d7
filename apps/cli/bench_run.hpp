// Runs the works of `bestow bench`, each in a guarded process and a directory of its own, and says
// what came of them. Private to apps/cli.
//
// Promise: nothing is left in the directory, however a work ends: done, void, failed, crashed, or
// stopped by SIGINT, SIGTERM or SIGHUP. Threads: the main thread, alone.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/cli/context.hpp"
#include "apps/measure/works.hpp"

namespace bestow::cli {

struct bench_request {
  std::vector<std::string> works;  ///< Of bench_works(), in any order; empty = all.
  std::uint64_t targets{100'000};
  unsigned repetitions{5};
  std::uint64_t seed{1};
  std::string directory{"."};
  std::string server{"nats-server"};  ///< The broker's program; publish needs it.
};

/// Does one work in the calling process.
using bench_job = std::function<measure::outcome<void>(
    const std::string& work, const measure::work_options& o, const measure::figures_sink& each)>;
/// The works of apps/measure, with sizes that fit together: single commits and commands are fewer than
/// targets, and end in time on a slow disk.
[[nodiscard]] auto real_bench_job(const std::string& server) -> bench_job;

/// @returns done; usage when the directory is not one to measure in; fault when there is no room, or
///          a work was void or failed (the others are measured all the same), or it was stopped;
///          unavailable when publish was asked for by name and there is no nats-server
[[nodiscard]] auto run_bench(const context& ctx, const bench_request& request,
                             const bench_job& job) -> exit_code;

/// Why nothing may be measured there; "" = it may.
[[nodiscard]] auto why_not_bench_in(const std::string& directory) -> std::string;
/// What is said when `free` bytes are too few for that many targets; "" = they are enough.
[[nodiscard]] auto bench_room_problem(std::uint64_t free, std::uint64_t targets) -> std::string;
/// A warning for file systems whose figures say nothing about a disk; "" = there is none.
[[nodiscard]] auto bench_disk_warning(std::string_view filesystem) -> std::string;

}  // namespace bestow::cli
