// Visits the events of decoded frames within a reader's budget. Shared by the memory log and the
// LMDB log, so that both stop at the same event. One per read; one thread.
#pragma once

#include <cstdint>
#include <span>

#include "events/result.hpp"
#include "events/types.hpp"
#include "store/event_log.hpp"
#include "store/frame.hpp"

namespace bestow::store {

class frame_reader {
 public:
  frame_reader(const read_options& options, const event_visitor& visit)
      : filter_{options.types},
        events_left_{options.events_max},
        bytes_left_{options.bytes_max},
        visit_{visit},
        stopped_{options.events_max == 0} {}

  /// Visits the frame's wanted events at positions > after.
  /// @returns the last position seen: visited or skipped.
  /// @fault log_corrupt
  [[nodiscard]] auto visit_positions(std::span<const std::byte> frame, position key,
                                     position after) -> result<position>;
  /// The same for one stream's events with versions > after; `after` when it has none.
  [[nodiscard]] auto visit_stream(std::span<const std::byte> frame, position key,
                                  const stream_id& stream, stream_version after)
      -> result<stream_version>;
  /// The visitor or the budget ended the read.
  [[nodiscard]] auto stopped() const -> bool { return stopped_; }

 private:
  void visit(const frame_header& header, position at, const frame_record& record);
  void spend(std::size_t bytes);

  type_filter filter_;
  std::uint64_t events_left_;
  std::uint64_t bytes_left_;
  const event_visitor& visit_;
  bool stopped_;
};

}  // namespace bestow::store
