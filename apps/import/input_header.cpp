#include "apps/import/input_header.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "domain/target_row.hpp"

namespace bestow::importing {
namespace {

using domain::row_field;

constexpr std::array voucher_fields{
    row_field::target_id,      row_field::promotion_id,  row_field::customer_uid,
    row_field::voucher_number, row_field::merchant_code, row_field::merchant_brand_code,
    row_field::amount,         row_field::is_withdrawal, row_field::expiry,
    row_field::reason,         row_field::partition_key, row_field::publish_status};
constexpr std::array point_fields{row_field::target_id,     row_field::promotion_id,
                                  row_field::customer_uid,  row_field::amount,
                                  row_field::expiry,        row_field::reason,
                                  row_field::partition_key, row_field::publish_status};
constexpr std::array voucher_required{row_field::customer_uid, row_field::voucher_number,
                                      row_field::merchant_code, row_field::merchant_brand_code,
                                      row_field::is_withdrawal};
constexpr std::array point_required{row_field::customer_uid};

constexpr std::size_t shown_chars_max = 64;

auto required_of(promotion_type type) -> std::span<const row_field> {
  if (type == promotion_type::voucher) return voucher_required;
  return point_required;
}

}  // namespace

auto fields_of(promotion_type type) -> std::span<const row_field> {
  if (type == promotion_type::voucher) return voucher_fields;
  return point_fields;
}

auto field_names(promotion_type type) -> std::string {
  std::vector<std::string_view> names;
  for (const auto f : fields_of(type)) names.push_back(name_of(f, type == promotion_type::voucher));
  return fmt::format("{}", fmt::join(names, ", "));
}

auto read_header(std::span<const std::string_view> cells, promotion_type type)
    -> std::variant<input_header, domain::refusal> {
  using domain::rejection;
  const bool voucher = type == promotion_type::voucher;
  input_header header;
  const bool blank = std::ranges::all_of(cells, [](auto cell) { return cell.empty(); });
  if (cells.empty() || blank)
    return domain::refusal{rejection::input_header_missing,
                           "the first line names no columns; allowed are " + field_names(type)};
  const auto allowed = fields_of(type);
  for (const auto cell : cells) {
    const auto known =
        std::ranges::find(allowed, cell, [&](row_field f) { return name_of(f, voucher); });
    if (known == allowed.end())
      return domain::refusal{rejection::input_header_unknown_field,
                             fmt::format("'{}' is not a column of {} targets; allowed are {}",
                                         domain::utf8_prefix(cell, shown_chars_max),
                                         voucher ? "voucher" : "point", field_names(type))};
    if (std::ranges::count(header.fields, *known) > 0)
      return domain::refusal{rejection::input_header_duplicate_field,
                             fmt::format("column {} stands twice", cell)};
    header.names.emplace_back(cell);
    header.fields.push_back(*known);
  }
  for (const auto f : required_of(type))
    if (std::ranges::count(header.fields, f) == 0)
      return domain::refusal{rejection::input_header_lacks_required_field,
                             fmt::format("column {} is required; found are {}", name_of(f, voucher),
                                         fmt::join(header.names, ", "))};
  return header;
}

}  // namespace bestow::importing
