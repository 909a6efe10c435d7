#include "config/values.hpp"

#include <array>
#include <charconv>
#include <limits>

#include <fmt/format.h>

namespace bestow::config {
namespace {

struct unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr std::array<unit, 5> sizes{{{"TiB", 1ULL << 40U},
                                     {"GiB", 1ULL << 30U},
                                     {"MiB", 1ULL << 20U},
                                     {"KiB", 1ULL << 10U},
                                     {"", 1}}};
constexpr std::array<unit, 4> durations{{{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

auto scaled(std::string_view digits, std::uint64_t factor) -> std::optional<std::uint64_t> {
  const auto number = parse_unsigned(digits);
  if (!number || *number > std::numeric_limits<std::uint64_t>::max() / factor) return std::nullopt;
  return *number * factor;
}

auto split_unit(std::string_view text) -> std::pair<std::string_view, std::string_view> {
  const auto end = text.find_first_not_of("0123456789");
  if (end == std::string_view::npos) return {text, ""};
  return {text.substr(0, end), text.substr(end)};
}

}  // namespace

auto parse_unsigned(std::string_view text) -> std::optional<std::uint64_t> {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

auto parse_size(std::string_view text) -> std::optional<std::uint64_t> {
  const auto [digits, name] = split_unit(text);
  for (const auto& u : sizes)
    if (u.name == name) return scaled(digits, u.factor);
  return std::nullopt;
}

auto show_size(std::uint64_t bytes) -> std::string {
  for (const auto& u : sizes)
    if (bytes % u.factor == 0 && bytes >= u.factor)
      return fmt::format("{}{}", bytes / u.factor, u.name);
  return "0";
}

auto parse_duration(std::string_view text) -> std::optional<std::chrono::milliseconds> {
  const auto [digits, name] = split_unit(text);
  for (const auto& u : durations) {
    if (u.name != name) continue;
    const auto value = scaled(digits, u.factor);
    constexpr auto longest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (!value || *value > longest) return std::nullopt;
    return std::chrono::milliseconds{static_cast<std::int64_t>(*value)};
  }
  return std::nullopt;
}

auto show_duration(std::chrono::milliseconds d) -> std::string {
  const auto value = static_cast<std::uint64_t>(d.count());
  for (const auto& u : durations)
    if (value % u.factor == 0 && value >= u.factor)
      return fmt::format("{}{}", value / u.factor, u.name);
  return "0ms";
}

auto parse_boolean(std::string_view text) -> std::optional<bool> {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

}  // namespace bestow::config
