// Folds views anew, aside, up to an earlier position.
// Private to projections/. Threads: each call on its own; blocks for the fold.
#pragma once

#include <memory>

#include "projections/past_views.hpp"
#include "projections/patience.hpp"

namespace bestow::projections {

/// The rows of `question` in `scratch`, folded from the log's first fact on. `time` is asked before
/// each call of the log and at each fact. What lies between two looks is not cut short: one call of
/// the log (limits::log_read_txn_bytes), one fact, one commit of a batch, and for a list_sealed
/// whose run of customers is missing the building of that run (target_lists::customers; it ends
/// with cancel_builds).
[[nodiscard]] auto fold_past(const store::event_log& log, store::target_lists& lists,
                             const past_question& question,
                             std::unique_ptr<store::view_store_factory> scratch,
                             const patience& time) -> past_answer;

}  // namespace bestow::projections
