// The shapes of bodies and answers, as data: OpenAPI is generated from them and a test compares
// them with what the handlers write. Constant data.
#pragma once

#include <span>
#include <string_view>

namespace bestow::http {

enum class shape : std::uint8_t { id, money, count, text, time, date, flag, object, list, ids };
struct schema_field {
  std::string_view name;
  shape type;
  bool nullable{false};
  std::string_view of;  ///< Schema of an object or of a list's items; "" = plain text items.
  std::string_view meaning;
};
struct schema {
  std::string_view name;
  std::span<const schema_field> fields;
  std::span<const std::string_view> required;  ///< Only for bodies; answers always have all fields.
  bool body{false};
};
[[nodiscard]] auto schema_table() -> std::span<const schema>;
/// nullptr: no such schema.
[[nodiscard]] auto find_schema(std::string_view name) -> const schema*;

}  // namespace bestow::http
