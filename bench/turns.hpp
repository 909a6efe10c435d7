// Who goes first: the parts of a repetition in an order that moves on by one each time.
//
// Threads: the main thread only.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace bestow::bench {

struct part {
  std::string name;
  std::function<void()> run;
};

/// Runs each part once, the `turn`-th first. @returns their names in the order they ran
inline auto in_turns(std::size_t turn, const std::vector<part>& parts) -> std::string {
  std::string order;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto& next = parts[(turn + i) % parts.size()];
    next.run();
    order += (order.empty() ? "" : ", ") + next.name;
  }
  return order;
}

}  // namespace bestow::bench
