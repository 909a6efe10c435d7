// A repetition of Bestow with its raw limits and one of each peer, in turns: who goes first moves on
// by one each time.
//
// Threads: the main thread; blocks.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apps/measure/crowd.hpp"
#include "bench/harness.hpp"

namespace bestow::bench {

/// One who takes part: sets its figures.
struct part {
  std::string name;
  std::function<void(figures&)> run;
};

/// `bestow` measures one repetition of its work and gives its figures to the sink. Those of the peers
/// follow it in each line, then `after` may add what follows from both.
void repeat_beside(const arguments& args, report& out,
                   const std::function<measure::outcome<void>(const measure::work_options&,
                                                              const measure::figures_sink&)>& bestow,
                   const std::vector<part>& peers, const std::function<void(figures&)>& after);

/// The figure of that name as a number; 0 when there is none.
[[nodiscard]] auto number_of(const figures& f, const std::string& name) -> double;
/// Sets `name` to a / b, where both were measured.
void set_ratio(figures& f, const std::string& name, const std::string& a, const std::string& b);

/// A crowd that asks no more than `count` times and is never in trouble.
[[nodiscard]] auto crowd_of(unsigned clients, std::uint64_t count,
                            const std::function<void(unsigned, std::uint64_t)>& command)
    -> measure::crowd_result;
/// Sets <prefix>_commands_per_second and the latencies.
void set_crowd(figures& f, const std::string& prefix, const measure::crowd_result& r);

}  // namespace bestow::bench
