// Encoder version 1 of the batch wire in compact msgpack; the same promise as grant_encode.cpp.
#include <array>

#include "bus/grant_fields.hpp"
#include "bus/grant_wire.hpp"
#include "bus/msgpack_bytes.hpp"
#include "bus/wire_text.hpp"

namespace bestow::bus {
namespace {

using namespace msgpack_bytes;

/// The 14 digits of the JSON wire as a number.
[[nodiscard]] auto seoul_number(timestamp at) -> std::uint64_t {
  std::array<char, 32> digits{};
  const char* const end = wire_text::write_seoul_compact(digits.data(), at);
  std::uint64_t value = 0;
  for (const char* c = digits.data(); c < end; ++c)
    value = value * 10 + static_cast<std::uint64_t>(*c - '0');
  return value;
}

void append_amount(std::string& out, const grant_fields& f) {
  if (f.currency_exponent == 0) return append_number(out, static_cast<std::uint64_t>(f.amount.value));
  std::array<char, 64> digits{};
  const char* const end = wire_text::write_amount(digits.data(), f.amount, f.currency_exponent);
  append_text(out, {digits.data(), static_cast<std::size_t>(end - digits.data())});
}

}  // namespace

void grant_encoder::set_up_msgpack() {
  const auto& r = release_;
  const bool recall = r.kind == release_kind::recall;
  const auto names = payload_names({r.type, r.extra_fields, recall});
  constexpr std::uint32_t envelope_fields = 5;
  append_map(open_, envelope_fields);
  append_text(open_, "sentAt");
  append_text(open_, wire_text::seoul_datetime(r.sent_at));
  append_text(open_, "version");
  append_number(open_, envelope_version);
  append_text(open_, "topic");
  append_text(open_, topic_of(r));
  append_text(open_, "fields");
  append_array(open_, static_cast<std::uint32_t>(names.size()));
  for (const auto name : names) append_text(open_, name);
  append_text(open_, "payloads");

  append_array(head_, static_cast<std::uint32_t>(names.size()));
  append_number(head_, r.promotion.value);
  if (recall) {
    append_text(recalled_, r.recall_reason);
    append_number(recalled_, r.recall.value);
  }
  if (!r.extra_fields) return;
  key_head_ = std::to_string(r.promotion.value) + ":";
  if (!recall) append_number(tail_, r.attempt.value);
}

void grant_encoder::append_msgpack(std::string& out, const grant_fields& f) const {
  out += head_;
  append_number(out, f.id.value);
  append_number(out, f.customer.value);
  const bool voucher = release_.type == promotion_type::voucher;
  if (voucher) {
    append_text(out, f.voucher_number);
    append_text(out, f.merchant_code);
    append_text(out, f.merchant_brand_code);
  }
  append_amount(out, f);
  if (voucher) append_boolean(out, f.is_withdrawal);
  append_number(out, seoul_number(f.expiry));
  append_text(out, f.reason);
  append_number(out, f.partition.value);
  out += recalled_;
  if (!release_.extra_fields) return;
  append_text(out, key_head_ + std::to_string(f.id.value));
  out += tail_;
}

}  // namespace bestow::bus
