#include <charconv>

#include <fmt/format.h>

#include "apps/http/input.hpp"
#include "apps/http/reconciliation.hpp"
#include "domain/target_row.hpp"
#include "events/limits.hpp"

namespace bestow::http {
namespace {

/// The columns of one line; quotes around a column are taken off.
auto columns_of(std::string_view line) -> std::vector<std::string_view> {
  std::vector<std::string_view> columns;
  for (;;) {
    const auto comma = line.find(',');
    auto column = line.substr(0, comma);
    if (column.size() >= 2 && column.front() == '"' && column.back() == '"')
      column = column.substr(1, column.size() - 2);
    columns.push_back(column);
    if (comma == std::string_view::npos) return columns;
    line.remove_prefix(comma + 1);
  }
}

}  // namespace

auto ledger_reader::wrong(std::string detail) -> bool {
  trouble_ = problem_of(request_error::ledger_malformed, fmt::format("line {}: {}", line_, detail));
  trouble_->line = line_;
  return false;
}

auto ledger_reader::take_header(std::string_view line) -> bool {
  constexpr std::string_view bom = "\xEF\xBB\xBF";
  if (line.starts_with(bom)) line.remove_prefix(bom.size());
  const auto columns = columns_of(line);
  constexpr auto none = ~std::size_t{0};
  id_column_ = amount_column_ = none;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto name = columns[i];
    if (name == "target_id" || name == "voucher_target_id" || name == "point_target_id")
      id_column_ = i;
    if (name == "amount") amount_column_ = i;
  }
  if (id_column_ != none && amount_column_ != none) return true;
  return wrong("the header must name target_id and amount");
}

auto ledger_reader::take_line(std::string_view line) -> bool {
  ++line_;
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line_ == 1) return take_header(line);
  if (line.empty()) return true;
  const auto columns = columns_of(line);
  if (columns.size() <= std::max(id_column_, amount_column_)) return wrong("columns are missing");
  const auto id = columns[id_column_];
  ledger_line row;
  const auto [stop, error] = std::from_chars(id.data(), id.data() + id.size(), row.target);
  if (error != std::errc{} || stop != id.data() + id.size() || row.target == 0)
    return wrong(fmt::format("target_id is '{}'; it wants a number from 1 on", shown(id)));
  const auto amount = domain::parse_amount(columns[amount_column_], exponent_);
  const auto* minor = std::get_if<money_minor>(&amount);
  if (minor == nullptr)
    return wrong(fmt::format("amount is '{}'; {}", shown(columns[amount_column_]),
                             domain::name_of(std::get<domain::row_rejection>(amount))));
  row.amount = minor->value;
  if (lines_.size() == lines_max_) return wrong(fmt::format("more than {} payments", lines_max_));
  lines_.push_back(row);
  return true;
}

auto ledger_reader::feed(std::string_view piece) -> bool {
  rest_ += piece;
  std::size_t from = 0;
  for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', from)) {
    if (!take_line(std::string_view{rest_}.substr(from, end - from))) return false;
    from = end + 1;
  }
  rest_.erase(0, from);
  if (rest_.size() <= limits::ledger_line_bytes_max) return true;
  ++line_;
  return wrong(fmt::format("longer than {} bytes", limits::ledger_line_bytes_max));
}

auto ledger_reader::finish() -> bool {
  if (!rest_.empty() && !take_line(rest_)) return false;
  if (line_ > 0) return true;
  ++line_;
  return wrong("the ledger is empty");
}

}  // namespace bestow::http
