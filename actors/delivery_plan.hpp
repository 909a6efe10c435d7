// The plan of one JetStream stream: which release owns which sequences. A fold over the log; knows
// no broker and no actor. Sequence = base + number of messages released before, in log order, from
// the generation's first release on. A new generation begins the count anew.
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

/// The stream's current generation, as the log says it.
struct plan_generation {
  std::uint32_t number{0};  ///< 0: the stream was never claimed.
  std::uint64_t base_seq{1};
  position from_release{};
  bool whole{true};  ///< Everything planned when it was opened is stored; true for generation 1.
  bool operator==(const plan_generation&) const = default;
};

/// Where a plan can be picked up again: everything at or before `after` is settled.
struct plan_mark {
  plan_generation generation;
  position after{};
  std::uint64_t next_seq{0};  ///< Sequence of the first message released behind `after`.
  position settled_at{};      ///< Newest settled release at or before `after`; 0 = none.
};

class delivery_plan {
 public:
  delivery_plan() = default;
  /// An empty mark: from the log's beginning.
  delivery_plan(promotion_type type, const plan_mark& mark);

  /// Reads the log's tail. Calls `released` for each new release of this stream. A new generation
  /// reads its releases again from the first one on; for these `released` is not called.
  /// @fault log_corrupt  a fact cannot be read
  [[nodiscard]] auto catch_up(const store::event_log& log,
                              const std::function<void(const planned_release&)>& released)
      -> result<void>;
  /// Reads the generation's releases again, keeping the release that holds `from_seq` and all later ones.
  [[nodiscard]] auto rescan(const store::event_log& log, std::uint64_t from_seq) -> result<void>;

  /// Releases not settled (acked and recorded), oldest first.
  [[nodiscard]] auto open() -> std::deque<planned_release>& { return open_; }
  [[nodiscard]] auto open() const -> const std::deque<planned_release>& { return open_; }
  /// The settled release just before open().front(), for comparing the stream's tail.
  [[nodiscard]] auto settled() const -> const std::optional<planned_release>& { return settled_; }
  [[nodiscard]] auto last_planned() const -> std::uint64_t { return next_seq_ - 1; }
  [[nodiscard]] auto base() const -> std::uint64_t { return generation_.base_seq; }
  [[nodiscard]] auto generation() const -> const plan_generation& { return generation_; }
  [[nodiscard]] auto find(position released_at) -> planned_release*;
  /// Everything up to `seq` is on the stream, nothing behind it.
  void stored_up_to(std::uint64_t seq);
  /// Everything up to `seq` is on the stream.
  void acked_up_to(std::uint64_t seq);
  [[nodiscard]] auto mark() const -> plan_mark;

 private:
  using on_release = std::function<void(const planned_release&)>;
  void drop_settled();
  [[nodiscard]] auto load_settled(const store::event_log& log) -> result<void>;
  [[nodiscard]] auto take(const store::stored_event& stored, const on_release& released)
      -> result<void>;
  [[nodiscard]] auto take_delivery(const store::stored_event& stored) -> result<void>;
  [[nodiscard]] auto take_release(const store::stored_event& stored, const on_release& released)
      -> result<void>;
  void begin_again();

  promotion_type type_{promotion_type::point};
  plan_generation generation_;
  std::uint64_t next_seq_{2};
  position cursor_{};
  position seen_{};          ///< Highest position ever read: what is behind it is new.
  bool begun_again_{false};  ///< The read that is under way must start over at the cursor.
  position settled_at_{};
  bool settled_loaded_{true};
  std::uint64_t keep_from_{0};  ///< During rescan: keep the release that holds this sequence.
  std::deque<planned_release> open_;
  std::optional<planned_release> settled_;
};

[[nodiscard]] auto encode_mark(const plan_mark& mark) -> std::vector<std::byte>;
[[nodiscard]] auto decode_mark(std::span<const std::byte> bytes) -> std::optional<plan_mark>;

}  // namespace bestow::actors
