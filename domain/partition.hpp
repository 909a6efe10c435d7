// Rules of one partition: which targets are released, published, answered. Pure.
//
// The state of a million targets is a few flat arrays: 1 byte of status, 2 of attempt, 1 of rows
// seen, 8 of the transaction key's hash per target. The bulk path and single targets run the same
// code.
#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "domain/rejection.hpp"
#include "events/partition.hpp"
#include "events/promotion.hpp"
#include "events/result.hpp"

namespace bestow::domain {

/// Where a target stands. Terminal: publish_failed, success, success_after_retry, failed, unknown,
/// abandoned.
enum class target_state : std::uint8_t {
  pending = 0,    ///< Not released.
  released = 1,   ///< Planned on the stream, not yet acknowledged by it.
  published = 2,  ///< Durable on the stream, no answer yet.
  retrying = 3,   ///< The payer says it will try again.
  success = 4,
  success_after_retry = 5,  ///< SUCCESS after an earlier RETRYING or FAILED.
  failed = 6,
  publish_failed = 7,
  unknown = 8,
  abandoned = 9,
};
[[nodiscard]] auto is_terminal(target_state s) -> bool;
/// pending, released, published, retrying, success, failed, publish_failed, unknown, abandoned;
/// success_after_retry shows as "success".
[[nodiscard]] auto name_of(target_state s) -> std::string_view;
/// PENDING | PUBLISHED | FAILED of the original.
[[nodiscard]] auto publish_status_of(target_state s, bool published) -> std::string_view;

/// Counts of targets (not attempts); names of grants.md. pending is the rest.
struct target_counts {
  std::uint64_t total{0};
  std::uint64_t published{0};  ///< At least one durable publish.
  std::uint64_t publish_failed{0};
  std::uint64_t success{0};        ///< Including after retry.
  std::uint64_t retry_success{0};
  std::uint64_t fail{0};           ///< Including publish_failed.
  std::uint64_t retrying{0};
  std::uint64_t unknown{0};
  std::uint64_t abandoned{0};
  money_minor success_amount{};
  auto operator==(const target_counts&) const -> bool = default;
  [[nodiscard]] auto terminal() const -> std::uint64_t {
    return success + fail + unknown + abandoned;
  }
};

/// A release whose messages JetStream has not acknowledged yet.
struct open_release {
  position at{};
  ordinal_ranges ordinals;
  std::uint32_t message_count{0};
  attempt_no attempt{1};
};

struct partition {
  promotion_id promotion{};
  partition_no number{};
  promotion_type type{promotion_type::point};
  std::vector<std::uint8_t> states;        ///< target_state, bit 7: published at least once.
  std::vector<std::uint16_t> attempts;     ///< Attempts released; 0 = none.
  std::vector<std::uint64_t> key_hashes;   ///< XXH3-64 of the first SUCCESS's transaction key.
  std::vector<std::uint8_t> seen;          ///< Which RETRYING and FAILED rows are stored.
  std::uint32_t next{0};                   ///< First ordinal never released.
  std::deque<open_release> open;           ///< In log order.
  target_counts counts;
  run_no run{};                            ///< Highest run seen in a fact.
  std::uint64_t release_count{0};
  std::uint64_t done_at_release{~0ULL};    ///< release_count of the last partition_done.
  std::uint64_t duplicates{0};             ///< Results counted and ignored.
  std::uint64_t ignored{0};                ///< Results stored that changed nothing.
  std::uint64_t double_grants{0};
  /// (ordinal, hash of the second key) of each alarm raised: a repeat raises none. Rare, so small.
  std::set<std::pair<std::uint32_t, std::uint64_t>> double_keys;
  stream_version version{};
};

/// An empty partition of `count` pending targets.
[[nodiscard]] auto make_partition(promotion_id p, partition_no k, promotion_type type,
                                  std::uint32_t count) -> partition;

/// What a target is worth: the sealed list's amount column, given to fold as data.
class amount_source {
 public:
  amount_source() = default;
  amount_source(const amount_source&) = delete;
  auto operator=(const amount_source&) -> amount_source& = delete;
  virtual ~amount_source() = default;
  [[nodiscard]] virtual auto amount_of(target_ordinal ordinal) const -> money_minor = 0;
};

/// Release the next pending targets.
struct release_next {
  run_started run;               ///< The current run's settings.
  std::uint32_t count_max{0};    ///< At most this many targets are looked at.
  timestamp now{};
  /// Ordinals inside [next, next + count_max) whose message exceeds the broker's max_payload.
  std::vector<std::uint32_t> too_large;
};
/// JetStream stored the whole chunk.
struct record_published {
  position released_at{};
  std::uint64_t first_stream_seq{0};
};
/// One result, already matched to its ordinal. Whether it contradicts the list was checked before.
struct result_row {
  target_ordinal ordinal{};
  process_status status{process_status::success};
  std::uint16_t attempt{0};  ///< 0 = not said: 1 where only one was released, else stored only.
  timestamp at{};
  std::string_view transaction_key;
  std::string_view error_message;
};
struct record_results {
  std::vector<result_row> rows;
};
/// Say so when every target is terminal.
struct conclude_partition {
  run_no run{};
  bool complete_when_published{false};
};

/// No events = nothing to do, or it already stands.
using partition_decision = std::variant<std::vector<partition_event>, refusal>;

[[nodiscard]] auto decide(const release_next& c, const partition& p) -> partition_decision;
[[nodiscard]] auto decide(const record_published& c, const partition& p) -> partition_decision;
/// Exact repeats (same status and, for SUCCESS, the same transaction key) are only counted.
/// Precondition, asserted: was_released() for every row; the caller dead-letters the others. Texts
/// are valid UTF-8; an error message too long is cut and marked, a key is taken as it is.
[[nodiscard]] auto decide(const record_results& c, const partition& p) -> partition_decision;
[[nodiscard]] auto decide(const conclude_partition& c, const partition& p) -> partition_decision;
/// Whether any attempt of the target has been released.
[[nodiscard]] auto was_released(const partition& p, target_ordinal ordinal) -> bool;

/// What one stored result row does to a target. Shared by the partition's fold and the views, so
/// they cannot disagree.
struct result_effect {
  target_state next{target_state::pending};
  bool changes{false};  ///< False: stored and shown, changes nothing.
};
[[nodiscard]] auto effect_of(target_state now, std::uint16_t attempts_released,
                             process_status status, std::uint16_t attempt) -> result_effect;

/// Folds one fact at its log position. `amounts` is asked for targets whose success counts.
void fold(partition& p, const partition_event& e, position at, const amount_source& amounts);

/// State as bytes, for snapshots. Layout is private; fold_version changes with it or with fold().
inline constexpr std::uint32_t partition_fold_version = 1;
[[nodiscard]] auto to_snapshot(const partition& p) -> std::vector<std::byte>;
/// False: not a snapshot of this version; replay from the start.
[[nodiscard]] auto from_snapshot(std::span<const std::byte> bytes, partition& out) -> bool;

}  // namespace bestow::domain
