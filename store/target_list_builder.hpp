// Writes the file of one promotion's list out of the log.
//
// Promise: the file appears under its name complete or not at all; anonymous memory does not grow
// with the targets. Threads: one build of a promotion at a time.
#pragma once

#include <memory>
#include <string>

#include "store/target_list.hpp"
#include "store/target_list_source.hpp"

namespace bestow::store {

struct built_list {
  list_totals_result totals;
  std::shared_ptr<const target_list> list;  ///< Null when the total overflows: nothing was written.
};
/// @param path  of the finished file; "" = anonymous memory. Its folder exists.
/// Blocks: two passes over the promotion's facts when their ids ascend, else four and a sort.
/// @fault file_io_failed  no room; nothing is left behind.
/// @fault log_corrupt     the facts contradict each other.
[[nodiscard]] auto build_list(const event_log& log, const list_scope& scope,
                              const std::string& path) -> result<built_list>;

}  // namespace bestow::store
