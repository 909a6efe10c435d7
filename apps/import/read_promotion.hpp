// What an import must know of its promotion before it reads a row.
//
// Threads: any; the log is only read.
#pragma once

#include "actors/engine.hpp"
#include "events/promotion.hpp"
#include "store/event_log.hpp"

namespace bestow::importing {

/// The promotion as it was created.
/// @refuses promotion_not_found. @fault log_corrupt, log_io_failed.
[[nodiscard]] auto read_promotion(const store::event_log& log, promotion_id id)
    -> actors::outcome<promotion_created>;

}  // namespace bestow::importing
