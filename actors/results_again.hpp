// Reading the broker's results once more, for a log that has lost some of them.
// Threads: any; not while the intake reads, which does this by itself when it is asked to.
#pragma once

#include <string>

#include "actors/engine.hpp"
#include "bus/bus.hpp"
#include "events/result.hpp"

namespace bestow::actors {

/// The durable consumer that results are read by.
inline const std::string results_consumer{"bestow-results"};

/// The next intake begins at the result stream's first message. What the log knows already is then
/// counted as a repeat. Blocks for one round trip.
/// @fault broker_unavailable, broker_access_refused
[[nodiscard]] auto read_results_from_start(bus::message_bus& messages,
                                           const grant_settings& grants) -> result<void>;

}  // namespace bestow::actors
