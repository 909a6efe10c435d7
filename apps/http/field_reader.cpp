#include "apps/http/field_reader.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "config/suggest.hpp"
#include "domain/target_row.hpp"
#include "events/limits.hpp"

namespace bestow::http {
namespace {

constexpr std::size_t shown_chars_max = 64;

auto shown(const json_field& f) -> std::string {
  const auto text = std::string{domain::utf8_prefix(f.text, shown_chars_max)};
  if (f.kind == json_kind::list) return "a list";
  return f.kind == json_kind::text ? "'" + text + "'" : text;
}

}  // namespace

auto field_reader::find(std::string_view name) -> const json_field* {
  asked_.emplace_back(name);
  for (const auto& f : fields_)
    if (f.name == name) return f.kind == json_kind::null ? nullptr : &f;
  return nullptr;
}

auto field_reader::has(std::string_view name) const -> bool {
  return std::any_of(fields_.begin(), fields_.end(), [&](const json_field& f) {
    return f.name == name && f.kind != json_kind::null;
  });
}

void field_reader::wrong(request_error e, std::string_view name, std::string detail) {
  if (!trouble_) trouble_ = problem_of(e, std::move(detail), std::string{name});
}

void field_reader::refuse(domain::rejection why, std::string_view name, std::string detail) {
  if (trouble_) return;
  trouble_ = problem_of(domain::refusal{why, std::move(detail)});
  trouble_->field = std::string{name};
}

void field_reader::require(std::string_view name) {
  if (!has(name)) wrong(request_error::field_required, name, fmt::format("{} is missing", name));
}

auto field_reader::text(std::string_view name) -> std::string {
  const auto* f = find(name);
  if (f == nullptr) return "";
  if (f->kind == json_kind::text) return f->text;
  wrong(request_error::field_wrong_type, name,
        fmt::format("{} is {}; it wants text", name, shown(*f)));
  return "";
}

auto field_reader::digits_or_text(std::string_view name) -> std::string {
  for (const auto& f : fields_) {
    if (f.name != name || f.kind != json_kind::integer) continue;
    asked_.emplace_back(name);
    return f.text;
  }
  return text(name);
}

auto field_reader::whole_number(std::string_view name, std::string_view wanted)
    -> const json_field* {
  const auto* f = find(name);
  if (f == nullptr) return nullptr;
  const bool kind = f->kind == json_kind::text || f->kind == json_kind::integer;
  const auto digits = std::string_view{f->text}.substr(f->text.starts_with('-') ? 1 : 0);
  const bool whole =
      !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
  if (kind && whole) return f;
  wrong(request_error::field_wrong_type, name,
        fmt::format("{} is {}; it wants {}", name, shown(*f), wanted));
  return nullptr;
}

auto field_reader::number(std::string_view name, std::uint64_t high,
                          std::optional<from_one> above_zero) -> std::uint64_t {
  const auto* f = whole_number(name, "a whole number, or the same as text");
  return f == nullptr ? 0 : in_range(*f, name, high, above_zero);
}

auto field_reader::in_range(const json_field& f, std::string_view name, std::uint64_t high,
                            const std::optional<from_one>& above_zero) -> std::uint64_t {
  const bool negative = f.text.starts_with('-');
  std::uint64_t value = 0;
  const auto* end = f.text.data() + f.text.size();
  const auto [stop, error] = std::from_chars(f.text.data(), end, value);
  const bool readable = !negative && error == std::errc{} && stop == end && value <= high;
  const bool too_low = negative || (readable && value == 0);
  if (above_zero && too_low)
    refuse(above_zero->why, name,
           fmt::format("{} is {}; allowed is 1..{}, or leave it out", name, shown(f), high));
  else if (!readable)
    wrong(request_error::field_out_of_range, name,
          fmt::format("{} is {}; allowed is {}..{}", name, shown(f), above_zero ? 1 : 0, high));
  else
    return value;
  return 0;
}

auto field_reader::money(std::string_view name, from_one above_zero) -> money_minor {
  constexpr auto high = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const auto* f = whole_number(
      name, "a whole number of the currency's minor units, or the same as text: 1050 is 10.50 USD, "
            "and 1050 KRW");
  if (f == nullptr) return {};
  return {static_cast<std::int64_t>(in_range(*f, name, high, above_zero))};
}

auto field_reader::boolean(std::string_view name) -> bool {
  const auto* f = find(name);
  if (f == nullptr) return false;
  if (f->kind != json_kind::boolean)
    wrong(request_error::field_wrong_type, name,
          fmt::format("{} is {}; it wants true or false", name, shown(*f)));
  return f->text == "true";
}

auto field_reader::time(std::string_view name) -> timestamp {
  const auto value = text(name);
  if (value.empty()) return {};
  const auto at = domain::parse_time(value);
  if (!at || at->value <= 0) {
    wrong(request_error::field_out_of_range, name,
          fmt::format("{} is '{}'; it wants 2026-01-31T10:30:00+09:00, or 2026-01-31T10:30:00 "
                      "meaning Asia/Seoul",
                      name, domain::utf8_prefix(value, shown_chars_max)));
    return {};
  }
  return *at;
}

auto field_reader::ids(std::string_view name) -> std::vector<std::uint64_t> {
  std::vector<std::uint64_t> out;
  const auto* f = find(name);
  if (f == nullptr) return out;
  if (f->kind != json_kind::list) {
    wrong(request_error::field_wrong_type, name,
          fmt::format("{} is {}; it wants a list of ids", name, shown(*f)));
    return out;
  }
  if (f->items.empty())
    wrong(request_error::field_out_of_range, name,
          fmt::format("{} is empty; leave it out for all", name));
  out.reserve(f->items.size());
  for (const auto& text : f->items) {
    std::uint64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || stop != end || value == 0 || value > limits::id_max) {
      wrong(request_error::field_out_of_range, name,
            fmt::format("{} holds '{}'; an id is 1..{}", name,
                        domain::utf8_prefix(text, shown_chars_max), limits::id_max));
      break;
    }
    out.push_back(value);
  }
  return out;
}

auto field_reader::choice(std::string_view name, const std::vector<std::string>& words)
    -> std::optional<std::size_t> {
  if (!has(name)) {
    asked_.emplace_back(name);
    return std::nullopt;
  }
  const auto value = text(name);
  const auto it = std::find(words.begin(), words.end(), value);
  if (it != words.end()) return static_cast<std::size_t>(it - words.begin());
  wrong(request_error::field_out_of_range, name,
        fmt::format("{} is '{}'; allowed are {}", name, domain::utf8_prefix(value, shown_chars_max),
                    fmt::join(words, ", ")));
  return std::nullopt;
}

auto field_reader::finish() -> std::optional<problem> {
  for (const auto& f : fields_) {
    if (std::find(asked_.begin(), asked_.end(), f.name) != asked_.end()) continue;
    const auto name = std::string{domain::utf8_prefix(f.name, shown_chars_max)};
    return problem_of(request_error::field_unknown,
                      fmt::format("unknown field '{}'.{} Allowed: {}", name,
                                  config::did_you_mean(name, asked_), fmt::join(asked_, ", ")),
                      name);
  }
  return trouble_;
}

}  // namespace bestow::http
