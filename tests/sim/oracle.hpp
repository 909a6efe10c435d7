// The invariants, checked against the log, the broker and the payer from outside. Each function
// answers "" or the sentence that says what is broken.
#pragma once

#include <string>

#include "tests/actors/engine_on_fakes.hpp"
#include "tests/sim/payer_model.hpp"

namespace bestow::tests {

/// G1: every stored sequence holds exactly the bytes the log plans there; with `complete`, nothing
/// planned is missing and every target of the list appears once per attempt, in list order.
[[nodiscard]] auto check_stream(world& w, promotion_id id, bool complete) -> std::string;
/// G6: no release between a run's end and the next one's begin; one run at a time; stopped means
/// that all that was released is stored; completed means that every target was answered.
[[nodiscard]] auto check_runs(world& w, promotion_id id, std::uint64_t targets) -> std::string;
/// Each result is recorded once, and each alarm is raised once.
[[nodiscard]] auto check_results(world& w, promotion_id id) -> std::string;
/// G2, G3, G8: counts and amounts of the end against the payer's own memory.
[[nodiscard]] auto check_counts(process& p, promotion_id id, std::uint64_t targets,
                                const payer_model& payer) -> std::string;
/// G5: views built anew from the log equal the ones that followed it.
[[nodiscard]] auto check_views(process& p) -> std::string;
/// G7: the list built anew from the log has the sealed hash.
[[nodiscard]] auto check_list(world& w, promotion_id id) -> std::string;

}  // namespace bestow::tests
