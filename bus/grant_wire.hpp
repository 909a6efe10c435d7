// Grants and results as bytes, exact (spec: the envelope of the original topics). Two wires carry
// grants: single, one grant in a message, as JSON; batch, up to limits::batch_grants_max of one
// partition in a message, as JSON ("payloads":[...]) or as compact msgpack.
//
// Compact msgpack is a map: sentAt, version and topic as in JSON; `fields`, the payload's names in
// order; `payloads`, an array of one array of values for each grant. Ids, attempt and partitionKey
// are integers, times the same 14 digits as an integer, isWithdrawal is a boolean, amount is an
// integer where the currency has no minor unit, else the decimal text.
//
// Pure; thread-safe. Encoders append to a caller's buffer and never allocate per message beyond it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "events/partition.hpp"
#include "events/types.hpp"

namespace bestow::bus {

/// What a grant message says of its target. Text is valid UTF-8.
struct grant_fields {
  target_id id{};
  customer_uid customer{};
  partition_no partition{};
  money_minor amount{};
  unsigned currency_exponent{0};
  timestamp expiry{};
  std::string_view reason;
  std::string_view voucher_number;
  std::string_view merchant_code;
  std::string_view merchant_brand_code;
  bool is_withdrawal{false};
};

/// Encodes the messages of one release. Encoder version 1 of each wire and format. A recall's message
/// is the grant's with `amount` to take back, `recallReason` and `recallId`, on `<stem>.recall.<k>`.
class grant_encoder {
 public:
  /// `release` gives promotion, type, topic, sent_at, attempt, extra_fields, wire and format.
  explicit grant_encoder(const targets_released& release);
  /// Appends one message of the single wire. Non-ASCII text is written as UTF-8, not escaped.
  void append(std::string& out, const grant_fields& fields) const {
    append_message(out, 1, [&](std::uint32_t) -> const grant_fields& { return fields; });
  }
  /// Appends one message that holds `count` grants; `fields_at(i)` yields the i-th one's fields.
  template <class FieldsAt>
  void append_message(std::string& out, std::uint32_t count, FieldsAt&& fields_at) const {
    open(out, count);
    for (std::uint32_t i = 0; i < count; ++i) {
      if (i > 0) out += separator_;
      append_grant(out, fields_at(i));
    }
    out += close_;
  }
  /// The most bytes that a grant with these fields takes inside a batch message, separator included.
  [[nodiscard]] auto grant_bytes_max(const grant_fields& fields) const -> std::size_t;
  /// The most bytes of a batch message around its grants.
  [[nodiscard]] auto envelope_bytes_max() const -> std::size_t;
  /// `<topic>.<k>` or `<topic>` without partition_token.
  [[nodiscard]] auto subject() const -> std::string;
  /// CAMPAIGN_VOUCHER_PUBLISH or CAMPAIGN_POINT_PUBLISH.
  [[nodiscard]] auto event_type() const -> std::string;

 private:
  void set_up_json();
  void set_up_msgpack();
  void open(std::string& out, std::uint32_t count) const;
  void append_grant(std::string& out, const grant_fields& fields) const;
  void append_json(std::string& out, const grant_fields& fields) const;
  void append_msgpack(std::string& out, const grant_fields& fields) const;

  targets_released release_;
  std::string open_;       ///< Of a message, before its first grant; "" on the single wire.
  std::string separator_;  ///< Between two grants.
  std::string close_;      ///< After the last grant; "" on the single wire.
  std::string head_;       ///< Of a grant, before the first field that differs per target.
  std::string
      key_head_;  ///< From partitionKey's value to the idempotency key's target; "" = no extras.
  std::string tail_;      ///< Of a grant, after the last field that differs per target.
  std::string recalled_;  ///< msgpack only: what a recall says beyond the grant.
};

/// A grant as a consumer reads it.
struct decoded_grant {
  promotion_type type{};
  promotion_id promotion{};
  target_id id{};
  customer_uid customer{};
  partition_no partition{};
  money_minor amount_minor{};  ///< The digits of `amount` without the point: minor units.
  std::uint16_t attempt{1};
  recall_no recall{};  ///< Of a recall: its recallId; 0 = a grant.
  std::string idempotency_key;
  std::string amount;  ///< As sent.
};
/// `prepay.campaign.point.publish` -> `prepay.campaign.point`: recalls and the stream's identity share
/// it.
[[nodiscard]] auto stem_of(std::string_view topic) -> std::string;

/// The grants of one message of either wire and format, which its first byte and its fields tell.
/// @returns "" on success, else what is wrong, e.g. "payloads[3].amount is missing"; `out` is then
/// empty
[[nodiscard]] auto decode_grants(std::string_view message, std::vector<decoded_grant>& out)
    -> std::string;
/// One grant of the single wire, or why the message is something else.
[[nodiscard]] auto decode_grant(std::string_view json, decoded_grant& out) -> std::string;

/// A result as the paying service sends it.
struct decoded_result {
  promotion_type type{};
  promotion_id promotion{};
  target_id id{};
  customer_uid customer{};
  partition_no partition{};
  process_status status{};
  /// An answer to a recall: what became of it, instead of a process status.
  std::optional<recall_status> recalled;
  recall_no recall{};  ///< Which one; 0 = not said.
  std::string transaction_key;  ///< At most 100 code points; longer is a dead letter.
  std::string error_message;  ///< Cut to 500 code points and marked with a trailing "…" when cut.
  std::uint16_t attempt{0};   ///< 0 = not given.
  timestamp at{};             ///< sentAt; 0 when absent or unreadable.
};
/// @returns "" on success, else the reason for the dead letter, e.g. "payload.processStatus is
/// 'OK'; SUCCESS, RETRYING or FAILED". Ids may be JSON strings or numbers. Unknown fields are
/// ignored.
[[nodiscard]] auto decode_result(std::string_view subject, std::string_view json,
                                 decoded_result& out) -> std::string;
/// What bestow-wallet sends. `topic` without the partition token.
void append_result_json(std::string& out, const decoded_result& r, std::string_view topic,
                        timestamp sent_at);

}  // namespace bestow::bus
