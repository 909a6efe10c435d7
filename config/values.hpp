// Text of a setting to a value and back. Private to config/. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bestow::config {

/// Decimal digits only.
[[nodiscard]] auto parse_unsigned(std::string_view text) -> std::optional<std::uint64_t>;
/// "65536", "64KiB", "1MiB", "256GiB", "1TiB"; nullopt when malformed or above 2^64-1.
[[nodiscard]] auto parse_size(std::string_view text) -> std::optional<std::uint64_t>;
/// Largest unit that divides: "256GiB".
[[nodiscard]] auto show_size(std::uint64_t bytes) -> std::string;
/// "250ms", "10s", "5m", "24h".
[[nodiscard]] auto parse_duration(std::string_view text)
    -> std::optional<std::chrono::milliseconds>;
[[nodiscard]] auto show_duration(std::chrono::milliseconds d) -> std::string;
/// true or false.
[[nodiscard]] auto parse_boolean(std::string_view text) -> std::optional<bool>;

}  // namespace bestow::config
