// Fixed-width integers as bytes. Little-endian inside frames and files; big-endian in LMDB keys, so
// that LMDB's byte order is the number's order. Private to store/. Pure; any thread.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace bestow::store {

template <class T>
[[nodiscard]] constexpr auto byte_swapped(T value) -> T {
  static_assert(std::is_unsigned_v<T>);
  if constexpr (sizeof(T) == 8) {
    return __builtin_bswap64(value);
  } else if constexpr (sizeof(T) == 4) {
    return __builtin_bswap32(value);
  } else {
    static_assert(sizeof(T) == 2);
    return __builtin_bswap16(value);
  }
}

/// Reads sizeof(T) little-endian bytes. Precondition: that many are readable at `from`.
template <class T>
[[nodiscard]] auto load_le(const std::byte* from) -> T {
  T value{};
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::little ? value : byte_swapped(value);
}
template <class T>
[[nodiscard]] auto load_be(const std::byte* from) -> T {
  return byte_swapped(load_le<T>(from));
}

/// Writes sizeof(T) little-endian bytes. Precondition: that many are writable at `to`.
template <class T>
void store_le(std::byte* to, T value) {
  if constexpr (std::endian::native != std::endian::little) value = byte_swapped(value);
  std::memcpy(to, &value, sizeof value);
}
template <class T>
void store_be(std::byte* to, T value) {
  store_le(to, byte_swapped(value));
}

[[nodiscard]] inline auto as_bytes(std::string_view text) -> std::span<const std::byte> {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
[[nodiscard]] inline auto as_text(std::span<const std::byte> bytes) -> std::string_view {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace bestow::store
