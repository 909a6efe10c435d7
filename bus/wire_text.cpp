#include "bus/wire_text.hpp"

#include <charconv>
#include <chrono>
#include <optional>

#include "events/assert.hpp"

namespace bestow::bus::wire_text {
namespace {

constexpr std::int64_t seoul_offset_ms = 9LL * 60 * 60 * 1'000;

[[nodiscard]] constexpr auto needs_escape(char c) -> bool {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

[[nodiscard]] auto write_one_escape(char* to, char c) -> char* {
  static constexpr char hex[] = "0123456789ABCDEF";
  *to++ = '\\';
  switch (c) {
    case '"':
      *to++ = '"';
      return to;
    case '\\':
      *to++ = '\\';
      return to;
    case '\b':
      *to++ = 'b';
      return to;
    case '\f':
      *to++ = 'f';
      return to;
    case '\n':
      *to++ = 'n';
      return to;
    case '\r':
      *to++ = 'r';
      return to;
    case '\t':
      *to++ = 't';
      return to;
    default:
      break;
  }
  const auto byte = static_cast<unsigned char>(c);
  *to++ = 'u';
  *to++ = '0';
  *to++ = '0';
  *to++ = hex[byte >> 4U];
  *to++ = hex[byte & 15U];
  return to;
}

struct local_time {
  int year;
  unsigned month, day, hour, minute, second;
};

[[nodiscard]] auto seoul_local(timestamp at) -> local_time {
  using namespace std::chrono;
  const sys_time<milliseconds> shifted{milliseconds{at.value + seoul_offset_ms}};
  const auto day = floor<days>(shifted);
  const year_month_day date{day};
  const auto in_day = floor<seconds>(shifted - day).count();
  return {static_cast<int>(date.year()),           static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()),       static_cast<unsigned>(in_day / 3'600),
          static_cast<unsigned>(in_day / 60 % 60), static_cast<unsigned>(in_day % 60)};
}

[[nodiscard]] auto write_two(char* to, unsigned value) -> char* {
  to[0] = static_cast<char>('0' + value / 10 % 10);
  to[1] = static_cast<char>('0' + value % 10);
  return to + 2;
}

[[nodiscard]] auto write_year(char* to, int year) -> char* {
  const auto bounded = static_cast<unsigned>(year < 0 ? 0 : year % 10'000);
  return write_two(write_two(to, bounded / 100), bounded % 100);
}

/// Takes exactly `digits` digits off the front of `text`.
[[nodiscard]] auto take_digits(std::string_view& text, std::size_t digits) -> std::optional<int> {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return value;
}

[[nodiscard]] auto take_char(std::string_view& text, char expected) -> bool {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

/// Milliseconds of `.123456`; digits beyond the third are dropped. nullopt: a point without digits.
[[nodiscard]] auto take_fraction(std::string_view& text) -> std::optional<int> {
  if (!take_char(text, '.')) return 0;
  int value = 0;
  std::size_t digits = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    if (digits < 3) value = value * 10 + (text.front() - '0');
    ++digits;
    text.remove_prefix(1);
  }
  if (digits == 0 || digits > 9) return std::nullopt;
  for (; digits < 3; ++digits) value *= 10;
  return value;
}

[[nodiscard]] auto take_offset_ms(std::string_view text) -> std::optional<std::int64_t> {
  if (text.empty()) return seoul_offset_ms;
  if (text == "Z" || text == "z") return 0;
  const bool negative = text.front() == '-';
  if (!negative && text.front() != '+') return std::nullopt;
  text.remove_prefix(1);
  const auto hours = take_digits(text, 2);
  const bool colon = take_char(text, ':');
  const auto minutes = take_digits(text, 2);
  if (!hours || !colon || !minutes || !text.empty() || *hours > 18 || *minutes > 59) {
    return std::nullopt;
  }
  const std::int64_t offset = (std::int64_t{*hours} * 60 + *minutes) * 60'000;
  return negative ? -offset : offset;
}

}  // namespace

auto escapes_in(std::string_view text) -> std::size_t {
  std::size_t count = 0;
  for (const char c : text) count += needs_escape(c) ? 1 : 0;
  return count;
}

auto write_escaped(char* to, std::string_view text) -> char* {
  for (const char c : text) {
    if (needs_escape(c)) {
      to = write_one_escape(to, c);
    } else {
      *to++ = c;
    }
  }
  return to;
}

void append_escaped(std::string& out, std::string_view text) {
  const std::size_t escapes = escapes_in(text);
  if (escapes == 0) {
    out.append(text);
    return;
  }
  const std::size_t before = out.size();
  out.resize(before + text.size() + escapes * (escaped_bytes_max - 1));
  char* const end = write_escaped(out.data() + before, text);
  out.resize(static_cast<std::size_t>(end - out.data()));
}

auto write_text(char* to, std::string_view text) -> char* {
  return to + text.copy(to, text.size());
}

auto write_number(char* to, std::uint64_t value) -> char* {
  return std::to_chars(to, to + number_bytes_max, value).ptr;
}

auto write_amount(char* to, money_minor amount, unsigned exponent) -> char* {
  BESTOW_ASSERT(amount.value >= 0 && exponent <= 6);  // Sealed amounts are > 0; ISO 4217 ends at 4.
  const auto minor = static_cast<std::uint64_t>(amount.value);
  std::uint64_t unit = 1;
  for (unsigned i = 0; i < exponent; ++i) unit *= 10;
  to = write_number(to, minor / unit);
  if (exponent == 0) return to;
  *to++ = '.';
  std::uint64_t rest = minor % unit;
  for (unsigned i = exponent; i > 0; --i) {
    to[i - 1] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  }
  return to + exponent;
}

auto seoul_datetime(timestamp at) -> std::string {
  const local_time t = seoul_local(at);
  char text[19];
  char* to = write_year(text, t.year);
  *to++ = '-';
  to = write_two(to, t.month);
  *to++ = '-';
  to = write_two(to, t.day);
  *to++ = 'T';
  to = write_two(to, t.hour);
  *to++ = ':';
  to = write_two(to, t.minute);
  *to++ = ':';
  to = write_two(to, t.second);
  return {text, to};
}

auto write_seoul_compact(char* to, timestamp at) -> char* {
  const local_time t = seoul_local(at);
  to = write_year(to, t.year);
  to = write_two(to, t.month);
  to = write_two(to, t.day);
  to = write_two(to, t.hour);
  to = write_two(to, t.minute);
  return write_two(to, t.second);
}

auto parse_datetime(std::string_view text) -> timestamp {
  using namespace std::chrono;
  const auto y = take_digits(text, 4);
  const bool dash_1 = take_char(text, '-');
  const auto m = take_digits(text, 2);
  const bool dash_2 = take_char(text, '-');
  const auto d = take_digits(text, 2);
  const bool middle = take_char(text, 'T');
  const auto hour = take_digits(text, 2);
  const bool colon_1 = take_char(text, ':');
  const auto minute = take_digits(text, 2);
  const bool colon_2 = take_char(text, ':');
  const auto second = take_digits(text, 2);
  if (!(y && dash_1 && m && dash_2 && d && middle && hour && colon_1 && minute && colon_2 &&
        second)) {
    return {};
  }
  const auto fraction = take_fraction(text);
  const auto offset = take_offset_ms(text);
  const year_month_day date{year{*y}, month{static_cast<unsigned>(*m)},
                            day{static_cast<unsigned>(*d)}};
  if (!fraction || !offset || !date.ok() || *hour > 23 || *minute > 59 || *second > 59) return {};
  const auto since_epoch =
      sys_days{date}.time_since_epoch() + hours{*hour} + minutes{*minute} + seconds{*second};
  return {milliseconds{since_epoch}.count() + *fraction - *offset};
}

auto first_code_points(std::string_view text, std::size_t code_points_max) -> std::string_view {
  std::size_t points = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool starts_point = (static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U;
    if (starts_point && points++ == code_points_max) return text.substr(0, i);
  }
  return text;
}

}  // namespace bestow::bus::wire_text
