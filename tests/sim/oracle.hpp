// The invariants, checked against the log, the broker and the payer from outside. Each function
// answers "" or the sentence that says what is broken.
#pragma once

#include <string>

#include "tests/actors/engine_on_fakes.hpp"
#include "tests/sim/payer_model.hpp"

namespace bestow::tests {

/// G1: every stored sequence holds exactly the bytes the log plans there; with `complete`, nothing
/// planned is missing and every target of the list appears, unless the promotion was closed.
[[nodiscard]] auto check_stream(world& w, promotion_id id, bool complete) -> std::string;
/// G2, G3, G8: counts and amounts of the end against the payer's own memory.
[[nodiscard]] auto check_counts(process& p, promotion_id id, std::uint64_t targets,
                                const payer_model& payer) -> std::string;
/// G5: views built anew from the log equal the ones that followed it.
[[nodiscard]] auto check_views(process& p) -> std::string;
/// G7: the list built anew from the log has the sealed hash.
[[nodiscard]] auto check_list(world& w, promotion_id id) -> std::string;

}  // namespace bestow::tests
