// A stored fact as one JSON object, as the log's readers outside see it: SSE, HTTP, the event stream.
// Pure; thread-safe.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "events/codec.hpp"
#include "events/types.hpp"

namespace bestow {

/// What stands around a fact's payload in the log.
struct fact_place {
  position at{};
  stream_id stream;
  stream_version version{};
  timestamp recorded_at{};
  std::string_view principal;  ///< "" = no one asked for it.
};

/// {"position":..,"stream":..,"version":..,"event":..,"recorded_at":..,"principal":..,"data":{..}};
/// columns of bulk facts as summaries. A payload that cannot be decoded has "error", the fault's name,
/// in place of "data". A function of the log alone: the same fact always gives the same bytes.
[[nodiscard]] auto fact_to_json(const fact_place& place, event_type type,
                                std::span<const std::byte> payload) -> std::string;

}  // namespace bestow
