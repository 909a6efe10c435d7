// Strict UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
#include <cstdint>
#include <cstring>
#include <string>

#include "domain/target_row.hpp"
#include "domain/text.hpp"

namespace bestow::domain {
namespace {

/// Bytes of the well-formed code point at the front of `text`; 0 = malformed or cut.
auto sequence_bytes(std::string_view text) -> std::size_t {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const auto lead = byte(0);
  if (lead < 0x80U) return 1;
  if (lead >= 0xC2U && lead <= 0xDFU) return text.size() >= 2 && tail(1) ? 2 : 0;
  if (lead >= 0xE0U && lead <= 0xEFU) {
    if (text.size() < 3 || !tail(1) || !tail(2)) return 0;
    if (lead == 0xE0U && byte(1) < 0xA0U) return 0;   // overlong
    if (lead == 0xEDU && byte(1) >= 0xA0U) return 0;  // surrogate
    return 3;
  }
  if (lead >= 0xF0U && lead <= 0xF4U) {
    if (text.size() < 4 || !tail(1) || !tail(2) || !tail(3)) return 0;
    if (lead == 0xF0U && byte(1) < 0x90U) return 0;   // overlong
    if (lead == 0xF4U && byte(1) >= 0x90U) return 0;  // above U+10FFFF
    return 4;
  }
  return 0;
}

/// Bytes of leading ASCII, in steps of eight.
auto ascii_run(std::string_view text) -> std::size_t {
  std::size_t n = 0;
  while (text.size() - n >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + n, sizeof word);
    if ((word & 0x8080808080808080ULL) != 0) break;
    n += 8;
  }
  return n;
}

}  // namespace

auto utf8_length(std::string_view text) -> std::optional<std::size_t> {
  std::size_t chars = 0;
  while (!text.empty()) {
    if (const auto plain = ascii_run(text); plain > 0) {
      chars += plain;
      text.remove_prefix(plain);
      continue;
    }
    const auto bytes = sequence_bytes(text);
    if (bytes == 0) return std::nullopt;
    ++chars;
    text.remove_prefix(bytes);
  }
  return chars;
}

auto utf8_prefix(std::string_view text, std::size_t chars) -> std::string_view {
  std::size_t end = 0;
  for (; chars > 0 && end < text.size(); --chars) {
    const auto bytes = sequence_bytes(text.substr(end));
    if (bytes == 0) break;  // Never hand on a malformed byte.
    end += bytes;
  }
  return text.substr(0, end);
}

auto shell_word(std::string_view text) -> std::string {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+:,@%/=";
  if (!text.empty() && text.find_first_not_of(plain) == std::string_view::npos)
    return std::string{text};
  std::string word{"'"};
  for (const char c : text) {
    if (c == '\'')
      word += "'\\''";
    else
      word += c;
  }
  return word += '\'';
}

auto has_control_character(std::string_view text) -> bool {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    if (byte < 0x20U || byte == 0x7FU) return true;
    // U+0080..U+009F are written C2 80..C2 9F.
    if (byte == 0xC2U && i + 1 < text.size() && static_cast<std::uint8_t>(text[i + 1]) < 0xA0U)
      return true;
  }
  return false;
}

}  // namespace bestow::domain
