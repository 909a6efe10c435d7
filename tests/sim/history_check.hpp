// Reads a promotion's facts in log order and says where one may not follow the others. A second,
// plain fold that shares no code with the domain's.
#pragma once

#include <string>

#include "tests/actors/engine_on_fakes.hpp"

namespace bestow::tests {

/// G6: one run at a time, each with the next number; nothing is released outside a run (recalls
/// apart), nor once the promotion is closed; stopped means that all that was released is stored.
/// G1, G8: first attempts in list order; a later attempt only of a target whose latest one failed or
/// is overdue; a recall only of a granted target, and never twice at a time. Completed means that
/// every target has its end. Each result is recorded once, each alarm raised once.
/// @returns "" or what is broken
[[nodiscard]] auto check_history(world& w, promotion_id id, std::uint64_t targets) -> std::string;

}  // namespace bestow::tests
