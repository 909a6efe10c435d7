// The facts of one promotion in the log's order: its own stream and its partitions', merged.
//
// Promise: what is read is that promotion's facts and not the log; copies ahead are bounded by
// limits::as_of_ahead_bytes and one frame a stream. Private to projections/. Threads: one.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "events/result.hpp"
#include "events/types.hpp"
#include "projections/patience.hpp"
#include "store/event_log.hpp"

namespace bestow::projections {

class stream_merge {
 public:
  /// Facts of the given types at positions <= `until`. `log` and `time` outlive this.
  [[nodiscard]] static auto open(const store::event_log& log, promotion_id promotion,
                                 std::vector<event_type> types, position until,
                                 const patience& time) -> result<stream_merge>;

  /// The next fact; nullopt: there is no more. Its payload lives until the next call; its metadata
  /// is left out. `time` is asked before each call of the log, which reads a bounded part.
  [[nodiscard]] auto next() -> tl::expected<std::optional<store::stored_event>, refused_read>;

 private:
  struct held_event {
    store::stored_event head;
    std::vector<std::byte> payload;
  };
  struct cursor {
    stream_id stream;
    stream_version after{};
    std::deque<held_event> ahead;
    bool ended{false};
  };
  stream_merge(const store::event_log& log, std::vector<event_type> types, position until,
               const patience& time)
      : log_{&log}, time_{&time}, until_{until} {
    options_.types = std::move(types);
  }
  /// Reads on until the cursor holds a fact or has ended.
  [[nodiscard]] auto fill(cursor& c) -> tl::expected<void, refused_read>;

  const store::event_log* log_;
  const patience* time_;
  position until_;
  store::read_options options_;
  std::vector<cursor> cursors_;
  held_event given_;
};

}  // namespace bestow::projections
