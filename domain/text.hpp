// Small questions about text and digits that several rules ask. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bestow::domain {

/// Whether valid UTF-8 holds a control character: U+0000..U+001F, U+007F..U+009F.
[[nodiscard]] auto has_control_character(std::string_view text) -> bool;

/// The text as one word of a shell: as it is when nothing in it means anything there, else quoted.
[[nodiscard]] auto shell_word(std::string_view text) -> std::string;

/// Whether the text is not empty and has only the digits 0-9.
[[nodiscard]] constexpr auto is_digits(std::string_view text) -> bool {
  for (const char c : text)
    if (c < '0' || c > '9') return false;
  return !text.empty();
}

/// The value of digits; nullopt above `max`. Precondition: is_digits(text).
[[nodiscard]] constexpr auto digits_value(std::string_view text, std::uint64_t max)
    -> std::optional<std::uint64_t> {
  std::uint64_t value = 0;
  for (const char c : text) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (max - digit) / 10 || digit > max) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

}  // namespace bestow::domain
