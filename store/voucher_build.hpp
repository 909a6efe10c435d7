// Voucher files out of the log: which batches count, where they stand, what a file misses.
//
// Threads: one build of a promotion at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "events/promotion.hpp"
#include "store/event_log.hpp"
#include "store/voucher_file.hpp"

namespace bestow::store {

struct voucher_build {
  promotion_id promotion{};
  std::string path;                             ///< "" = anonymous memory.
  std::uint64_t seed{0};
  std::shared_ptr<const voucher_file> older;    ///< What it covers is not read again.
  std::function<bool()> go_on;                  ///< Asked every few milliseconds.
};
/// The file with every batch that is closed by now; `older` itself when it has them all; null when
/// no batch is closed or the promotion was cancelled. Blocks: about a second per 2 M numbers. Memory: that of one fact.
/// @fault shutting_down   go_on said no
/// @fault file_io_failed  no room; the older file stands
/// @fault log_corrupt     a fact cannot be read
[[nodiscard]] auto build_voucher_file(const event_log& log, const voucher_build& wanted)
    -> result<std::shared_ptr<const voucher_file>>;

/// The file at `path` when it is whole, of this seed, and of this log's history; else null.
[[nodiscard]] auto open_voucher_file(const event_log& log, const voucher_build& wanted)
    -> std::shared_ptr<const voucher_file>;

/// Visits, in log order, the facts that hold claimed numbers outside `file` (may be null): those of
/// open batches, and of batches closed behind what it covers. @fault log_corrupt
[[nodiscard]] auto visit_uncovered(const event_log& log, promotion_id promotion,
                                   const voucher_file* file,
                                   const std::function<result<void>(const targets_imported&,
                                                                    position)>& visit)
    -> result<void>;

/// The installation's secret seed from the file at `path`; made from `fresh` when there is none. A
/// lost seed costs a rebuild of the files, nothing else. @fault file_io_failed
[[nodiscard]] auto voucher_seed(const std::string& path, std::uint64_t fresh)
    -> result<std::uint64_t>;

}  // namespace bestow::store
