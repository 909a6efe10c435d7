#include "apps/import/import_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "apps/import/encoding.hpp"
#include "events/assert.hpp"

namespace bestow::importing {
namespace {

using domain::rejection;
using domain::row_field;
using domain::row_rejection;

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

auto no(rejection why, std::string detail) -> tl::expected<void, domain::refusal> {
  return tl::unexpected{domain::refusal{why, std::move(detail)}};
}

auto malformed(std::string detail) -> domain::row_refusal {
  return {row_field::record, row_rejection::row_malformed, std::move(detail)};
}

/// Far into a file that began as ASCII or UTF-8, where the file can no longer be refused as one.
void say_when_cp949(domain::row_refusal& refused, std::string_view record) {
  if (looks_like_cp949(record))
    refused.detail +=
        "; the row looks like CP949 (EUC-KR): convert the file to UTF-8, or import all of it with "
        "--encoding cp949";
}

/// The values as a column, leaving the vector ready for the next chunk.
auto take_column(std::vector<std::uint64_t>& values) -> u64_column {
  const auto capacity = values.size();
  auto column = u64_column::of(std::move(values));
  values = {};
  values.reserve(capacity);
  return column;
}

}  // namespace

auto judged_chunk::original_of(std::uint64_t row) const -> std::string_view {
  const auto i = row - first_row;
  const auto begin = i == 0 ? 0 : original_ends[i - 1];
  return std::string_view{originals}.substr(begin, original_ends[i] - begin);
}

import_session::import_session(session_options options)
    : options_{std::move(options)}, records_{options_.format}, ndjson_{options_.type} {}

auto import_session::check_begin() -> std::optional<tl::expected<void, domain::refusal>> {
  if (!encoding_good_) {
    auto start = records_.waiting();
    if (start.size() < first_bytes && !records_.ended()) return std::nullopt;
    // Whatever the pieces were, the same bytes are looked at.
    const bool whole = records_.ended() && start.size() <= first_bytes;
    start = start.substr(0, first_bytes);
    if (auto good = check_encoding(start, whole); !good) return good;
    if (start.starts_with(byte_order_mark)) records_.skip(byte_order_mark.size());
    encoding_good_ = true;
  }
  if (options_.format == import_format::ndjson) return tl::expected<void, domain::refusal>{};
  return check_header();
}

auto import_session::check_encoding(std::string_view start, bool whole) const
    -> tl::expected<void, domain::refusal> {
  if (options_.converter) {
    if (may_be_cp949(start, whole)) return {};
    return no(rejection::input_encoding_not_cp949, "the input is not CP949 (EUC-KR), as was said");
  }
  if (start.starts_with(byte_order_mark)) start.remove_prefix(byte_order_mark.size());
  switch (judge_encoding(start, whole)) {
    case input_encoding::cp949:
      return no(rejection::input_encoding_cp949,
                "the input is CP949 (EUC-KR); import it with --encoding cp949, over HTTP with "
                "encoding=cp949, or convert it to UTF-8");
    case input_encoding::other:
      return no(rejection::input_encoding_not_utf8,
                "the input is not UTF-8; convert it to UTF-8 first");
    case input_encoding::utf8:
      break;
  }
  return {};
}

auto import_session::check_header() -> std::optional<tl::expected<void, domain::refusal>> {
  const auto record = records_.next();
  if (!record && !records_.ended()) return std::nullopt;
  if (!record)
    return no(
        rejection::input_header_missing,
        "the input is empty; its first line must name the columns: " + field_names(options_.type));
  if (record->too_long)
    return no(rejection::input_header_too_long,
              fmt::format("the first line has more than {} bytes", limits::import_row_bytes_max));
  const auto cells = csv_.split(text_of(record->text).value_or(record->text));
  if (!cells)
    return no(rejection::input_header_missing, "the quotes of the first line do not match");
  auto header = read_header(*cells, options_.type);
  if (auto* refused = std::get_if<domain::refusal>(&header))
    return no(refused->why, std::move(refused->detail));
  header_ = std::get<input_header>(std::move(header));
  return tl::expected<void, domain::refusal>{};
}

void import_session::start(const domain::row_rules& rules, const durable_prefix& durable) {
  rules_ = rules;
  durable_ = durable;
}

auto import_session::next() -> std::optional<tl::expected<judged_chunk, domain::refusal>> {
  while (auto record = records_.next()) {
    if (!record->too_long && is_blank(record->text)) continue;
    judge(*record);
    if (chunk_is_full()) return close_chunk();
  }
  if (!records_.ended()) return std::nullopt;
  if (rows_ < durable_.rows) return tl::unexpected{content_differs()};
  if (current_.lines.empty()) return std::nullopt;
  return close_chunk();
}

auto import_session::is_blank(std::string_view text) const -> bool {
  if (options_.format == import_format::csv) return text.empty();
  return text.find_first_not_of(" \t\r") == std::string_view::npos;
}

void import_session::judge(input_record record) {
  if (record.lines > 1 && !is_row_of_many_lines(record)) record = records_.first_line_again();
  ++rows_;
  last_byte_end_ = record.byte_end;
  current_.lines.push_back(record.line);
  current_.originals.append(text_of(record.text).value_or(record.text));
  current_.original_ends.push_back(static_cast<std::uint32_t>(current_.originals.size()));
  auto refused = verdict_on(record);
  if (!refused) return;
  if (record.lines > 1)
    refused->detail += fmt::format(" (the record takes lines {} to {})", record.line,
                                   record.line + record.lines - 1);
  refuse(*std::move(refused));
}

/// A record over several lines with another number of columns than the header may be a quote too
/// much on its first line and good rows behind it.
auto import_session::is_row_of_many_lines(const input_record& record) -> bool {
  const auto text = text_of(record.text);
  if (!text) return false;
  const auto cells = csv_.split(*text);
  return cells && cells->size() == header_.fields.size();
}

auto import_session::text_of(std::string_view record) -> std::optional<std::string_view> {
  if (!options_.converter) return record;
  return options_.converter->to_utf8(record);
}

/// Accepts the row, or says why not.
auto import_session::verdict_on(const input_record& record) -> std::optional<domain::row_refusal> {
  if (auto refused = read_row(record)) return refused;
  auto judged =
      domain::judge_row(options_.format == import_format::csv ? raw_ : ndjson_.row(), rules_);
  if (auto* refused = std::get_if<domain::row_refusal>(&judged)) {
    if (refused->code == row_rejection::text_not_utf8) say_when_cp949(*refused, record.text);
    return std::move(*refused);
  }
  const auto& row = std::get<domain::target_row>(judged);
  if (auto refused = check_id_mode(row)) return refused;
  if (rows_ > durable_.rows) accept(row);
  return std::nullopt;
}

auto import_session::read_row(const input_record& record) -> std::optional<domain::row_refusal> {
  if (record.too_long)
    return domain::row_refusal{
        row_field::record, row_rejection::row_too_long,
        fmt::format("the record has more than {} bytes", limits::import_row_bytes_max)};
  const auto text = text_of(record.text);
  if (!text)
    return domain::row_refusal{row_field::record, row_rejection::text_not_utf8,
                               "the row is not valid CP949"};
  if (options_.format == import_format::ndjson) {
    auto refused = ndjson_.read(*text);
    if (refused && refused->code == row_rejection::text_not_utf8)
      say_when_cp949(*refused, record.text);
    return refused;
  }
  const auto cells = csv_.split(*text);
  if (!cells && record.cut)
    return malformed(
        fmt::format("a quote opens on this line, and nothing closes it as it should within {} "
                    "lines and {} bytes; reading goes on with the next line",
                    limits::import_row_lines_max, limits::import_row_bytes_max));
  if (!cells) return malformed("a quote stands inside a field, or a closing quote is missing");
  if (cells->size() != header_.fields.size())
    return malformed(
        fmt::format("{} columns; the header has {}", cells->size(), header_.fields.size()));
  for (std::size_t i = 0; i < cells->size(); ++i) raw_.set(header_.fields[i], (*cells)[i]);
  return std::nullopt;
}

auto import_session::check_id_mode(const domain::target_row& row)
    -> std::optional<domain::row_refusal> {
  if (!ids_given_) ids_given_ = row.id.has_value();
  if (*ids_given_ == row.id.has_value()) return std::nullopt;
  const auto name = name_of(row_field::target_id, options_.type == promotion_type::voucher);
  if (*ids_given_)
    return domain::row_refusal{row_field::target_id, row_rejection::field_missing,
                               fmt::format("{} is missing; earlier rows have one", name)};
  return domain::row_refusal{row_field::target_id, row_rejection::row_malformed,
                             fmt::format("{} is given; earlier rows have none", name)};
}

void import_session::accept(const domain::target_row& row) {
  auto& facts = current_.chunk.facts;
  current_.chunk.row_numbers.push_back(rows_);
  if (row.id) ids_.push_back(row.id->value);
  customers_.push_back(row.customer.value);
  partitions_.push_back(row.partition.value);
  amounts_.push_back(static_cast<std::uint64_t>(row.amount.value));
  expiries_.push_back(static_cast<std::uint64_t>(row.expiry.value));
  facts.reasons.push_back(row.reason);
  text_bytes_ += row.reason.size();
  if (options_.type != promotion_type::voucher) return;
  facts.voucher_numbers.push_back(row.voucher_number);
  facts.merchant_codes.push_back(row.merchant_code);
  facts.merchant_brand_codes.push_back(row.merchant_brand_code);
  withdrawals_.push_back(row.is_withdrawal ? 1 : 0);
  text_bytes_ +=
      row.voucher_number.size() + row.merchant_code.size() + row.merchant_brand_code.size();
}

void import_session::refuse(domain::row_refusal refusal) {
  current_.bad_rows.push_back({rows_, refusal.field, refusal.code, std::move(refusal.detail)});
}

auto import_session::chunk_is_full() const -> bool {
  return current_.lines.size() == limits::import_chunk_rows ||
         text_bytes_ >= limits::import_chunk_text_bytes ||
         current_.originals.size() >= chunk_original_bytes_max || rows_ == durable_.rows;
}

auto import_session::close_chunk() -> tl::expected<judged_chunk, domain::refusal> {
  auto& facts = current_.chunk.facts;
  const auto digest = records_.digest_so_far();
  if (rows_ == durable_.rows && (last_byte_end_ != durable_.bytes || digest != durable_.sha256))
    return tl::unexpected{content_differs()};
  current_.durable = rows_ <= durable_.rows;
  current_.chunk.batch = facts.batch = options_.batch;
  facts.first_row = current_.first_row;
  facts.row_count = static_cast<std::uint32_t>(current_.lines.size());
  facts.byte_end = current_.byte_end = last_byte_end_;
  facts.prefix_sha256 = digest;
  facts.ids_given = !ids_.empty();
  facts.target_ids = take_column(ids_);
  facts.customer_uids = take_column(customers_);
  facts.partitions = take_column(partitions_);
  facts.amounts = take_column(amounts_);
  facts.expiries = take_column(expiries_);
  facts.withdrawals = take_column(withdrawals_);
  std::vector<std::uint64_t> rows, fields, codes;
  for (const auto& bad : current_.bad_rows) {
    rows.push_back(bad.row);
    fields.push_back(static_cast<std::uint64_t>(bad.field));
    codes.push_back(static_cast<std::uint64_t>(bad.code));
  }
  facts.rejected_rows = u64_column::of(std::move(rows));
  facts.rejected_fields = u64_column::of(std::move(fields));
  facts.rejected_codes = u64_column::of(std::move(codes));
  auto closed = std::exchange(current_, {});
  current_.first_row = rows_ + 1;
  text_bytes_ = 0;
  return closed;
}

auto import_session::content_differs() const -> domain::refusal {
  return {rejection::batch_content_differs,
          fmt::format("the first {} rows ({} bytes) of batch {} came before with other content",
                      durable_.rows, durable_.bytes, options_.batch)};
}

auto import_session::original_columns() const -> std::vector<std::string> {
  if (options_.format == import_format::csv) return header_.names;
  return {"record"};
}

auto import_session::original_cells(std::string_view original) -> std::vector<std::string_view> {
  if (options_.format == import_format::ndjson) return {original};
  const auto cells = csv_.split(original);
  if (!cells) return {original};
  return {cells->begin(), cells->end()};
}

auto import_session::original_field(std::string_view original, row_field field) -> std::string {
  if (options_.format == import_format::ndjson) {
    if (ndjson_.read(original)) return {};
    return std::string{ndjson_.row().get(field).value_or("")};
  }
  const auto at = std::ranges::find(header_.fields, field);
  const auto cells = csv_.split(original);
  const auto i = static_cast<std::size_t>(at - header_.fields.begin());
  if (!cells || i >= cells->size()) return {};
  return std::string{(*cells)[i]};
}

}  // namespace bestow::importing
