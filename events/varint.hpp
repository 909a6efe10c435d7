// Varints: unsigned numbers in 1..10 bytes, seven bits each, least significant first, the high bit
// saying "more follows" (LEB128); zigzag maps small negative differences to small numbers.
//
// Promise: reading never passes the end of its input and refuses more than 64 bits. Thread-safe.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace bestow::varint {

inline constexpr std::size_t bytes_max = 10;

[[nodiscard]] constexpr auto size_of(std::uint64_t value) -> std::size_t {
  return (static_cast<std::size_t>(std::bit_width(value | 1U)) + 6) / 7;
}

inline void append(std::vector<std::byte>& out, std::uint64_t value) {
  for (; value >= 0x80U; value >>= 7U)
    out.push_back(static_cast<std::byte>((value & 0x7FU) | 0x80U));
  out.push_back(static_cast<std::byte>(value));
}

/// Takes one number off the front of `in`. Empty when the input ends early or holds more than 64
/// bits; `in` is then unspecified.
[[nodiscard]] inline auto take(std::span<const std::byte>& in) -> std::optional<std::uint64_t> {
  std::uint64_t value = 0;
  const auto available = in.size() < bytes_max ? in.size() : bytes_max;
  for (std::size_t i = 0; i < available; ++i) {
    const auto byte = std::to_integer<std::uint64_t>(in[i]);
    if (i + 1 == bytes_max && byte > 1) return std::nullopt;
    value |= (byte & 0x7FU) << (7U * i);
    if (byte < 0x80U) {
      in = in.subspan(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

[[nodiscard]] constexpr auto zigzag(std::uint64_t difference) -> std::uint64_t {
  return (difference << 1U) ^ (std::uint64_t{0} - (difference >> 63U));
}
[[nodiscard]] constexpr auto unzigzag(std::uint64_t value) -> std::uint64_t {
  return (value >> 1U) ^ (std::uint64_t{0} - (value & 1U));
}

}  // namespace bestow::varint
