// Fields of a JSON object that is not trusted: a missing one and one of another kind are the same.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

namespace bestow::evidence {

/// nullopt: `of` is no object, has no such field, or the field is no string.
[[nodiscard]] inline auto text_in(const nlohmann::json& of, const char* name)
    -> std::optional<std::string> {
  const auto it = of.find(name);
  if (it == of.end() || !it->is_string()) return std::nullopt;
  return it->get<std::string>();
}

/// nullopt: `of` is no object, has no such field, or the field is no whole number from 0 on.
[[nodiscard]] inline auto number_in(const nlohmann::json& of, const char* name)
    -> std::optional<std::uint64_t> {
  const auto it = of.find(name);
  if (it == of.end() || !it->is_number_unsigned()) return std::nullopt;
  return it->get<std::uint64_t>();
}

}  // namespace bestow::evidence
