// What every fault means and what to do about it: the text of `bestow explain`, of problem
// documents and of docs/reference/faults.md.
//
// Promise: one row for each fault_code, in the enum's order; a test holds them together.
// Thread-safe: constant data.
#pragma once

#include <span>
#include <string_view>

#include "events/result.hpp"

namespace bestow {

struct fault_row {
  fault_code code;
  std::string_view name;     ///< As in problem documents; equals the enumerator.
  fault_action action;       ///< What the caller does next.
  std::string_view meaning;  ///< One or two sentences: what happened, what is safe.
  std::string_view remedy;   ///< What a person does about it.
};

[[nodiscard]] auto fault_table() -> std::span<const fault_row>;

}  // namespace bestow
