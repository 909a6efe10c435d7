// Who may release next: fair over promotions, then over their partitions, inside one window.
// Fair by messages, not by turns: the promotion that was granted the fewest goes first, and one that
// begins to wait starts level with those that wait already (start-time fair queueing; Goyal, Vin and
// Cheng 1996). So a promotion of many small chunks keeps up with one of few large ones.
// Pure; belongs to one publisher.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "actors/interfaces.hpp"

namespace bestow::actors {

class credit_queue {
 public:
  /// A partition waits for credit. A second want of the same partition replaces the first.
  void want(want_release w);
  /// The next partition in turn whose chunk fits into `room` messages (`room` may be exceeded only
  /// by the first grant when nothing at all is in flight). nullopt: nobody waits, or no room.
  [[nodiscard]] auto grant(std::uint64_t room, bool idle) -> std::optional<want_release>;
  /// The partition's oldest credit was used (its release is in the log) or declined.
  void settle(promotion_id promotion, partition_no partition);
  /// The partition started anew: it holds no credit and no place in the queue.
  void forget(promotion_id promotion, partition_no partition);
  /// Messages of credits that are out and not settled.
  [[nodiscard]] auto granted_messages() const -> std::uint64_t { return granted_messages_; }
  [[nodiscard]] auto waiting() const -> bool { return !turns_.empty(); }
  /// Messages the next grant may release; 0 when nobody waits.
  [[nodiscard]] auto next_chunk() const -> std::uint64_t;

 private:
  using key = std::pair<std::uint64_t, std::uint16_t>;
  /// A promotion that waits: messages granted to it, its place among equals, its id.
  using turn = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>;
  struct line {
    std::deque<want_release> wants;
    turn at;
  };
  void take_turn(std::uint64_t promotion, line& waits, std::uint64_t served);

  std::set<turn> turns_;  ///< Next one first.
  std::map<std::uint64_t, line> waiting_;
  /// Of promotions that do not wait now; only those ahead of `served_`, the others start level.
  std::map<std::uint64_t, std::uint64_t> ahead_;
  std::uint64_t served_{0};  ///< Messages granted to the promotion whose turn was last, before it.
  std::uint64_t places_{0};
  std::map<key, std::deque<std::uint32_t>> granted_;  ///< Chunk sizes, oldest first.
  std::uint64_t granted_messages_{0};
};

/// Released but unacknowledged messages allowed: 0.25 s at the measured rate, within the limits.
class release_window {
 public:
  explicit release_window(std::uint64_t rate_per_second) : rate_{rate_per_second} {}
  /// `acked` messages became durable over `elapsed` during which the stream was busy.
  void measured(std::uint64_t acked, std::chrono::nanoseconds elapsed);
  [[nodiscard]] auto size() const -> std::uint64_t;
  /// Token bucket of a configured rate; always true without one.
  [[nodiscard]] auto admit(std::uint64_t messages, std::chrono::nanoseconds now) -> bool;
  [[nodiscard]] auto limited() const -> bool { return rate_ != 0; }

 private:
  std::uint64_t rate_{0};
  double per_second_{0};  // Statistics only: never stored, sent or decided in the domain.
  double tokens_{0};
  std::chrono::nanoseconds filled_at_{0};
};

}  // namespace bestow::actors
