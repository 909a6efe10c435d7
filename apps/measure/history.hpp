// A log that holds the whole life of one point promotion, written at once: what the domain decides,
// appended in the shapes and group sizes of a real run. Input of measurements of replay and density.
//
// Threads: the main thread only.
#pragma once

#include <cstdint>

#include "apps/measure/trouble.hpp"
#include "store/event_log.hpp"
#include "store/target_list.hpp"

namespace bestow::measure {

struct history_options {
  std::uint64_t targets{0};
  std::uint64_t seed{1};
  std::uint32_t partitions{16};
  std::uint32_t chunk{1'000};
};

struct history_totals {
  promotion_id promotion{};
  std::uint64_t amount{0};  ///< Sum of all targets; every one is answered SUCCESS.
};

/// Imports, seals, approves, starts, releases, publishes and answers every target, to
/// promotion_completed. Builds the sealed list on the way. Void when a rule refuses or the end does
/// not add up.
[[nodiscard]] auto write_history(store::event_log& log, store::target_lists& lists,
                                 const history_options& options)
    -> outcome<history_totals>;

}  // namespace bestow::measure
