// Rules of one partition: which targets are released, published, answered. Pure.
//
// The state of a million targets is a few flat arrays: 1 byte of status, 2 of attempt, 1 of rows
// seen, 8 of the transaction key's hash per target. The bulk path and single targets run the same
// code.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "domain/packing.hpp"
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
  unknown_after_retrying = 10,  ///< Unknown, and the payer had said that it would try again.
};
[[nodiscard]] auto is_terminal(target_state s) -> bool;
/// pending, released, published, retrying, success, failed, publish_failed, unknown, abandoned;
/// success_after_retry shows as "success", unknown_after_retrying as "unknown".
[[nodiscard]] auto name_of(target_state s) -> std::string_view;
/// PENDING | PUBLISHED | FAILED of the original.
[[nodiscard]] auto publish_status_of(target_state s, bool published) -> std::string_view;

/// The second axis of a granted target. Leaves its state and the sums of states alone.
enum class recall_state : std::uint8_t { none = 0, recalling = 1, recalled = 2, recall_failed = 3 };
/// none, recalling, recalled, recall_failed.
[[nodiscard]] auto name_of(recall_state s) -> std::string_view;

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
  std::uint64_t recalling{0};      ///< Part of success, as are the next two.
  std::uint64_t recalled{0};
  std::uint64_t recall_failed{0};
  money_minor success_amount{};
  money_minor recalled_amount{};   ///< Part of success_amount.
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
  release_kind kind{release_kind::grant};
};

/// A published chunk whose answers are awaited.
struct awaited_chunk {
  timestamp published_at{};
  ordinal_ranges ordinals;
  attempt_no attempt{1};
};

struct partition {
  promotion_id promotion{};
  partition_no number{};
  promotion_type type{promotion_type::point};
  /// target_state, bits 4 and 5: recall_state, bit 7: published at least once.
  std::vector<std::uint8_t> states;
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
  std::deque<awaited_chunk> awaited;       ///< Oldest first; empty once every target is terminal.
  std::uint64_t awaited_before{0};  ///< Chunks awaited before the oldest; from 0 after a snapshot.
  run_no retry_run{};                      ///< The latest retry, by the run it began with.
  std::uint32_t retry_next{0};             ///< Its first ordinal not looked at yet.
  std::uint64_t retry_count{0};            ///< Targets it has released.
  run_no retry_done{};                     ///< The latest retry whose targets are all released.
  recall_no recall{};                      ///< The latest recall, with the same four.
  std::uint32_t recall_next{0};
  std::uint64_t recall_count{0};
  money_minor recall_amount{};
  recall_no recall_done{};
  std::vector<std::uint16_t> recalls;      ///< Latest recall of each target; empty before the first.
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
  message_room room{};  ///< On the batch wire.
};
/// Release the next targets of the run's retry.
struct release_retries {
  run_started run;             ///< With run.retry other than none.
  std::uint32_t count_max{0};  ///< At most this many targets are released.
  timestamp now{};
  std::vector<std::uint32_t> named;      ///< Ordinals of run.retry_targets here, ascending.
  std::vector<std::uint32_t> too_large;  ///< Ascending: left as they are.
  message_room room{};                   ///< On the batch wire.
};
/// Release the next targets of a recall.
struct release_recalls {
  recall_started recall;
  run_started run;  ///< The latest run, for its settings.
  std::uint32_t count_max{0};
  timestamp now{};
  std::vector<std::uint32_t> named;  ///< Ordinals of recall.target_ids here, ascending.
  message_room room{};               ///< On the batch wire.
};
/// The promotion is closed: what was never released never will be.
struct abandon_pending {};
/// Messages that stand on the stream and are unknown to the log: a release as the stream shows it.
struct adopt_release {
  targets_released facts;  ///< run 0 = the latest run known here, 1 before any.
};
/// JetStream stored the whole chunk.
struct record_published {
  position released_at{};
  std::uint64_t first_stream_seq{0};
  timestamp now{};
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
/// One answer to a recall, already matched to its ordinal.
struct recall_row {
  target_ordinal ordinal{};
  recall_status status{recall_status::recalled};
  recall_no recall{};  ///< 0 = not said: the target's latest.
  timestamp at{};
  std::string_view transaction_key;
  std::string_view error_message;
};
struct record_recalls {
  std::vector<recall_row> rows;
};
/// Say so when every target is terminal.
struct conclude_partition {
  run_no run{};
  bool complete_when_published{false};
  run_no retry_run{};  ///< Of the run's retry: first all its targets are released. 0 = none.
};

/// No events = nothing to do, or it already stands.
using partition_decision = std::variant<std::vector<partition_event>, refusal>;

[[nodiscard]] auto decide(const release_next& c, const partition& p) -> partition_decision;
/// Facts by attempt; retry_planned once every target was looked at. The whole answer is one append.
[[nodiscard]] auto decide(const release_retries& c, const partition& p) -> partition_decision;
/// One release, and recall_planned once every target was looked at; one append.
[[nodiscard]] auto decide(const release_recalls& c, const partition& p) -> partition_decision;
[[nodiscard]] auto decide(const abandon_pending& c, const partition& p) -> partition_decision;
/// Refused (stream_cannot_be_adopted) unless it is the next one: a first attempt goes on at the first
/// target never released, a later attempt is one more than the target has.
[[nodiscard]] auto decide(const adopt_release& c, const partition& p) -> partition_decision;
[[nodiscard]] auto decide(const record_published& c, const partition& p) -> partition_decision;
/// Exact repeats (same status and, for SUCCESS, the same transaction key) are only counted.
/// Precondition, asserted: was_released() for every row; the caller dead-letters the others. Texts
/// are valid UTF-8; an error message too long is cut and marked, a key is taken as it is.
[[nodiscard]] auto decide(const record_results& c, const partition& p) -> partition_decision;
[[nodiscard]] auto decide(const conclude_partition& c, const partition& p) -> partition_decision;
/// Precondition, asserted: was_recalled() for every row. Repeats are only counted.
[[nodiscard]] auto decide(const record_recalls& c, const partition& p) -> partition_decision;

/// Attempts whose answers are overdue among the awaited chunks from number `from` on that were
/// published at or before `until`. Chunks are numbered from 0 in the order they were published: a
/// clock may be set back, so a time would not say where to go on.
struct overdue_look {
  std::vector<partition_event> events;  ///< results_overdue, one for each attempt number.
  std::uint64_t next{0};  ///< Number of the first chunk not looked at: go on from here.
};
[[nodiscard]] auto look_for_overdue(const partition& p, std::uint64_t from, timestamp until)
    -> overdue_look;
/// When chunk number `from`, or the first one after it that is still awaited, was published;
/// nullopt: none is awaited.
[[nodiscard]] auto next_awaited(const partition& p, std::uint64_t from) -> std::optional<timestamp>;

/// What the promotion asks before it decides a retry or recall. Cost: O(1), or O(named).
struct survey_counts {
  std::uint64_t failed{0};
  std::uint64_t unknown{0};
  std::uint64_t granted{0};  ///< Success, and neither recalled nor being recalled.
  std::uint64_t open{0};     ///< Released and without a final answer.
};
[[nodiscard]] auto survey(const partition& p) -> survey_counts;
[[nodiscard]] auto is_retryable(const partition& p, target_ordinal ordinal, retry_scope scope)
    -> bool;
[[nodiscard]] auto is_recallable(const partition& p, target_ordinal ordinal) -> bool;
[[nodiscard]] auto has_open_attempt(const partition& p, target_ordinal ordinal) -> bool;
/// Whether any recall of the target has been released.
[[nodiscard]] auto was_recalled(const partition& p, target_ordinal ordinal) -> bool;

/// What one answer to a recall does to a target. Shared by the partition's fold and the views.
struct recall_effect {
  recall_state next{recall_state::none};
  bool changes{false};
};
[[nodiscard]] auto effect_of(recall_state now, std::uint16_t latest, recall_status status,
                             std::uint16_t recall) -> recall_effect;

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
inline constexpr std::uint32_t partition_fold_version = 3;
[[nodiscard]] auto to_snapshot(const partition& p) -> std::vector<std::byte>;
/// False: not a snapshot of this version; replay from the start.
[[nodiscard]] auto from_snapshot(std::span<const std::byte> bytes, partition& out) -> bool;

}  // namespace bestow::domain
