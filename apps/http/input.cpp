#include "apps/http/input.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "domain/target_row.hpp"
#include "events/limits.hpp"

namespace bestow::http {
namespace {

auto number_of(std::string_view text, std::uint64_t high) -> std::optional<std::uint64_t> {
  std::uint64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || stop != end || value > high) return std::nullopt;
  return value;
}

}  // namespace

auto shown(std::string_view text) -> std::string {
  constexpr std::size_t chars_max = 64;
  if (!domain::utf8_length(text)) return "(not UTF-8)";
  return std::string{domain::utf8_prefix(text, chars_max)};
}

auto path_id(const request& in, std::size_t index) -> checked_value<std::uint64_t> {
  const auto value = number_of(in.params[index], limits::id_max);
  if (value && *value > 0) return *value;
  return tl::unexpected(problem_of(
      request_error::id_invalid,
      fmt::format("'{}' is not an id; allowed is 1..{}", shown(in.params[index]), limits::id_max)));
}

auto path_uid(const request& in, std::size_t index) -> checked_value<customer_uid> {
  constexpr auto highest = std::numeric_limits<std::uint64_t>::max();
  const auto value = number_of(in.params[index], highest);
  if (value && *value > 0) return customer_uid{*value};
  return tl::unexpected(problem_of(
      request_error::id_invalid,
      fmt::format("'{}' is not a customer_uid; allowed is 1..{}", shown(in.params[index]), highest)));
}

auto query_number(const request& in, std::string_view name, std::uint64_t fallback,
                  number_range range) -> checked_value<std::uint64_t> {
  if (!in.has_query(name)) return fallback;
  const auto text = in.query_value(name);
  if (const auto value = number_of(text, range.high); value && *value >= range.low) return *value;
  return tl::unexpected(
      problem_of(request_error::query_invalid,
                 fmt::format("{} is '{}'; allowed is {}..{}", name, shown(text), range.low,
                             range.high),
                 std::string{name}));
}

auto page_limit(const request& in) -> checked_value<std::size_t> {
  auto value = query_number(in, "limit", limits::page_limit_default, {1, limits::page_limit_max});
  if (!value) return tl::unexpected(std::move(value.error()));
  return static_cast<std::size_t>(*value);
}

auto body_fields(const request& in) -> checked_value<field_reader> {
  const bool blank = std::all_of(in.body.begin(), in.body.end(),
                                 [](unsigned char c) { return std::isspace(c) != 0; });
  if (blank) return field_reader{{}};
  auto fields = parse_flat_json(in.body);
  if (!fields) return tl::unexpected(std::move(fields.error()));
  return field_reader{std::move(*fields)};
}

auto caller_of(const request& in) -> checked_value<actors::caller> {
  actors::caller by;
  by.principal = in.principal;
  const auto key = in.header("Idempotency-Key");
  const bool printable =
      std::all_of(key.begin(), key.end(), [](char c) { return c > 0x20 && c < 0x7F; });
  if (!printable || key.size() > limits::idempotency_key_chars_max)
    return tl::unexpected(
        problem_of(request_error::idempotency_key_invalid,
                   fmt::format("allowed are 1..{} printable ASCII characters without a space",
                               limits::idempotency_key_chars_max)));
  by.idempotency_key = std::string{key};
  by.request_hash = XXH3_64bits(in.body.data(), in.body.size());
  return by;
}

}  // namespace bestow::http
