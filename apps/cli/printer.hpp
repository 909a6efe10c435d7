// Rows on stdout as a table, CSV or JSON. Private to apps/cli.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "apps/cli/context.hpp"

namespace bestow::cli {

struct column {
  std::string name;   ///< Field of the JSON object; also the CSV header.
  std::string title;  ///< Of the table.
  bool right{false};
  bool money{false};  ///< Minor units of the row's currency; a table shows its major units.
};
/// A list of objects: chosen columns as a table, all fields as CSV. Without a row the CSV has the
/// header `fields`, or the chosen columns when it is empty.
void print_rows(const context& ctx, const nlohmann::ordered_json& rows,
                const std::vector<column>& columns, const std::vector<std::string>& fields = {});
/// One object: a field a line as a table, one row as CSV.
void print_object(const context& ctx, const nlohmann::ordered_json& object);
/// A cell as text: null is empty, numbers are digits, text is itself.
[[nodiscard]] auto cell_text(const nlohmann::ordered_json& value) -> std::string;
/// A CSV cell, quoted where needed; a leading = + - @ is defused so that no spreadsheet runs it.
[[nodiscard]] auto csv_cell(std::string_view text) -> std::string;
/// Minor units as the currency writes them: 1050 of USD is 10.50, of KRW 1050. An unknown currency
/// has no fraction. Text that is no whole number comes back as it is.
[[nodiscard]] auto major_units(std::string_view minor, std::string_view currency) -> std::string;
/// 1234567 as 1,234,567; what follows a point stays.
[[nodiscard]] auto grouped(std::string_view digits) -> std::string;

}  // namespace bestow::cli
