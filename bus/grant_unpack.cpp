// Reads the batch wire in compact msgpack. The bytes come from elsewhere: every count and every
// field is checked before it is believed.
#include <fmt/format.h>

#include <vector>


#include "bus/grant_fields.hpp"
#include "bus/grant_wire.hpp"
#include "bus/msgpack_bytes.hpp"
#include "events/limits.hpp"

namespace bestow::bus {
namespace {

using msgpack_bytes::reader;

/// The payload's shape, by its names.
[[nodiscard]] auto read_names(reader& in, payload_shape& out) -> bool {
  std::uint32_t count = 0;
  if (!in.array(count)) return false;
  constexpr std::uint32_t names_max = 16;
  if (count > names_max) return false;
  std::vector<std::string_view> names(count);
  for (auto& name : names)
    if (!in.text(name)) return false;
  for (const auto type : {promotion_type::voucher, promotion_type::point}) {
    for (const bool extra : {true, false}) {
      for (const bool recall : {false, true}) {
        out = {type, extra, recall};
        if (names == payload_names(out)) return true;
      }
    }
  }
  return false;
}

[[nodiscard]] auto read_id(reader& in, std::uint64_t& out) -> bool {
  return in.number(out) && out >= 1 && out <= limits::id_max;
}

[[nodiscard]] auto read_amount(reader& in, decoded_grant& out) -> bool {
  if (in.at_text()) {
    std::string_view text;
    if (!in.text(text)) return false;
    const auto minor = minor_units(text);
    if (!minor) return false;
    out.amount_minor = *minor;
    out.amount = text;
    return true;
  }
  std::uint64_t whole = 0;
  if (!in.number(whole) || whole > limits::id_max) return false;
  out.amount_minor = {static_cast<std::int64_t>(whole)};
  out.amount = std::to_string(whole);
  return true;
}

/// The text behind the customer in a voucher, which a ledger does not need.
[[nodiscard]] auto skip_texts(reader& in, unsigned count) -> bool {
  std::string_view skipped;
  for (; count > 0; --count)
    if (!in.text(skipped)) return false;
  return true;
}

/// @returns the name of the first field that is wrong; "" when all are right.
[[nodiscard]] auto read_payload(reader& in, const payload_shape& shape, std::size_t names,
                                decoded_grant& out) -> std::string_view {
  const bool voucher = shape.type == promotion_type::voucher;
  std::uint32_t values = 0;
  std::uint64_t number = 0;
  std::string_view text;
  bool flag = false;
  out.type = shape.type;
  if (!in.array(values) || values != names) return "length";
  if (!read_id(in, out.promotion.value)) return "eventId";
  if (!read_id(in, out.id.value)) return target_field(shape.type);
  if (!in.number(out.customer.value)) return "customerUid";
  if (voucher && !skip_texts(in, 3)) return "voucherNumber";
  if (!read_amount(in, out)) return "amount";
  if (voucher && !in.boolean(flag)) return "isWithdrawal";
  if (!in.number(number)) return voucher ? "validUntil" : "expiryAt";
  if (!in.text(text)) return "reason";
  if (!in.number(number) || number >= limits::partition_count_max) return "partitionKey";
  out.partition.value = static_cast<std::uint16_t>(number);
  out.attempt = 1;
  if (shape.recall) {
    if (!in.text(text)) return "recallReason";
    if (!in.number(number) || number < 1 || number > limits::recalls_per_promotion_max)
      return "recallId";
    out.recall.value = static_cast<recall_no::rep>(number);
  }
  if (!shape.extra_fields) {
    out.idempotency_key = fmt::format("{}:{}", out.promotion.value, out.id.value);
    return {};
  }
  if (!in.text(text)) return "idempotencyKey";
  out.idempotency_key = text;
  if (shape.recall) return {};
  if (!in.number(number) || number < 1 || number > UINT16_MAX) return "attempt";
  out.attempt = static_cast<std::uint16_t>(number);
  return {};
}

/// The envelope up to its payloads.
[[nodiscard]] auto read_envelope(reader& in, payload_shape& shape) -> std::string_view {
  constexpr std::uint32_t envelope_fields = 5;
  std::uint32_t pairs = 0;
  std::uint64_t version = 0;
  std::string_view text;
  const auto key = [&](std::string_view name) { return in.text(text) && text == name; };
  if (!in.map(pairs) || pairs != envelope_fields) return "the envelope";
  if (!key("sentAt") || !in.text(text)) return "sentAt";
  if (!key("version") || !in.number(version)) return "version";
  if (!key("topic") || !in.text(text)) return "topic";
  if (!key("fields") || !read_names(in, shape)) return "fields";
  if (!key("payloads")) return "payloads";
  return {};
}

}  // namespace

auto minor_units(std::string_view text) -> std::optional<money_minor> {
  std::uint64_t value = 0;
  const std::size_t point = text.find('.');
  if (point == 0 || point + 1 == text.size()) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == point) continue;
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(text[i] - '0');
    if (value > (limits::id_max - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  if (text.empty()) return std::nullopt;
  return money_minor{static_cast<std::int64_t>(value)};
}

auto decode_packed_grants(std::string_view bytes, std::vector<decoded_grant>& out) -> std::string {
  if (bytes.size() > limits::grant_message_bytes_max)
    return "larger than the limit for one message";
  reader in{bytes};
  payload_shape shape;
  if (const auto wrong = read_envelope(in, shape); !wrong.empty())
    return fmt::format("{} is not what a packed message has there", wrong);
  std::uint32_t count = 0;
  if (!in.array(count)) return "payloads is not an array";
  if (count > limits::batch_grants_max)
    return fmt::format("payloads has {} grants; at most {}", count, limits::batch_grants_max);
  out.reserve(count);
  const auto names = payload_names(shape).size();
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto wrong = read_payload(in, shape, names, out.emplace_back());
    if (!wrong.empty()) return fmt::format("payloads[{}].{} is wrong or missing", i, wrong);
  }
  return in.at_end() ? std::string{} : std::string{"there is more behind the payloads"};
}

auto decode_grants(std::string_view message, std::vector<decoded_grant>& out) -> std::string {
  out.clear();
  const bool json = message.empty() || message.front() == '{';
  auto why = json ? decode_json_grants(message, out) : decode_packed_grants(message, out);
  if (!why.empty()) out.clear();
  return why;
}

}  // namespace bestow::bus
