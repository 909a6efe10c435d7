// The plan of one JetStream stream: which release owns which sequences. A fold over the log; knows
// no broker and no actor. Sequence = base + number of messages released before, in log order.
// Not synchronised: it belongs to one publisher.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "events/partition.hpp"
#include "events/types.hpp"
#include "store/event_log.hpp"

namespace bestow::actors {

/// One targets_released fact and its place on the stream.
struct planned_release {
  position at{};
  targets_released facts;
  std::uint64_t first_seq{0};
  bool sent{false};      ///< In this connection's pipeline.
  bool acked{false};     ///< On the stream.
  bool recorded{false};  ///< Its grants_published is in the log.
  [[nodiscard]] auto last_seq() const -> std::uint64_t {
    return first_seq + facts.message_count - 1;
  }
};

/// Where a plan can be picked up again: everything at or before `after` is settled.
struct plan_mark {
  position after{};
  std::uint64_t next_seq{0};  ///< Sequence of the first message released behind `after`.
  position settled_at{};      ///< Newest settled release at or before `after`; 0 = none.
};

class delivery_plan {
 public:
  delivery_plan() = default;
  /// `next_seq` 0 in the mark means base + 1.
  delivery_plan(promotion_type type, std::uint64_t base_seq, const plan_mark& mark);

  /// Reads the log's tail. Calls `released` for each new release of this stream.
  /// @fault log_corrupt  a fact cannot be read
  [[nodiscard]] auto catch_up(const store::event_log& log,
                              const std::function<void(const planned_release&)>& released)
      -> result<void>;
  /// Reads the whole log again, keeping the release that holds `from_seq` and all later ones.
  [[nodiscard]] auto rescan(const store::event_log& log, std::uint64_t from_seq) -> result<void>;

  /// Releases not settled (acked and recorded), oldest first.
  [[nodiscard]] auto open() -> std::deque<planned_release>& { return open_; }
  /// The settled release just before open().front(), for comparing the stream's tail.
  [[nodiscard]] auto settled() const -> const std::optional<planned_release>& { return settled_; }
  [[nodiscard]] auto last_planned() const -> std::uint64_t { return next_seq_ - 1; }
  [[nodiscard]] auto base() const -> std::uint64_t { return base_; }
  [[nodiscard]] auto find(position released_at) -> planned_release*;
  /// Everything up to `seq` is on the stream, nothing behind it.
  void stored_up_to(std::uint64_t seq);
  /// Everything up to `seq` is on the stream.
  void acked_up_to(std::uint64_t seq);
  [[nodiscard]] auto mark() const -> plan_mark;

 private:
  void drop_settled();
  [[nodiscard]] auto load_settled(const store::event_log& log) -> result<void>;

  promotion_type type_{promotion_type::point};
  std::uint64_t base_{1};
  std::uint64_t next_seq_{2};
  position cursor_{};
  position settled_at_{};
  bool settled_loaded_{true};
  std::uint64_t keep_from_{0};  ///< During rescan: keep the release that holds this sequence.
  std::deque<planned_release> open_;
  std::optional<planned_release> settled_;
};

[[nodiscard]] auto encode_mark(const plan_mark& mark) -> std::vector<std::byte>;
[[nodiscard]] auto decode_mark(std::span<const std::byte> bytes) -> std::optional<plan_mark>;

}  // namespace bestow::actors
