// A log's frames as they lie on the disk: what exports and proofs are made of, so that others can
// compute the chain again. Implemented by every log beside event_log.
//
// Promise: a frame is handed out as a copy, so a slow taker pins no pages. Any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "events/result.hpp"
#include "events/types.hpp"
#include "store/event_log.hpp"
#include "store/frame.hpp"

namespace bestow::store {

struct frame_copy {
  position first{};  ///< The key it is stored under.
  std::vector<std::byte> bytes;
};

class frame_source {
 public:
  frame_source() = default;
  frame_source(const frame_source&) = delete;
  auto operator=(const frame_source&) -> frame_source& = delete;
  virtual ~frame_source() = default;
  /// The whole frame that holds the event at `at`, not decoded; nullopt: the log ends before it.
  /// Cost: one short read transaction and a copy of at most limits::frame_bytes_max.
  /// @fault log_corrupt    no frame where one must be. The frame's own bytes are not judged.
  /// @fault log_io_failed
  [[nodiscard]] virtual auto frame_holding(position at) const
      -> result<std::optional<frame_copy>> = 0;
  /// What new frames are marked with.
  [[nodiscard]] virtual auto identity() const -> log_identity = 0;
};

/// As frame_source::frame_holding. @fault internal  this log hands out no frames.
[[nodiscard]] auto frame_holding(const event_log& log, position at)
    -> result<std::optional<frame_copy>>;
/// As frame_source::identity. @fault internal  this log hands out no frames.
[[nodiscard]] auto identity_of(const event_log& log) -> result<log_identity>;

}  // namespace bestow::store
