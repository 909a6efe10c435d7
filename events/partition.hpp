// Facts of one partition of a promotion: stream partition-<id>-<k>.
//
// The partition is the only writer of facts about its targets. Every fact here is bulk or rare;
// ordinals index the partition's sealed list.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>

#include "events/columns.hpp"
#include "events/types.hpp"

namespace bestow {

/// Bulk: these targets' messages may and will be published, in this order, with these bytes.
/// The message bytes are a pure function of the log: this fact, run_started and the sealed list.
struct targets_released {
  static constexpr std::string_view name = "targets_released";
  release_kind kind{release_kind::grant};
  promotion_id promotion{};
  promotion_type type{promotion_type::point};  ///< Chooses the NATS stream.
  run_no run{};
  attempt_no attempt{1};
  partition_no partition{};
  ordinal_ranges ordinals;
  std::uint32_t message_count{0};
  grant_wire wire{grant_wire::single};
  std::uint16_t encoder_version{1};
  bool extra_fields{true};
  bool partition_token{true};
  std::string topic;
  timestamp sent_at{};  ///< Becomes the messages' sentAt.
  run_no retry_run{};   ///< Of a retry: the run it began with.
  recall_no recall{};   ///< Of a recall: which one.
  std::string recall_reason;
  grant_format format{grant_format::json};
  /// Grants of each message, in the order of the ordinals; empty: one grant in each.
  u64_column message_grants;

  static constexpr auto fields = std::tuple{
      &targets_released::kind,         &targets_released::promotion,
      &targets_released::type,         &targets_released::run,
      &targets_released::attempt,      &targets_released::partition,
      &targets_released::ordinals,     &targets_released::message_count,
      &targets_released::wire,         &targets_released::encoder_version,
      &targets_released::extra_fields, &targets_released::partition_token,
      &targets_released::topic,        &targets_released::sent_at,
      &targets_released::retry_run,    &targets_released::recall,
      &targets_released::recall_reason, &targets_released::format,
      &targets_released::message_grants};
  bool operator==(const targets_released&) const = default;
};

/// Grants of the release in the messages before this one. Precondition: message <= message_count.
[[nodiscard]] auto grants_before(const targets_released& e, std::uint32_t message) -> std::uint64_t;
/// Grants that stand in this message.
[[nodiscard]] auto grants_of(const targets_released& e, std::uint32_t message) -> std::uint32_t;
/// The message, from 0, that holds the release's grant of this index. Precondition: grant <
/// ordinals.size().
[[nodiscard]] auto message_of(const targets_released& e, std::uint64_t grant) -> std::uint32_t;

/// Bulk: no message can be built for these targets within the broker's max_payload.
struct targets_publish_failed {
  static constexpr std::string_view name = "targets_publish_failed";
  run_no run{};
  attempt_no attempt{1};
  ordinal_ranges ordinals;
  std::string reason;

  static constexpr auto fields =
      std::tuple{&targets_publish_failed::run, &targets_publish_failed::attempt,
                 &targets_publish_failed::ordinals, &targets_publish_failed::reason};
  bool operator==(const targets_publish_failed&) const = default;
};

/// JetStream has stored the whole chunk. One small fact per chunk.
struct grants_published {
  static constexpr std::string_view name = "grants_published";
  position released_at{};  ///< Position of the targets_released it completes.
  std::uint64_t first_stream_seq{0};
  std::uint32_t message_count{0};
  timestamp published_at{};  ///< The answers are due from here on.

  static constexpr auto fields =
      std::tuple{&grants_published::released_at, &grants_published::first_stream_seq,
                 &grants_published::message_count, &grants_published::published_at};
  bool operator==(const grants_published&) const = default;
};

/// Bulk: what the paying service said, in arrival order. Rows that change nothing (a late FAILED
/// after SUCCESS) are kept too: evolve decides by the state, so replay agrees.
struct results_recorded {
  static constexpr std::string_view name = "results_recorded";
  u64_column ordinals;
  u64_column statuses;  ///< process_status of each.
  u64_column attempts;  ///< 0 = the result did not say.
  u64_column at;        ///< Milliseconds: when the service says it happened (envelope's sentAt).
  string_column transaction_keys;
  string_column error_messages;
  std::uint32_t duplicate_count{0};  ///< Exact repeats seen with these, counted and not stored.

  static constexpr auto fields = std::tuple{
      &results_recorded::ordinals, &results_recorded::statuses, &results_recorded::attempts,
      &results_recorded::at, &results_recorded::transaction_keys,
      &results_recorded::error_messages, &results_recorded::duplicate_count};
  bool operator==(const results_recorded&) const = default;
};

/// Alarm: a second SUCCESS arrived under another transaction key. Nothing is overwritten.
struct double_grant_detected {
  static constexpr std::string_view name = "double_grant_detected";
  target_ordinal ordinal{};
  std::string transaction_key;  ///< The second one; the first stands in its results_recorded.
  attempt_no attempt{};
  timestamp at{};

  static constexpr auto fields =
      std::tuple{&double_grant_detected::ordinal, &double_grant_detected::transaction_key,
                 &double_grant_detected::attempt, &double_grant_detected::at};
  bool operator==(const double_grant_detected&) const = default;
};

/// Every target of the partition is terminal. Void after any later release.
struct partition_done {
  static constexpr std::string_view name = "partition_done";
  run_no run{};
  std::uint64_t release_count{0};  ///< targets_released facts so far.
  std::uint64_t success_count{0};
  std::uint64_t fail_count{0};
  money_minor success_amount{};

  static constexpr auto fields =
      std::tuple{&partition_done::run, &partition_done::release_count,
                 &partition_done::success_count, &partition_done::fail_count,
                 &partition_done::success_amount};
  bool operator==(const partition_done&) const = default;
};

/// Bulk: the promotion was closed before these were published. They never will be.
struct targets_abandoned {
  static constexpr std::string_view name = "targets_abandoned";
  ordinal_ranges ordinals;

  static constexpr auto fields = std::tuple{&targets_abandoned::ordinals};
  bool operator==(const targets_abandoned&) const = default;
};

/// Bulk: these attempts have no final answer within the result deadline. The targets are unknown
/// until a later answer says otherwise.
struct results_overdue {
  static constexpr std::string_view name = "results_overdue";
  attempt_no attempt{1};
  ordinal_ranges ordinals;
  timestamp published_until{};  ///< When the latest chunk looked at was published.

  static constexpr auto fields = std::tuple{&results_overdue::attempt, &results_overdue::ordinals,
                                            &results_overdue::published_until};
  bool operator==(const results_overdue&) const = default;
};

/// Every target of the partition that the retry publishes again is released.
struct retry_planned {
  static constexpr std::string_view name = "retry_planned";
  run_no retry_run{};
  std::uint64_t target_count{0};

  static constexpr auto fields =
      std::tuple{&retry_planned::retry_run, &retry_planned::target_count};
  bool operator==(const retry_planned&) const = default;
};

/// Every target of the partition that the recall takes back is released.
struct recall_planned {
  static constexpr std::string_view name = "recall_planned";
  recall_no recall{};
  std::uint64_t target_count{0};
  money_minor amount{};

  static constexpr auto fields = std::tuple{&recall_planned::recall, &recall_planned::target_count,
                                            &recall_planned::amount};
  bool operator==(const recall_planned&) const = default;
};

/// Bulk: what the paying service said of recalls, in arrival order.
struct recalls_recorded {
  static constexpr std::string_view name = "recalls_recorded";
  u64_column ordinals;
  u64_column recall_statuses;  ///< recall_status of each.
  u64_column recalls;   ///< recall_no of each; 0 = the answer did not say.
  u64_column at;        ///< Milliseconds: envelope's sentAt.
  string_column transaction_keys;
  string_column error_messages;
  std::uint32_t duplicate_count{0};  ///< Repeats seen with these, counted and not stored.

  static constexpr auto fields = std::tuple{
      &recalls_recorded::ordinals,         &recalls_recorded::recall_statuses,
      &recalls_recorded::recalls,          &recalls_recorded::at,
      &recalls_recorded::transaction_keys, &recalls_recorded::error_messages,
      &recalls_recorded::duplicate_count};
  bool operator==(const recalls_recorded&) const = default;
};

using partition_event =
    std::variant<targets_released, targets_publish_failed, grants_published, results_recorded,
                 double_grant_detected, partition_done, targets_abandoned, results_overdue,
                 retry_planned, recall_planned, recalls_recorded>;

}  // namespace bestow
