#include <algorithm>
#include <array>
#include <chrono>

#include "domain/target_row.hpp"
#include "domain/text.hpp"

namespace bestow::domain {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;
using std::chrono::sys_days;
using std::chrono::year;

constexpr std::int64_t second_ms = 1'000;
constexpr std::int64_t minute_ms = 60 * second_ms;
constexpr std::int64_t hour_ms = 60 * minute_ms;
constexpr std::int64_t day_ms = 24 * hour_ms;
/// Asia/Seoul has been UTC+9 without daylight saving time since 1988.
constexpr std::int64_t seoul_offset_ms = 9 * hour_ms;

constexpr auto start_of_year(int y) -> std::int64_t {
  return sys_days{year{y} / 1 / 1}.time_since_epoch().count() * day_ms;
}
/// Local times that have a year of four digits.
constexpr std::int64_t local_min = start_of_year(0);
constexpr std::int64_t local_max = start_of_year(10'000) - 1;

/// The value of `count` digits at `at`; -1 if one is none. Precondition: at + count <= size.
auto number_at(std::string_view text, std::size_t at, std::size_t count) -> int {
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    const auto digit = static_cast<unsigned char>(text[i] - '0');
    if (digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/// Milliseconds of a civil time since 1970-01-01 of the same zone; nullopt = no such day or hour.
auto civil_ms(int y, int month, int day, std::array<int, 3> clock) -> std::optional<std::int64_t> {
  if (y < 0 || month < 1 || day < 1) return std::nullopt;
  const std::chrono::year_month_day date{year{y}, std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return std::nullopt;
  const auto [hour, minute, second] = clock;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
    return std::nullopt;
  return sys_days{date}.time_since_epoch().count() * day_ms + hour * hour_ms + minute * minute_ms +
         second * second_ms;
}

/// yyyy-MM-dd, one of "T t space", HH:mm:ss at the front. Precondition: at least 19 characters.
auto parse_extended(std::string_view text) -> std::optional<std::int64_t> {
  const auto separator = text[10];
  if (text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':') return std::nullopt;
  if (separator != 'T' && separator != 't' && separator != ' ') return std::nullopt;
  return civil_ms(number_at(text, 0, 4), number_at(text, 5, 2), number_at(text, 8, 2),
                  {number_at(text, 11, 2), number_at(text, 14, 2), number_at(text, 17, 2)});
}

/// "Z" or "+hh:mm" as milliseconds east of UTC.
auto parse_offset(std::string_view text) -> std::optional<std::int64_t> {
  if (text == "Z" || text == "z") return 0;
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  const auto hours = number_at(text, 1, 2);
  const auto minutes = number_at(text, 4, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return std::nullopt;
  const auto east = hours * hour_ms + minutes * minute_ms;
  return text[0] == '-' ? -east : east;
}

/// The optional ".digits" at the front of `rest`, cut to milliseconds, and what follows it.
struct fraction_part {
  std::int64_t ms{0};
  std::string_view rest;
};
auto parse_fraction(std::string_view rest) -> std::optional<fraction_part> {
  if (!rest.starts_with('.')) return fraction_part{0, rest};
  rest.remove_prefix(1);
  const auto digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
  if (digits == 0) return std::nullopt;
  std::int64_t ms = 0;
  for (std::size_t i = 0; i < 3; ++i) ms = ms * 10 + (i < digits ? rest[i] - '0' : 0);
  return fraction_part{ms, rest.substr(digits)};
}

/// A time whose year has four digits in Asia/Seoul, as every message shows it.
auto within_wire_years(std::int64_t utc_ms) -> std::optional<timestamp> {
  const auto local = utc_ms + seoul_offset_ms;
  if (local < local_min || local > local_max) return std::nullopt;
  return timestamp{utc_ms};
}

void put2(char* out, unsigned value) {
  out[0] = static_cast<char>('0' + value / 10);
  out[1] = static_cast<char>('0' + value % 10);
}

struct civil {
  unsigned year, month, day, hour, minute, second;
};
auto to_civil(std::int64_t local_ms) -> civil {
  const auto clamped = std::clamp(local_ms, local_min, local_max);
  const auto at =
      std::chrono::floor<days>(std::chrono::sys_time<milliseconds>{milliseconds{clamped}});
  const std::chrono::year_month_day date{at};
  const auto in_day = static_cast<unsigned>(clamped - at.time_since_epoch().count() * day_ms);
  return {static_cast<unsigned>(static_cast<int>(date.year())),
          static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()),
          in_day / 3'600'000,
          in_day / 60'000 % 60,
          in_day / 1'000 % 60};
}

/// Seoul's civil time of any timestamp, those whose sum would overflow included.
auto seoul(timestamp t) -> civil {
  return to_civil(std::min(t.value, local_max) + seoul_offset_ms);
}

/// yyyy-MM-dd?HH:mm:ss into 19 characters.
void put_extended(char* out, const civil& c) {
  put2(out, c.year / 100);
  put2(out + 2, c.year % 100);
  out[4] = '-';
  put2(out + 5, c.month);
  out[7] = '-';
  put2(out + 8, c.day);
  out[10] = 'T';
  put2(out + 11, c.hour);
  out[13] = ':';
  put2(out + 14, c.minute);
  out[16] = ':';
  put2(out + 17, c.second);
}

}  // namespace

auto parse_time(std::string_view text) -> std::optional<timestamp> {
  if (text.size() == 14) {
    const auto local =
        civil_ms(number_at(text, 0, 4), number_at(text, 4, 2), number_at(text, 6, 2),
                 {number_at(text, 8, 2), number_at(text, 10, 2), number_at(text, 12, 2)});
    return local ? within_wire_years(*local - seoul_offset_ms) : std::nullopt;
  }
  if (text.size() < 19) return std::nullopt;
  const auto local = parse_extended(text);
  if (!local) return std::nullopt;
  if (text.size() == 19 && text[10] != 't') return within_wire_years(*local - seoul_offset_ms);
  const auto fraction = parse_fraction(text.substr(19));
  if (!fraction) return std::nullopt;
  const auto east = parse_offset(fraction->rest);
  if (!east) return std::nullopt;
  return within_wire_years(*local + fraction->ms - *east);
}

void append_seoul_compact(std::string& out, timestamp t) {
  const auto c = seoul(t);
  std::array<char, 14> text{};
  put2(text.data(), c.year / 100);
  put2(text.data() + 2, c.year % 100);
  put2(text.data() + 4, c.month);
  put2(text.data() + 6, c.day);
  put2(text.data() + 8, c.hour);
  put2(text.data() + 10, c.minute);
  put2(text.data() + 12, c.second);
  out.append(text.data(), text.size());
}

void append_seoul_iso(std::string& out, timestamp t) {
  std::array<char, 19> text{};
  put_extended(text.data(), seoul(t));
  out.append(text.data(), text.size());
}

auto seoul_date(timestamp t) -> std::uint32_t {
  std::string text;
  append_seoul_compact(text, t);
  std::uint32_t date = 0;
  for (std::size_t i = 0; i < 8; ++i) date = date * 10 + static_cast<std::uint32_t>(text[i] - '0');
  return date;
}

}  // namespace bestow::domain
