// The rows of a promotion's list as the log tells them: closed batches, defaults resolved.
//
// Promise: facts are read in small steps, so memory is that of one fact and no read transaction of
// the log stays open for long. Threads: any; nothing is shared.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "events/promotion.hpp"
#include "events/result.hpp"
#include "store/event_log.hpp"
#include "store/target_list.hpp"

namespace bestow::store {

/// What the promotion's stream says of its list, targets apart.
struct list_scope {
  promotion_created created;
  std::set<std::string, std::less<>> closed;  ///< Batches that count.
  std::optional<list_sealed> sealed;
  const std::atomic<bool>* cancelled{nullptr};  ///< When it becomes true, reading ends.
};
/// @fault log_corrupt  the stream has no promotion_created, or a fact cannot be read.
[[nodiscard]] auto read_scope(const event_log& log, promotion_id promotion) -> result<list_scope>;

/// Visits every targets_imported of the closed batches in the log's order, with its place; the
/// first fault of the visitor ends it.
/// @fault shutting_down  scope.cancelled became true.
using list_fact_visitor = std::function<result<void>(const stored_event&, const targets_imported&)>;
[[nodiscard]] auto visit_list_facts(const event_log& log, const list_scope& scope,
                                    const list_fact_visitor& visit) -> result<void>;

/// Called for each row; its views live only during the call.
using list_row_visitor = std::function<void(const list_row&)>;
/// Something that can show the list's rows, again and again in the same order.
using list_row_source = std::function<result<void>(const list_row_visitor&)>;

/// Visits every row of the closed batches in the log's order.
/// @fault shutting_down  scope.cancelled became true.
/// @fault log_corrupt  columns of one fact differ in length, or a partition does not exist.
[[nodiscard]] auto visit_logged_rows(const event_log& log, const list_scope& scope,
                                     const list_row_visitor& visit) -> result<void>;

}  // namespace bestow::store
