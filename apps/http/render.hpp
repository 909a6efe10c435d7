// Answers as JSON, under the field names of the contract. Ids and money are strings, counts
// numbers, times RFC 3339; what is not given is null. Pure.
#pragma once

#include "actors/engine.hpp"
#include "apps/evidence/manifest.hpp"
#include "apps/http/json_writer.hpp"
#include "projections/queries.hpp"

namespace bestow::http {

/// The fields of one promotion and its summary, flat, without braces; `as_of` as as_of_position.
/// `asked`: the earlier time that was asked about; 0: none, null in the answer.
void write_promotion(json_writer& w, const projections::promotion_row& row, position as_of,
                     timestamp asked = {});
void write_partition(json_writer& w, const projections::partition_row& row);
/// The fields of one target without braces.
void write_target(json_writer& w, const projections::promotion_row& of,
                  const projections::target_view_row& row);
/// A backup as it was made.
[[nodiscard]] auto backup_json(const std::string& directory, const evidence::manifest& m)
    -> std::string;
[[nodiscard]] auto receipt_json(const actors::command_receipt& r) -> std::string;

}  // namespace bestow::http
