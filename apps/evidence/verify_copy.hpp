// Private to apps/evidence. Threads and cost: store/verify_child.hpp.
#pragma once

#include <string>

#include "apps/evidence/backup.hpp"
#include "events/result.hpp"
#include "store/event_log.hpp"

namespace bestow::evidence {

/// Walks the chain of a copied log. @fault log_corrupt  damage: the detail names the position
[[nodiscard]] auto verify_copy(const std::string& log, const work_progress& tell)
    -> result<store::verify_report>;

}  // namespace bestow::evidence
