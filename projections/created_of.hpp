// The first fact of a promotion. Thread-safe: reads one fact of the log.
#pragma once

#include <optional>

#include "events/promotion.hpp"
#include "events/result.hpp"
#include "events/types.hpp"
#include "store/event_log.hpp"

namespace bestow::projections {

struct created_fact {
  position at{};
  promotion_created created;
};
/// nullopt: there is no such promotion. @fault as event_log::read_stream, and of a damaged fact.
[[nodiscard]] auto created_of(const store::event_log& log, promotion_id promotion)
    -> result<std::optional<created_fact>>;

}  // namespace bestow::projections
