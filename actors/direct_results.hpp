// Results that came another way than the broker (a results file, a dead letter tried again): to
// their partitions and back, by the same rules as the intake's.
//
// Blocks its caller until every partition has answered. Threads: any.
#pragma once

#include <caf/all.hpp>
#include <memory>
#include <vector>

#include "actors/host.hpp"

namespace bestow::actors {

[[nodiscard]] auto record_directly(
    caf::actor_system& system, const engine_context& context,
    const std::shared_ptr<const std::vector<bus::decoded_result>>& results)
    -> outcome<results_receipt>;

}  // namespace bestow::actors
