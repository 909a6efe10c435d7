// Whether a log that was full may be written again. Any thread; does not block.
#pragma once

#include "store/event_log.hpp"

namespace bestow::store {

/// True when the disk and the map of the last segment have room for a group: after log_full the
/// next append will probably succeed. A log that cannot tell answers true.
[[nodiscard]] auto has_room(const event_log& log) -> bool;

}  // namespace bestow::store
