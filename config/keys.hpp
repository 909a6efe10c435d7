// The key table with its setters: what load() works with. Private to config/.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"

namespace bestow::config {

/// What kind of value a key takes; decides which TOML types are accepted.
enum class key_kind : std::uint8_t { text, integer, size, duration, boolean, choice, tokens };

struct key_binding {
  key_row row;
  key_kind kind{key_kind::text};
  /// Sets from text. "" = done, else what is wrong without key and value.
  std::function<std::string(settings&, std::string_view)> set;
  std::function<std::string(const settings&)> show;
};
[[nodiscard]] auto key_bindings() -> const std::vector<key_binding>&;
/// nullptr: no such key.
[[nodiscard]] auto find_key(std::string_view section, std::string_view name) -> const key_binding*;
[[nodiscard]] auto section_names() -> std::vector<std::string>;

/// Checks over several keys: what a single key cannot say. One line for each problem.
[[nodiscard]] auto check_whole(const settings& s) -> std::vector<std::string>;

}  // namespace bestow::config
