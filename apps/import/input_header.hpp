// The names of a CSV input's columns.
//
// Pure. The names are those of the promotion's type; there are no synonyms.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "domain/rejection.hpp"
#include "events/types.hpp"

namespace bestow::importing {

struct input_header {
  std::vector<std::string> names;         ///< As found, in order.
  std::vector<domain::row_field> fields;  ///< Of each column.
};

/// Fields a row of this type may have, `record` apart.
[[nodiscard]] auto fields_of(promotion_type type) -> std::span<const domain::row_field>;
/// Their names, comma-separated, for people.
[[nodiscard]] auto field_names(promotion_type type) -> std::string;

/// @refuses input_header_missing, input_header_unknown_field, input_header_duplicate_field,
///          input_header_lacks_required_field; the detail names the field and what is allowed.
[[nodiscard]] auto read_header(std::span<const std::string_view> cells, promotion_type type)
    -> std::variant<input_header, domain::refusal>;

}  // namespace bestow::importing
