// Whether the event stream is this log's, and what is wrong with it: what `nats rebuild` of it rests
// on. Changes nothing and needs no actor.
#pragma once

#include <optional>
#include <string>

#include "actors/engine.hpp"
#include "domain/rejection.hpp"

namespace bestow::actors {

struct event_audit {
  std::string wrong;  ///< What a rebuild would mend.
  /// It must not be made anew: stream_is_sound, stream_belongs_to_another.
  std::optional<domain::refusal> refusal;
};

/// Compares settings and both ends of the stream with the log: two messages are read. A stream whose
/// first message is another log's fact belongs to that one.
/// @fault broker_unavailable, broker_access_refused, log_corrupt
[[nodiscard]] auto audit_events(const engine_parts& parts, const grant_settings& grants)
    -> result<event_audit>;

}  // namespace bestow::actors
