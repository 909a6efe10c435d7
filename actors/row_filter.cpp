#include <algorithm>

#include "actors/promotion_host.hpp"

namespace bestow::actors {

namespace {

auto keep(const u64_column& column, const std::vector<std::uint32_t>& dropped) -> u64_column {
  if (column.empty()) return column;
  std::vector<std::uint64_t> kept;
  kept.reserve(column.size());
  std::size_t d = 0;
  for (std::size_t i = 0; i < column.size(); ++i) {
    if (d < dropped.size() && dropped[d] == i)
      ++d;
    else
      kept.push_back(column[i]);
  }
  return u64_column::of(std::move(kept));
}

auto keep(const string_column& column, const std::vector<std::uint32_t>& dropped)
    -> string_column {
  string_column kept;
  std::size_t d = 0;
  for (std::size_t i = 0; i < column.size(); ++i) {
    if (d < dropped.size() && dropped[d] == i)
      ++d;
    else
      kept.push_back(column[i]);
  }
  return kept;
}

}  // namespace

void refuse_rows(import_chunk& chunk, const std::vector<std::uint32_t>& rows,
                 domain::row_field field, domain::row_rejection code,
                 std::vector<chunk_receipt::refused_row>& refused) {
  if (rows.empty()) return;
  for (const auto i : rows) refused.push_back({chunk.row_numbers[i], field, code});
  auto& f = chunk.facts;
  for (auto* column : {&f.target_ids, &f.customer_uids, &f.partitions, &f.amounts, &f.expiries,
                       &f.withdrawals})
    *column = keep(*column, rows);
  for (auto* column :
       {&f.reasons, &f.voucher_numbers, &f.merchant_codes, &f.merchant_brand_codes})
    *column = keep(*column, rows);
  std::size_t d = 0;
  std::size_t index = 0;
  std::erase_if(chunk.row_numbers, [&](std::uint64_t) {
    const bool drop = d < rows.size() && rows[d] == index;
    if (drop) ++d;
    ++index;
    return drop;
  });
}

void note_refused(targets_imported& facts, const std::vector<chunk_receipt::refused_row>& refused) {
  if (refused.empty()) return;
  std::vector<chunk_receipt::refused_row> all;
  for (std::size_t i = 0; i < facts.rejected_rows.size(); ++i)
    all.push_back({facts.rejected_rows[i],
                   static_cast<domain::row_field>(facts.rejected_fields[i]),
                   static_cast<domain::row_rejection>(facts.rejected_codes[i])});
  all.insert(all.end(), refused.begin(), refused.end());
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.row < b.row; });
  std::vector<std::uint64_t> rows, fields, codes;
  for (const auto& r : all) {
    rows.push_back(r.row);
    fields.push_back(static_cast<std::uint64_t>(r.field));
    codes.push_back(static_cast<std::uint64_t>(r.code));
  }
  facts.rejected_rows = u64_column::of(std::move(rows));
  facts.rejected_fields = u64_column::of(std::move(fields));
  facts.rejected_codes = u64_column::of(std::move(codes));
}

}  // namespace bestow::actors
