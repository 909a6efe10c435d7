// Encoder version 1 of both wires in JSON (grant_pack.cpp: in msgpack). A change of one byte here
// breaks the promise that a resumed stream is byte-identical: a new form needs a new
// encoder_version beside this one.
#include <array>

#include "bus/grant_fields.hpp"
#include "bus/grant_wire.hpp"
#include "bus/msgpack_bytes.hpp"
#include "bus/wire_text.hpp"
#include "events/assert.hpp"

namespace bestow::bus {
namespace {

using wire_text::write_escaped;
using wire_text::write_number;
using wire_text::write_text;

/// Bytes of one message that are neither head nor free text: field names, numbers, times.
constexpr std::size_t fixed_bytes_max = 480;

/// Up to the name of what follows: `payload` or `payloads`.
[[nodiscard]] auto envelope_head(timestamp sent_at, std::string_view topic) -> std::string {
  std::string head = R"({"sentAt":")";
  head += wire_text::seoul_datetime(sent_at);
  head += R"(","version":)";
  head += std::to_string(envelope_version);
  head += R"(,"topic":")";
  wire_text::append_escaped(head, topic);
  head += R"(",")";
  return head;
}

/// Up to the value of the target's id.
[[nodiscard]] auto payload_head(promotion_type type, promotion_id promotion) -> std::string {
  std::string head = R"({"eventId":")";
  head += std::to_string(promotion.value);
  head += R"(",")";
  head += target_field(type);
  head += R"(":")";
  return head;
}

/// What a recall's payload says beyond the grant's.
[[nodiscard]] auto recall_fields(const targets_released& release) -> std::string {
  std::string out = R"(","recallReason":")";
  wire_text::append_escaped(out, release.recall_reason);
  out += R"(","recallId":")";
  out += std::to_string(release.recall.value);
  return out;
}

[[nodiscard]] auto text_bytes_max(const grant_fields& f) -> std::size_t {
  const std::size_t plain = f.reason.size() + f.voucher_number.size() + f.merchant_code.size() +
                            f.merchant_brand_code.size();
  const std::size_t escapes =
      wire_text::escapes_in(f.reason) + wire_text::escapes_in(f.voucher_number) +
      wire_text::escapes_in(f.merchant_code) + wire_text::escapes_in(f.merchant_brand_code);
  return plain + escapes * (wire_text::escaped_bytes_max - 1);
}

[[nodiscard]] auto write_voucher(char* to, const grant_fields& f) -> char* {
  to = write_escaped(write_text(to, R"(","voucherNumber":")"), f.voucher_number);
  to = write_escaped(write_text(to, R"(","merchantCode":")"), f.merchant_code);
  to = write_escaped(write_text(to, R"(","merchantBrandCode":")"), f.merchant_brand_code);
  to = wire_text::write_amount(write_text(to, R"(","amount":")"), f.amount, f.currency_exponent);
  to = write_text(to, R"(","isWithdrawal":)");
  to = write_text(to, f.is_withdrawal ? "true" : "false");
  return wire_text::write_seoul_compact(write_text(to, R"(,"validUntil":")"), f.expiry);
}

[[nodiscard]] auto write_point(char* to, const grant_fields& f) -> char* {
  to = wire_text::write_amount(write_text(to, R"(","amount":")"), f.amount, f.currency_exponent);
  return wire_text::write_seoul_compact(write_text(to, R"(","expiryAt":")"), f.expiry);
}

}  // namespace

grant_encoder::grant_encoder(const targets_released& release) : release_{release} {
  BESTOW_ASSERT(release.encoder_version == 1);
  BESTOW_ASSERT(release.wire == grant_wire::batch || release.format == grant_format::json);
  release_.ordinals = {};  // Not needed for encoding; may be large.
  release_.message_grants = {};
  release.format == grant_format::json ? set_up_json() : set_up_msgpack();
}

void grant_encoder::set_up_json() {
  const auto& r = release_;
  const bool recall = r.kind == release_kind::recall;
  const auto recalled = recall ? recall_fields(r) : std::string{};
  head_ = payload_head(r.type, r.promotion);
  tail_ = R"("})";
  if (r.extra_fields) {
    // The idempotency key names target and promotion, never the attempt: it must not change.
    key_head_ = recalled + R"(","idempotencyKey":")" + std::to_string(r.promotion.value) + ":";
    // A recall names the grant that it takes back by its key; it has no attempts of its own.
    if (!recall) tail_ = R"(","attempt":")" + std::to_string(r.attempt.value) + R"("})";
  } else {
    tail_ = recalled + tail_;
  }
  const auto envelope = envelope_head(r.sent_at, topic_of(r));
  if (r.wire == grant_wire::single) {
    head_ = envelope + R"(payload":)" + head_;
    tail_ += '}';
    return;
  }
  open_ = envelope + R"(payloads":[)";
  separator_ = ",";
  close_ = "]}";
}

void grant_encoder::open(std::string& out, std::uint32_t count) const {
  out += open_;
  if (release_.format == grant_format::msgpack) msgpack_bytes::append_array(out, count);
}

void grant_encoder::append_grant(std::string& out, const grant_fields& f) const {
  release_.format == grant_format::json ? append_json(out, f) : append_msgpack(out, f);
}

auto grant_encoder::grant_bytes_max(const grant_fields& f) const -> std::size_t {
  // The same parts in msgpack are never longer.
  return head_.size() + key_head_.size() + tail_.size() + recalled_.size() + fixed_bytes_max +
         text_bytes_max(f);
}

auto grant_encoder::envelope_bytes_max() const -> std::size_t {
  return open_.size() + close_.size() + msgpack_bytes::head_bytes_max;
}

void grant_encoder::append_json(std::string& out, const grant_fields& f) const {
  const std::size_t before = out.size();
  out.resize(before + grant_bytes_max(f));
  std::array<char, wire_text::number_bytes_max> id_digits{};
  const std::string_view id{id_digits.data(), write_number(id_digits.data(), f.id.value)};

  char* to = write_text(write_text(out.data() + before, head_), id);
  to = write_number(write_text(to, R"(","customerUid":")"), f.customer.value);
  to = release_.type == promotion_type::voucher ? write_voucher(to, f) : write_point(to, f);
  to = write_escaped(write_text(to, R"(","reason":")"), f.reason);
  to = write_number(write_text(to, R"(","partitionKey":")"), f.partition.value);
  if (!key_head_.empty()) to = write_text(write_text(to, key_head_), id);
  to = write_text(to, tail_);
  out.resize(static_cast<std::size_t>(to - out.data()));
}

auto topic_of(const targets_released& release) -> std::string {
  if (release.kind != release_kind::recall) return release.topic;
  return stem_of(release.topic) + ".recall";
}

auto stem_of(std::string_view topic) -> std::string {
  constexpr std::string_view suffix = ".publish";
  if (topic.size() > suffix.size() && topic.ends_with(suffix))
    topic.remove_suffix(suffix.size());
  return std::string{topic};
}

auto grant_encoder::subject() const -> std::string {
  if (release_.kind == release_kind::recall)
    return topic_of(release_) + "." + std::to_string(release_.partition.value);
  if (!release_.partition_token) return release_.topic;
  return release_.topic + "." + std::to_string(release_.partition.value);
}

auto grant_encoder::event_type() const -> std::string {
  const bool voucher = release_.type == promotion_type::voucher;
  if (release_.kind == release_kind::recall)
    return voucher ? "CAMPAIGN_VOUCHER_RECALL" : "CAMPAIGN_POINT_RECALL";
  return voucher ? "CAMPAIGN_VOUCHER_PUBLISH" : "CAMPAIGN_POINT_PUBLISH";
}

void append_result_json(std::string& out, const decoded_result& r, std::string_view topic,
                        timestamp sent_at) {
  out += envelope_head(sent_at, topic) + R"(payload":)" + payload_head(r.type, r.promotion);
  out += std::to_string(r.id.value);
  out += R"(","customerUid":")";
  out += std::to_string(r.customer.value);
  out += r.recalled ? R"(","recallStatus":")" : R"(","processStatus":")";
  out += r.recalled ? name_of(*r.recalled) : name_of(r.status);
  if (r.recalled && r.recall.value != 0) {
    out += R"(","recallId":")";
    out += std::to_string(r.recall.value);
  }
  out += R"(","transactionKey":")";
  wire_text::append_escaped(out, r.transaction_key);
  out += R"(","errorMessage":")";
  wire_text::append_escaped(out, r.error_message);
  if (r.attempt != 0) {
    out += R"(","attempt":")";
    out += std::to_string(r.attempt);
  }
  out += R"(","partitionKey":")";
  out += std::to_string(r.partition.value);
  out += R"("}})";
}

}  // namespace bestow::bus
