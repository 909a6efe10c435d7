// Reads the one shape every request body has: a JSON object of scalars and lists of ids.
//
// Numbers keep their text, so ids and money are exact above 2^53 and fractions are seen, not
// rounded. Nesting, repeated names, bad UTF-8 and trailing text are refused with their place.
// Pure; thread-agnostic.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "apps/http/problem.hpp"

namespace bestow::http {

enum class json_kind : std::uint8_t { text, integer, fraction, boolean, null, list };
struct json_field {
  std::string name;
  json_kind kind{json_kind::null};
  std::string text;  ///< The string, the number's digits, or true/false.
  std::vector<std::string> items;  ///< Of a list: its texts and whole numbers.
};
using flat_object = std::vector<json_field>;

/// @returns the fields in the order they stand, or json_malformed (line set), json_not_an_object,
///          field_repeated, field_wrong_type.
[[nodiscard]] auto parse_flat_json(std::string_view body) -> tl::expected<flat_object, problem>;

}  // namespace bestow::http
