#include "apps/measure/trouble.hpp"

#include <fmt/format.h>

namespace bestow::measure {

auto as_trouble(const actors::trouble& t) -> trouble {
  if (const auto* no = std::get_if<domain::refusal>(&t))
    return void_run{fmt::format("refused: {}, {}", domain::name_of(no->why), no->detail)};
  return std::get<fault>(t);
}

auto text_of(const trouble& t) -> std::string {
  if (const auto* wrong = std::get_if<void_run>(&t)) return wrong->why;
  return to_string(std::get<fault>(t));
}

}  // namespace bestow::measure
