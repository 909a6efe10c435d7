// One fact by its position, for who keeps positions. Any thread; one frame is read.
#pragma once

#include <functional>

#include "store/event_log.hpp"

namespace bestow::store {

/// Shows `visit` the fact at `at`; its bytes live for that call.
/// @returns false: there is no such position, `visit` was not called.
/// @fault log_corrupt  the frame that holds it is damaged.
[[nodiscard]] auto read_fact(const event_log& log, position at,
                             const std::function<void(const stored_event&)>& visit) -> result<bool>;

}  // namespace bestow::store
