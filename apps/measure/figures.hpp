// The figures of one repetition, the line of JSON that keeps them, and what several repetitions
// come to.
//
// Promise: a line names size, seed, disk and load, so that it can be judged by itself.
// Threads: one object belongs to one thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace bestow::measure {

/// One repetition's figures, in the order they were set.
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

/// What the repetitions of one work have in common.
struct run_label {
  std::string name;
  std::string fsync;       ///< What is made durable when.
  std::string filesystem;  ///< Of the directory that is written to; "" = not named.
  std::uint64_t targets{0};
  std::uint64_t seed{0};
};
/// One JSON object without a line end: the label, the machine's cores, load and time, the figures.
/// @param repetition  from 1 on
[[nodiscard]] auto json_line(const run_label& label, unsigned repetition, const figures& f)
    -> std::string;

struct spread {
  double min{0};
  double median{0};  ///< Of an even number of values the upper of the two in the middle.
  double max{0};
};
/// All zero when there are none.
[[nodiscard]] auto spread_of(std::vector<double> values) -> spread;

[[nodiscard]] auto core_count() -> unsigned;
/// Of the last minute.
[[nodiscard]] auto load_average() -> double;

}  // namespace bestow::measure
