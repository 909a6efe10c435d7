#include "events/result.hpp"

#include <cstddef>

#include "events/fault_table.hpp"

namespace bestow {
namespace {

auto row_of(fault_code code) -> const fault_row& {
  const auto rows = fault_table();
  const auto index = static_cast<std::size_t>(code);
  // A number outside the enum can only come from a bug: treat it as one.
  return rows[index < rows.size() ? index : static_cast<std::size_t>(fault_code::internal)];
}

}  // namespace

auto action_for(fault_code code) -> fault_action { return row_of(code).action; }

auto name_of(fault_code c) -> std::string_view { return row_of(c).name; }

auto name_of(fault_action a) -> std::string_view {
  switch (a) {
    case fault_action::retry_later: return "retry_later";
    case fault_action::decide_again: return "decide_again";
    case fault_action::call_operator: return "call_operator";
    case fault_action::stop_process: return "stop_process";
  }
  return "";
}

auto to_string(const fault& f) -> std::string {
  std::string text{name_of(f.code)};
  if (!f.operation.empty()) text.append(" in ").append(f.operation);
  if (!f.detail.empty()) text.append(": ").append(f.detail);
  return text;
}

}  // namespace bestow
