// A whole stream against the log's plan, message by message: what `nats rebuild` rests on. Changes
// nothing and needs no actor.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "actors/delivery_plan.hpp"
#include "actors/engine.hpp"
#include "domain/rejection.hpp"

namespace bestow::actors {

struct stream_audit {
  plan_generation generation;
  std::uint64_t last_planned{0};
  bool replacing{false};  ///< The stream is of an older generation: a rebuild is under way.
  std::optional<fault> wrong;              ///< Why a new generation is needed; none: sound.
  std::optional<domain::refusal> refusal;  ///< Why it must not be: something would be lost.
};

/// `wanted`: name, subjects and settings the stream should have. Reads every message: blocks for
/// some 10 us each.
/// @fault broker_unavailable, broker_access_refused, log_corrupt
[[nodiscard]] auto audit_stream(const engine_parts& parts, promotion_type type,
                                const bus::stream_config& wanted) -> result<stream_audit>;

/// The settings a grant stream should have; `generation` stands in its description.
[[nodiscard]] auto grant_stream_config(const engine_options& options, promotion_type type,
                                       const std::string& log_id, std::uint32_t generation)
    -> bus::stream_config;
/// Subject of the identity message.
[[nodiscard]] auto identity_subject(const engine_options& options, promotion_type type)
    -> std::string;

}  // namespace bestow::actors
