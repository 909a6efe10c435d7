#include "apps/import/result_rows.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <utility>

#include "domain/target_row.hpp"

namespace bestow::importing {
namespace {

using domain::rejection;
using domain::result_field;

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
constexpr std::size_t shown_chars_max = 64;

auto column_names(promotion_type type) -> std::string {
  return std::string{type == promotion_type::voucher ? "voucher" : "point"} +
         "_target_id, promotion_id, customer_uid, partition_key, process_status, "
         "transaction_key, error_message, attempt, at";
}

auto shown(std::string_view text) -> std::string {
  return domain::utf8_length(text) ? std::string{domain::utf8_prefix(text, shown_chars_max)}
                                   : "(not UTF-8)";
}

auto malformed(std::string detail) -> domain::result_refusal {
  return {result_field::record, domain::result_rejection::result_malformed, std::move(detail)};
}

/// A scalar as the text that CSV would have there; nullopt: an array, an object, a fraction.
auto text_of(const simdjson::dom::element& value) -> std::optional<std::string> {
  std::string_view text;
  std::uint64_t number = 0;
  if (value.is_null()) return std::string{};
  if (!value.get(text)) return std::string{text};
  if (!value.get(number)) return std::to_string(number);
  return std::nullopt;
}

}  // namespace

auto result_rows::take_header(std::string_view record) -> std::optional<domain::refusal> {
  const auto cells = csv_.split(record);
  if (!cells || cells->empty() || (cells->size() == 1 && cells->front().empty()))
    return domain::refusal{rejection::input_header_missing,
                           "the first line names no columns; allowed are " + column_names(type_)};
  std::vector<result_field> fields;
  for (const auto cell : *cells) {
    const auto field = domain::result_field_of(cell, type_);
    if (!field)
      return domain::refusal{rejection::input_header_unknown_field,
                             fmt::format("'{}' is not a column of results; allowed are {}",
                                         shown(cell), column_names(type_))};
    if (std::ranges::count(fields, *field) > 0)
      return domain::refusal{rejection::input_header_duplicate_field,
                             fmt::format("column {} stands twice", cell)};
    fields.push_back(*field);
  }
  for (const auto f : {result_field::target_id, result_field::process_status})
    if (std::ranges::count(fields, f) == 0)
      return domain::refusal{rejection::input_header_lacks_required_field,
                             fmt::format("column {} is required", name_of(f))};
  header_ = std::move(fields);
  return std::nullopt;
}

auto result_rows::read_csv(std::string_view record) -> bool {
  const auto cells = csv_.split(record);
  if (!cells || cells->size() != header_->size()) return false;
  for (std::size_t i = 0; i < cells->size(); ++i) raw_.set((*header_)[i], (*cells)[i]);
  return true;
}

auto result_rows::read_json(std::string_view line) -> std::string {
  static thread_local simdjson::dom::parser parser;
  simdjson::dom::element root;
  simdjson::dom::object object;
  if (const auto error = parser.parse(line.data(), line.size(), true).get(root))
    return fmt::format("not JSON: {}", simdjson::error_message(error));
  if (root.get(object)) return "not a JSON object";
  texts_.assign(domain::result_field_count, {});
  std::array<bool, domain::result_field_count> seen{};
  for (const auto& [name, value] : object) {
    const auto field = domain::result_field_of(name, type_);
    if (!field)
      return fmt::format("'{}' is not a field of results; allowed are {}", shown(name),
                         column_names(type_));
    const auto index = static_cast<std::size_t>(*field);
    if (std::exchange(seen[index], true)) return fmt::format("{} stands twice", name_of(*field));
    auto text = text_of(value);
    if (!text) return fmt::format("{} is neither text nor a whole number", name_of(*field));
    texts_[index] = std::move(*text);
    raw_.set(*field, texts_[index]);
  }
  return {};
}

auto result_rows::judge(const input_record& record)
    -> std::variant<domain::result_line, domain::result_refusal> {
  raw_ = {};
  if (record.too_long)
    return malformed(fmt::format("more than {} bytes", limits::import_row_bytes_max));
  if (format_ == import_format::csv) {
    if (!read_csv(record.text))
      return malformed(fmt::format("not {} fields as the header has", header_->size()));
  } else if (auto why = read_json(record.text); !why.empty()) {
    return malformed(std::move(why));
  }
  return domain::judge_result(raw_);
}

auto result_rows::next() -> std::optional<tl::expected<read_result, domain::refusal>> {
  for (;;) {
    auto record = records_.next();
    if (!record) {
      const bool empty = records_.ended() && format_ == import_format::csv && !header_ && !began_;
      if (!empty) return std::nullopt;
      began_ = true;
      return tl::unexpected(domain::refusal{rejection::input_header_missing, "the file is empty"});
    }
    if (!began_ && record->text.starts_with(byte_order_mark))
      record->text.remove_prefix(byte_order_mark.size());
    began_ = true;
    if (format_ == import_format::csv && !header_) {
      if (auto no = take_header(record->text)) return tl::unexpected(std::move(*no));
      continue;
    }
    if (record->text.empty()) continue;  // A blank line holds no result.
    return read_result{record->line, judge(*record)};
  }
}

}  // namespace bestow::importing
