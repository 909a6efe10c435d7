// What every POST promotions/{id}/{verb} shares. Private to apps/http.
#pragma once

#include <optional>
#include <string>

#include "apps/http/field_reader.hpp"
#include "apps/http/http_types.hpp"
#include "apps/http/input.hpp"

namespace bestow::http {

/// What a verb needs before it is sent on.
struct verb {
  promotion_id id{};
  actors::caller by;
  field_reader fields{{}};
};
/// Path, caller and body; the fields are still to be taken.
[[nodiscard]] auto read_verb(const request& in) -> checked_value<verb>;
/// The engine's outcome as an answer; 201 names the new promotion's place.
[[nodiscard]] auto receipt(const actors::outcome<actors::command_receipt>& done,
                           std::uint16_t status = 200) -> answer;
/// A reason that stands in the log is bounded.
[[nodiscard]] auto check_reason(std::string_view reason) -> std::optional<problem>;

}  // namespace bestow::http
