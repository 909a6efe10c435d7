// NATS subjects: tokens separated by dots, `*` for one token, `>` for all that follow.
// Pure; thread-safe.
#pragma once

#include <string_view>

namespace bestow::bus {

/// True when `subject` (without wildcards) is selected by `filter`. An empty filter selects all.
[[nodiscard]] auto subject_matches(std::string_view filter, std::string_view subject) -> bool;

}  // namespace bestow::bus
