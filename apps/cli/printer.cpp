#include "apps/cli/printer.hpp"

#include <cstdlib>
#include <memory>

#include <libsmartcols/libsmartcols.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "domain/target_row.hpp"

namespace bestow::cli {
namespace {

using nlohmann::ordered_json;

struct table_end {
  void operator()(libscols_table* t) const { scols_unref_table(t); }
};
using table = std::unique_ptr<libscols_table, table_end>;

auto make_table(const context& ctx, const std::vector<column>& columns) -> table {
  table t{scols_new_table()};
  scols_table_enable_colors(t.get(), ctx.colour() ? 1 : 0);
  scols_table_set_termforce(
      t.get(), ctx.with.out_is_terminal ? SCOLS_TERMFORCE_AUTO : SCOLS_TERMFORCE_NEVER);
  for (const auto& c : columns)
    scols_table_new_column(t.get(), c.title.c_str(), 0, c.right ? SCOLS_FL_RIGHT : 0);
  return t;
}

void print(const context& ctx, const table& t) {
  char* text = nullptr;
  if (scols_print_table_to_string(t.get(), &text) != 0 || text == nullptr) return;
  ctx.with.out << text << '\n';
  std::free(text);  // NOLINT: allocated by libsmartcols.
}

void print_csv(const context& ctx, const ordered_json& rows, std::vector<std::string> fields) {
  if (!rows.empty()) fields.clear();
  if (!rows.empty())
    for (const auto& [name, value] : rows.front().items()) fields.push_back(name);
  ctx.with.out << fmt::format("{}\n", fmt::join(fields, ","));
  std::string line;
  for (const auto& row : rows) {
    line.clear();
    bool first = true;
    for (const auto& [name, value] : row.items()) {
      if (!first) line += ',';
      first = false;
      line += csv_cell(cell_text(value));
    }
    ctx.with.out << line << '\n';
  }
}

}  // namespace

auto cell_text(const ordered_json& value) -> std::string {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  return value.dump();
}

auto csv_cell(std::string_view text) -> std::string {
  std::string out;
  constexpr std::string_view formula = "=+-@\t\r";
  if (!text.empty() && formula.find(text.front()) != std::string_view::npos) out += '\'';
  out += text;
  if (out.find_first_of(",\"\r\n") == std::string::npos) return out;
  std::string quoted = "\"";
  for (const char c : out) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

auto major_units(std::string_view minor, std::string_view currency) -> std::string {
  const auto exponent = domain::currency_exponent(currency).value_or(0);
  const bool negative = minor.starts_with('-');
  std::string digits{minor.substr(negative ? 1 : 0)};
  if (exponent == 0 || digits.empty() ||
      digits.find_first_not_of("0123456789") != std::string::npos)
    return std::string{minor};
  if (digits.size() <= exponent) digits.insert(0, exponent + 1 - digits.size(), '0');
  digits.insert(digits.size() - exponent, 1, '.');
  return (negative ? "-" : "") + digits;
}

auto grouped(std::string_view number) -> std::string {
  const auto digits = number.substr(0, number.find('.'));
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0 && digits[i - 1] != '-') out += ',';
    out += digits[i];
  }
  return out.append(number.substr(digits.size()));
}

void print_rows(const context& ctx, const ordered_json& rows, const std::vector<column>& columns,
                const std::vector<std::string>& fields) {
  if (ctx.output() == output_kind::csv) {
    auto header = fields;
    if (header.empty())
      for (const auto& c : columns) header.push_back(c.name);
    print_csv(ctx, rows, std::move(header));
    return;
  }
  const auto t = make_table(ctx, columns);
  for (const auto& row : rows) {
    auto* line = scols_table_new_line(t.get(), nullptr);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto it = row.find(columns[i].name);
      auto text = it == row.end() ? "" : cell_text(*it);
      if (columns[i].money) text = major_units(text, row.value("currency", ""));
      scols_line_set_data(line, i, columns[i].right ? grouped(text).c_str() : text.c_str());
    }
  }
  if (!rows.empty()) print(ctx, t);
}

void print_object(const context& ctx, const ordered_json& object) {
  if (ctx.output() == output_kind::csv) {
    print_csv(ctx, ordered_json::array({object}), {});
    return;
  }
  const auto t = make_table(ctx, {{"field", "FIELD", false}, {"value", "VALUE", false}});
  scols_table_enable_noheadings(t.get(), 1);
  const auto currency = cell_text(object.value("currency", ordered_json{}));
  for (const auto& [name, value] : object.items()) {
    if (value.is_null() || value.is_array()) continue;
    auto* line = scols_table_new_line(t.get(), nullptr);
    scols_line_set_data(line, 0, name.c_str());
    auto text = cell_text(value);
    if (name == "amount" || name.ends_with("_amount")) text = major_units(text, currency);
    scols_line_set_data(line, 1, text.c_str());
  }
  print(ctx, t);
}

}  // namespace bestow::cli
