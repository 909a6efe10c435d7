// Encoder version 1 of the single wire. A change of one byte here breaks the promise that a resumed
// stream is byte-identical: a new form needs a new encoder_version beside this one.
#include <array>

#include "bus/grant_wire.hpp"
#include "bus/wire_text.hpp"
#include "events/assert.hpp"

namespace bestow::bus {
namespace {

using wire_text::write_escaped;
using wire_text::write_number;
using wire_text::write_text;

constexpr std::uint64_t envelope_version = 20231010;
/// Bytes of one message that are neither head nor free text: field names, numbers, times.
constexpr std::size_t fixed_bytes_max = 480;

[[nodiscard]] auto target_field(promotion_type type) -> std::string_view {
  return type == promotion_type::voucher ? "voucherEventTargetId" : "pointEventTargetId";
}

[[nodiscard]] auto envelope_head(timestamp sent_at, std::string_view topic, promotion_type type,
                                 promotion_id promotion) -> std::string {
  std::string head = R"({"sentAt":")";
  head += wire_text::seoul_datetime(sent_at);
  head += R"(","version":)";
  head += std::to_string(envelope_version);
  head += R"(,"topic":")";
  wire_text::append_escaped(head, topic);
  head += R"(","payload":{"eventId":")";
  head += std::to_string(promotion.value);
  head += R"(",")";
  head += target_field(type);
  head += R"(":")";
  return head;
}

/// The topic of a release's envelope and, with a partition, of its subject.
[[nodiscard]] auto topic_of(const targets_released& release) -> std::string {
  if (release.kind != release_kind::recall) return release.topic;
  return stem_of(release.topic) + ".recall";
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

grant_encoder::grant_encoder(const targets_released& release)
    : release_{release},
      head_{envelope_head(release.sent_at, topic_of(release), release.type, release.promotion)} {
  BESTOW_ASSERT(release.encoder_version == 1 && release.wire == grant_wire::single);
  release_.ordinals = {};  // Not needed for encoding; may be large.
  const bool recall = release.kind == release_kind::recall;
  const auto recalled = recall ? recall_fields(release) : std::string{};
  if (!release.extra_fields) {
    tail_ = recalled + R"("}})";
    return;
  }
  // The idempotency key names target and promotion, never the attempt: it must not change.
  key_head_ = recalled + R"(","idempotencyKey":")" + std::to_string(release.promotion.value) + ":";
  // A recall names the grant that it takes back by its key; it has no attempts of its own.
  tail_ = recall ? R"("}})"
                 : R"(","attempt":")" + std::to_string(release.attempt.value) + R"("}})";
}

void grant_encoder::append(std::string& out, const grant_fields& f) const {
  const std::size_t before = out.size();
  out.resize(before + head_.size() + key_head_.size() + tail_.size() + fixed_bytes_max +
             text_bytes_max(f));
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
  out += envelope_head(sent_at, topic, r.type, r.promotion);
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
