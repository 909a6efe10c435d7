// Every named outcome in one list: rejections, row rejections, faults, request errors, and what
// the command line itself says. Constant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bestow::cli {

struct code_row {
  std::string_view name;
  std::string_view kind;  ///< rejection, row rejection, fault, request error, command line
  std::string_view meaning;
  std::string_view remedy;
  int http_status{0};       ///< 0: does not apply.
  std::string_view action;  ///< Of a fault.
};
[[nodiscard]] auto all_codes() -> const std::vector<code_row>&;
/// Letters match in either case, '-' and ' ' as '_'. nullptr: no such code.
[[nodiscard]] auto find_code(std::string_view name) -> const code_row*;

}  // namespace bestow::cli
