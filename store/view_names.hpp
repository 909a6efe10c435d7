// What every view store checks before it touches anything. Private to store/. Pure; any thread.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "events/result.hpp"

namespace bestow::store {

/// LMDB's own limit, held in memory too so that tests notice.
inline constexpr std::size_t view_key_bytes_max = 511;

/// @fault internal  the key is empty or too long.
[[nodiscard]] inline auto check_view_key(std::string_view key) -> result<void> {
  if (!key.empty() && key.size() <= view_key_bytes_max) return {};
  return fail(fault_code::internal, "view_key",
              "a key of " + std::to_string(key.size()) + " bytes, allowed are 1 to 511");
}

/// A name is part of a file's name. @fault internal  not 1..64 of a-z, 0-9 and _.
[[nodiscard]] inline auto check_view_name(std::string_view name) -> result<void> {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (!name.empty() && name.size() <= 64 && std::ranges::all_of(name, allowed)) return {};
  return fail(fault_code::internal, "view_name", "not a view's name: " + std::string{name});
}

}  // namespace bestow::store
