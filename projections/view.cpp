#include "projections/view.hpp"

#include <fmt/format.h>

namespace bestow::projections {

auto poison(const fact_head& head, std::string_view what, std::string why)
    -> tl::unexpected<fault> {
  return fail(
      fault_code::view_poisoned, "view apply",
      fmt::format("{} at position {} of {}: {}", what, head.at.value, to_string(head.stream), why));
}

}  // namespace bestow::projections
