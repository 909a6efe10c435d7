// The publishing path without actors: the same decisions, facts, log, encoding, messages and views,
// in plain loops on three threads.
//
// One thread decides and folds with the rules of domain/, appends in groups with one fsync each and
// takes in acknowledgements; one encodes released chunks and sends them; one steps the views, with
// the projectors' pause. It starts nothing again, is stopped by nobody, shares its window with no
// other promotion and reads its own facts from memory, not back from the log: that is what
// Bestow's publisher and hosts do beyond it.
#pragma once

#include <cstdint>
#include <string>

#include "apps/measure/world.hpp"
#include "bench/harness.hpp"

namespace bestow::bench {

struct bare_result {
  elapsed took;
  std::uint64_t commits{0};  ///< Of the log.
};

/// Publishes an approved promotion into a new stream over `topic`.>, at most `window` messages
/// unacknowledged, until every grants_published is durable. Precondition: the engine is stopped.
/// Ends the program when the broker refuses.
[[nodiscard]] auto publish_bare(measure::world& w, promotion_id id, const std::string& stream,
                                const std::string& topic, std::uint64_t window) -> bare_result;

}  // namespace bestow::bench
