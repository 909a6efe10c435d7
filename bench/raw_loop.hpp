// The raw limits that a whole promotion's loop adds up from, each measured alone and one after the
// other on a broker of its own: parsing the list, the log's payloads into a bare LMDB file, grants
// sent and taken in, results sent and taken in.
//
// What it leaves out, so that it errs against Bestow: sealing, uniqueness, views, the wallet's
// ledger.
// Threads: the main thread; blocks for all of it.
#pragma once

#include <cstdint>
#include <string>

#include "apps/measure/inputs.hpp"

namespace bestow::bench {

struct raw_loop {
  double parse{0};
  double log{0};  ///< Every payload of the run's log, in as many commits.
  double grants_sent{0};
  double grants_taken{0};
  double results_sent{0};
  double results_taken{0};
  [[nodiscard]] auto seconds() const -> double {
    return parse + log + grants_sent + grants_taken + results_sent + results_taken;
  }
};

/// @param data     data directory of the finished run; nobody may use it any more
/// @param commits  that the run's log made
/// @param place    an existing directory for the raw log and the broker
[[nodiscard]] auto measure_raw_loop(const std::string& data, const std::string& place,
                                    const measure::target_input& in, std::uint64_t commits) -> raw_loop;

}  // namespace bestow::bench
