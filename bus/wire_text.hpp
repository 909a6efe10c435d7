// Pieces of text that the wire is made of: JSON strings, numbers, Seoul times.
//
// Promise: what is written is a pure function of the arguments, the same in every build, because
// grant messages must be byte-identical when they are made again from the log.
// Threads: free functions without state; safe everywhere. Cost: linear, no allocation except by
// the functions that append to a std::string.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "events/types.hpp"

namespace bestow::bus::wire_text {

/// Longest form one input byte can take inside a JSON string (`\u001F`).
inline constexpr std::size_t escaped_bytes_max = 6;
/// Digits of the largest std::uint64_t.
inline constexpr std::size_t number_bytes_max = 20;

/// How many bytes of `text` must be escaped (RFC 8259: quote, backslash, below U+0020).
[[nodiscard]] auto escapes_in(std::string_view text) -> std::size_t;
/// Writes `text` escaped, without quotes, at `to`; needs up to escaped_bytes_max per byte there.
/// @returns one past the last byte written
[[nodiscard]] auto write_escaped(char* to, std::string_view text) -> char*;
/// Appends `text` escaped, without quotes. Non-ASCII stays UTF-8.
void append_escaped(std::string& out, std::string_view text);

/// Copies `text` to `to`. @returns one past the last byte written
[[nodiscard]] auto write_text(char* to, std::string_view text) -> char*;
/// Writes decimal digits; at most number_bytes_max bytes. @returns one past the last byte written
[[nodiscard]] auto write_number(char* to, std::uint64_t value) -> char*;
/// Minor units as a decimal with exactly `exponent` fraction digits: (1050, 2) is `10.50`.
/// Needs number_bytes_max + 2 + exponent bytes. @returns one past the last byte written
[[nodiscard]] auto write_amount(char* to, money_minor amount, unsigned exponent) -> char*;

/// `2026-01-21T10:30:00`, Asia/Seoul (UTC+9 without daylight saving since 1988), truncated to
/// seconds.
[[nodiscard]] auto seoul_datetime(timestamp at) -> std::string;
/// `20260121103000`, Asia/Seoul: 14 bytes for the years 0 to 9999. @returns one past the last byte
[[nodiscard]] auto write_seoul_compact(char* to, timestamp at) -> char*;
/// Reads `yyyy-MM-ddTHH:mm:ss`, with an optional fraction and an optional `Z` or `+hh:mm`; without
/// an offset the time is Asia/Seoul. 0 when it is anything else.
[[nodiscard]] auto parse_datetime(std::string_view text) -> timestamp;

/// The first `code_points_max` code points of valid UTF-8 `text`; all of it when it is shorter.
[[nodiscard]] auto first_code_points(std::string_view text, std::size_t code_points_max)
    -> std::string_view;

}  // namespace bestow::bus::wire_text
