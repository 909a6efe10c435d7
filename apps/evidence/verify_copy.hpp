// Private to apps/evidence. Threads and cost: store/verify_child.hpp.
#pragma once

#include <functional>
#include <string>

#include "apps/evidence/backup.hpp"
#include "events/result.hpp"
#include "store/event_log.hpp"

namespace bestow::evidence {

/// Walks the chain of a copied log.
/// @fault log_corrupt    damage: the detail names the position
/// @fault shutting_down  `stopped` said so; it may be empty
[[nodiscard]] auto verify_copy(const std::string& log, const work_progress& tell,
                               const std::function<bool()>& stopped = {})
    -> result<store::verify_report>;

}  // namespace bestow::evidence
