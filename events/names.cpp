#include <charconv>
#include <chrono>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include "events/types.hpp"

namespace bestow {
namespace {

/// Digits only, no leading zero: one text per number, so that names of streams stay unique.
template <class Unsigned>
auto parse_number(std::string_view text) -> std::optional<Unsigned> {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  Unsigned value{};
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

auto hex_value(char c) -> int {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

auto delivery_name(std::uint64_t id) -> std::string {
  if (id == static_cast<std::uint64_t>(promotion_type::voucher)) return "voucher";
  if (id == static_cast<std::uint64_t>(promotion_type::point)) return "point";
  return fmt::to_string(id);
}

}  // namespace

auto name_of(promotion_type t) -> std::string_view {
  switch (t) {
    case promotion_type::voucher: return "VOUCHER";
    case promotion_type::point: return "POINT";
  }
  return "";
}

auto name_of(approval_policy p) -> std::string_view {
  switch (p) {
    case approval_policy::none: return "none";
    case approval_policy::four_eyes: return "four_eyes";
  }
  return "";
}

auto name_of(grant_wire w) -> std::string_view {
  switch (w) {
    case grant_wire::single: return "single";
    case grant_wire::batch: return "batch";
  }
  return "";
}

auto name_of(grant_format f) -> std::string_view {
  switch (f) {
    case grant_format::json: return "json";
    case grant_format::msgpack: return "msgpack";
  }
  return "";
}

auto name_of(release_kind k) -> std::string_view {
  switch (k) {
    case release_kind::grant: return "grant";
    case release_kind::retry: return "retry";
    case release_kind::recall: return "recall";
  }
  return "";
}

auto name_of(process_status s) -> std::string_view {
  switch (s) {
    case process_status::success: return "SUCCESS";
    case process_status::retrying: return "RETRYING";
    case process_status::failed: return "FAILED";
  }
  return "";
}

auto name_of(import_format f) -> std::string_view {
  switch (f) {
    case import_format::csv: return "csv";
    case import_format::ndjson: return "ndjson";
  }
  return "";
}

auto name_of(retry_scope s) -> std::string_view {
  switch (s) {
    case retry_scope::none: return "none";
    case retry_scope::failed: return "failed";
    case retry_scope::unknown: return "unknown";
  }
  return "";
}

auto name_of(recall_status s) -> std::string_view {
  switch (s) {
    case recall_status::recalled: return "RECALLED";
    case recall_status::failed: return "FAILED";
  }
  return "";
}

auto name_of(aggregate a) -> std::string_view {
  switch (a) {
    case aggregate::promotion: return "promotion";
    case aggregate::partition: return "partition";
    case aggregate::delivery: return "delivery";
  }
  return "";
}

auto to_string(const stream_id& s) -> std::string {
  switch (s.kind) {
    case aggregate::promotion: return fmt::format("promotion-{}", s.id);
    case aggregate::partition: return fmt::format("partition-{}-{}", s.id, s.part);
    case aggregate::delivery: return "delivery-" + delivery_name(s.id);
  }
  return fmt::format("{}-{}-{}", static_cast<unsigned>(s.kind), s.id, s.part);
}

auto parse_stream_id(std::string_view text, stream_id& out) -> bool {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return false;
  const auto kind = text.substr(0, dash);
  const auto rest = text.substr(dash + 1);
  if (kind == "promotion") {
    const auto id = parse_number<std::uint64_t>(rest);
    if (!id) return false;
    out = stream_id{aggregate::promotion, *id, 0};
    return true;
  }
  if (kind == "partition") {
    const auto middle = rest.find('-');
    if (middle == std::string_view::npos) return false;
    const auto id = parse_number<std::uint64_t>(rest.substr(0, middle));
    const auto part = parse_number<std::uint32_t>(rest.substr(middle + 1));
    if (!id || !part) return false;
    out = stream_id{aggregate::partition, *id, *part};
    return true;
  }
  if (kind == "delivery") {
    if (rest == "voucher") out = delivery_stream_of(promotion_type::voucher);
    else if (rest == "point") out = delivery_stream_of(promotion_type::point);
    else return false;
    return true;
  }
  return false;
}

auto to_hex(const sha256_digest& d) -> std::string {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(d.size() * 2);
  for (const auto b : d) {
    const auto value = std::to_integer<unsigned>(b);
    out.push_back(digits[value >> 4U]);
    out.push_back(digits[value & 15U]);
  }
  return out;
}

auto from_hex(std::string_view hex, sha256_digest& out) -> bool {
  sha256_digest digest{};
  if (hex.size() != digest.size() * 2) return false;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const auto high = hex_value(hex[i * 2]);
    const auto low = hex_value(hex[i * 2 + 1]);
    if (high < 0 || low < 0) return false;
    digest[i] = static_cast<std::byte>(high * 16 + low);
  }
  out = digest;
  return true;
}

auto to_rfc3339(timestamp t) -> std::string {
  using namespace std::chrono;
  // Years 0000..9999: outside them RFC 3339 has no text.
  static constexpr std::int64_t first = -62'167'219'200'000;
  static constexpr std::int64_t last = 253'402'300'799'999;
  if (t.value < first || t.value > last) return fmt::to_string(t.value);
  const auto instant = sys_time<milliseconds>{milliseconds{t.value}};
  const auto midnight = floor<days>(instant);
  const year_month_day date{midnight};
  const hh_mm_ss<milliseconds> time{instant - midnight};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(),
                     time.subseconds().count());
}

}  // namespace bestow
