// Facts as bytes. codec.cpp is the only file that knows msgpack.
//
// A payload is a msgpack array of the struct's fields in declaration order. A reader accepts fewer
// fields (older writer: the rest keep their defaults) and refuses more (newer writer). Columns are
// msgpack bin holding the column's own encoding. Thread-safe: no shared state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "events/delivery.hpp"
#include "events/partition.hpp"
#include "events/promotion.hpp"
#include "events/result.hpp"

namespace bestow {

/// Stored number of each event type. Never reused, never renumbered.
enum class event_type : std::uint16_t {
  promotion_created = 1,
  batch_opened = 2,
  targets_imported = 3,
  batch_closed = 4,
  batch_abandoned = 5,
  list_sealed = 6,
  promotion_approved = 7,
  run_started = 8,
  run_stopping = 9,
  run_stopped = 10,
  promotion_completed = 11,
  promotion_scheduled = 12,
  promotion_cancelled = 13,
  promotion_closed = 14,
  promotion_failed = 15,
  approval_refused = 16,
  recall_started = 17,
  recall_finished = 18,
  targets_released = 32,
  targets_publish_failed = 33,
  grants_published = 34,
  results_recorded = 35,
  double_grant_detected = 36,
  partition_done = 37,
  targets_abandoned = 38,
  results_overdue = 39,
  retry_planned = 40,
  recall_planned = 41,
  recalls_recorded = 42,
  stream_generation_started = 64,
  stream_tail_republished = 65,
  stream_halted = 66,
  stream_generation_completed = 67,
  stream_paused = 68,
  stream_resumed = 69,
  stream_adopted = 70,
};

/// Who asked, and under which key: stands in the fact that answers a command.
struct event_metadata {
  std::string principal;          ///< "" for facts no one asked for.
  std::string idempotency_key;    ///< "" when the caller gave none.
  std::uint64_t request_hash{0};  ///< XXH3-64 of the request body that came with the key.
  bool operator==(const event_metadata&) const = default;
};

/// An event ready to be appended.
struct encoded_event {
  event_type type{};
  event_metadata metadata;
  std::vector<std::byte> payload;
};

using any_event =
    std::variant<promotion_created, batch_opened, targets_imported, batch_closed, batch_abandoned,
                 list_sealed, promotion_approved, run_started, run_stopping, run_stopped,
                 promotion_completed, promotion_scheduled, promotion_cancelled, promotion_closed,
                 promotion_failed, approval_refused, recall_started, recall_finished,
                 targets_released, targets_publish_failed, grants_published, results_recorded,
                 double_grant_detected, partition_done, targets_abandoned, results_overdue,
                 retry_planned, recall_planned, recalls_recorded,
                 stream_generation_started, stream_tail_republished, stream_halted,
                 stream_generation_completed, stream_paused, stream_resumed, stream_adopted>;

/// The stored number of a struct: `type_of<promotion_created>() == event_type::promotion_created`.
template <class Event>
[[nodiscard]] auto type_of() -> event_type;

/// Names as stored and shown; "" for a number this binary does not know.
[[nodiscard]] auto name_of(event_type t) -> std::string_view;
/// Every event type this binary knows, ascending.
[[nodiscard]] auto all_event_types() -> std::span<const event_type>;
/// Which aggregate's stream an event type belongs to.
[[nodiscard]] auto aggregate_of(event_type t) -> aggregate;

/// Encodes any event struct. Cannot fail; asserts that the event keeps the rules of
/// events/codec_rules.hpp (columns of one table are empty or of one length, indexes in range).
/// Instantiated for every event in codec.cpp.
template <class Event>
[[nodiscard]] auto encode_event(const Event& event, event_metadata metadata = {}) -> encoded_event;
/// Encodes each alternative of a variant of events.
template <class... Events>
[[nodiscard]] auto encode_event(const std::variant<Events...>& event, event_metadata metadata = {})
    -> encoded_event {
  return std::visit([&](const auto& e) { return encode_event(e, std::move(metadata)); }, event);
}

/// Decodes one known struct.
/// @fault log_corrupt  not the bytes of this event: truncated, wrong types, too many fields,
///                     limits::unpack_* exceeded, columns that break events/codec_rules.hpp.
/// @fault internal     the machine is out of memory.
template <class Event>
[[nodiscard]] auto decode_event(std::span<const std::byte> payload) -> result<Event>;
/// As decode_event, without the values of text columns (string_column::skim): for folds that count
/// rows and never read the payer's strings, which are most of the bytes. Same faults, but that a
/// damaged packed text goes unnoticed.
template <class Event>
[[nodiscard]] auto decode_without_texts(std::span<const std::byte> payload) -> result<Event>;
/// @fault log_version_unknown  the type's number is newer than this binary.
/// @fault log_corrupt          as above.
[[nodiscard]] auto decode_any(event_type type, std::span<const std::byte> payload)
    -> result<any_event>;
/// Narrows decode_any to one aggregate's variant.
[[nodiscard]] auto decode_promotion(event_type type, std::span<const std::byte> payload)
    -> result<promotion_event>;
[[nodiscard]] auto decode_partition(event_type type, std::span<const std::byte> payload)
    -> result<partition_event>;
[[nodiscard]] auto decode_delivery(event_type type, std::span<const std::byte> payload)
    -> result<delivery_event>;

/// Metadata as bytes: a msgpack array; empty metadata is zero bytes.
[[nodiscard]] auto encode_metadata(const event_metadata& m) -> std::vector<std::byte>;
[[nodiscard]] auto decode_metadata(std::span<const std::byte> bytes) -> result<event_metadata>;

/// One event as a JSON object for `log cat`, SSE and debugging: fields by name; columns as
/// {"count":n,"first":..,"last":..} summaries when `summarise` (money also with its "sum"), else as
/// arrays, ordinals as [first,count] ranges. Ids and money are strings, times RFC 3339 in UTC, a
/// time of 0 ("not given") null, digests hex, enums their names. Bytes that are no UTF-8 are shown
/// as U+FFFD. Memory grows with the columns' values.
[[nodiscard]] auto event_to_json(const any_event& event, bool summarise) -> std::string;

}  // namespace bestow
