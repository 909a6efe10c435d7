#include "domain/result_row.hpp"

#include <fmt/format.h>

#include <charconv>
#include <limits>

#include "domain/target_row.hpp"
#include "events/limits.hpp"

namespace bestow::domain {
namespace {

using r = result_rejection;

constexpr std::size_t shown_chars_max = 64;
constexpr std::array<std::string_view, result_field_count> field_names{
    "record",         "target_id",       "promotion_id",  "customer_uid", "partition_key",
    "process_status", "transaction_key", "error_message", "attempt",      "at"};

constexpr auto rejections = std::to_array<result_rejection_row>({
    {r::result_malformed, "result_malformed",
     "The row is no CSV record or JSON object, or has another number of columns than the header.",
     "Check quotes, separators and a cut last line."},
    {r::result_field_missing, "result_field_missing",
     "The target id or process_status is absent or empty.", "Fill the field."},
    {r::result_number_invalid, "result_number_invalid",
     "The field is not written in digits only, or is out of range.",
     "Write a whole number without sign, separator or space."},
    {r::result_status_unknown, "result_status_unknown",
     "process_status is none of SUCCESS, RETRYING, FAILED.", "Write one of them."},
    {r::result_text_invalid, "result_text_invalid",
     "The text is not valid UTF-8, or transaction_key has more than 100 characters.",
     "Convert it, or send the key the payment really has: a cut key could name two payments."},
    {r::result_time_malformed, "result_time_malformed",
     "The time has no accepted form, or there is no such day or hour.",
     "Write RFC 3339, yyyyMMddHHmmss, yyyy-MM-dd HH:mm:ss or yyyy-MM-ddTHH:mm:ss (Asia/Seoul)."},
    {r::result_promotion_differs, "result_promotion_differs",
     "promotion_id is another promotion's than the one the file is imported into.",
     "Import the row into its own promotion."},
    {r::result_target_unknown, "result_target_unknown",
     "The sealed list has no target with this id.", "Check the id with `bestow target show`."},
    {r::result_customer_differs, "result_customer_differs",
     "customer_uid is not the target's in the sealed list.",
     "Find out whom the payer paid; the list is what was to be paid."},
    {r::result_partition_differs, "result_partition_differs",
     "partition_key is not the target's in the sealed list.",
     "Leave the column out, or send the key of the grant."},
    {r::result_never_released, "result_never_released",
     "No attempt of the target was ever released to the payer.",
     "Find out why the payer answers; the row can be imported once the target is released."},
});

auto shown(std::string_view text) -> std::string {
  if (!utf8_length(text)) return "(not UTF-8)";
  return "'" + std::string{utf8_prefix(text, shown_chars_max)} + "'";
}

struct bounds {
  std::uint64_t least;
  std::uint64_t most;
};

/// Reads a number; an empty field leaves `out` alone.
auto read_number(const raw_result& raw, result_field f, bounds allowed,
                 std::optional<std::uint64_t>& out) -> std::optional<result_refusal> {
  const auto text = raw.get(f);
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size() && value >= allowed.least &&
      value <= allowed.most) {
    out = value;
    return std::nullopt;
  }
  return result_refusal{f, r::result_number_invalid,
                        fmt::format("{} is {}; allowed is {}..{}", name_of(f), shown(text),
                                    allowed.least, allowed.most)};
}

auto missing(result_field f) -> result_refusal {
  return {f, r::result_field_missing, fmt::format("{} is missing", name_of(f))};
}

auto read_ids(const raw_result& raw, result_line& out) -> std::optional<result_refusal> {
  std::optional<std::uint64_t> id, promotion, customer, partition;
  const bounds any_id{1, limits::id_max};
  if (auto no = read_number(raw, result_field::target_id, any_id, id)) return no;
  if (!id) return missing(result_field::target_id);
  if (auto no = read_number(raw, result_field::promotion_id, any_id, promotion)) return no;
  const bounds any_uid{0, std::numeric_limits<std::uint64_t>::max()};
  if (auto no = read_number(raw, result_field::customer_uid, any_uid, customer)) return no;
  const bounds any_partition{0, limits::partition_count_max - 1};
  if (auto no = read_number(raw, result_field::partition_key, any_partition, partition)) return no;
  out.id = {*id};
  if (promotion) out.promotion = promotion_id{*promotion};
  if (customer) out.customer = customer_uid{*customer};
  if (partition) out.partition = partition_no{static_cast<std::uint16_t>(*partition)};
  return std::nullopt;
}

auto read_status(const raw_result& raw, result_line& out) -> std::optional<result_refusal> {
  const auto text = raw.get(result_field::process_status);
  if (text.empty()) return missing(result_field::process_status);
  for (const auto s : {process_status::success, process_status::retrying, process_status::failed}) {
    if (text != name_of(s)) continue;
    out.status = s;
    return std::nullopt;
  }
  return result_refusal{result_field::process_status, r::result_status_unknown,
                        fmt::format("process_status is {}; SUCCESS, RETRYING or FAILED",
                                    shown(text))};
}

auto read_texts(const raw_result& raw, result_line& out) -> std::optional<result_refusal> {
  for (const auto f : {result_field::transaction_key, result_field::error_message})
    if (!utf8_length(raw.get(f)))
      return result_refusal{f, r::result_text_invalid,
                            fmt::format("{} is not UTF-8", name_of(f))};
  out.transaction_key = raw.get(result_field::transaction_key);
  out.error_message = raw.get(result_field::error_message);
  if (*utf8_length(out.transaction_key) <= limits::transaction_key_chars_max) return std::nullopt;
  return result_refusal{result_field::transaction_key, r::result_text_invalid,
                        fmt::format("transaction_key has more than {} characters",
                                    limits::transaction_key_chars_max)};
}

}  // namespace

auto name_of(result_field f) -> std::string_view {
  return field_names[static_cast<std::size_t>(f)];
}

auto result_rejection_table() -> std::span<const result_rejection_row> { return rejections; }

auto name_of(result_rejection code) -> std::string_view {
  return rejections[static_cast<std::size_t>(code)].name;
}

auto result_field_of(std::string_view name, promotion_type type) -> std::optional<result_field> {
  const auto own =
      type == promotion_type::voucher ? "voucher_target_id" : "point_target_id";
  if (name == own) return result_field::target_id;
  for (std::size_t i = 1; i < field_names.size(); ++i)
    if (name == field_names[i]) return static_cast<result_field>(i);
  return std::nullopt;
}

auto judge_result(const raw_result& raw) -> std::variant<result_line, result_refusal> {
  result_line out;
  if (auto no = read_ids(raw, out)) return *std::move(no);
  if (auto no = read_status(raw, out)) return *std::move(no);
  if (auto no = read_texts(raw, out)) return *std::move(no);
  std::optional<std::uint64_t> attempt;
  const bounds any_attempt{1, std::numeric_limits<std::uint16_t>::max()};
  if (auto no = read_number(raw, result_field::attempt, any_attempt, attempt)) return *std::move(no);
  if (attempt) out.attempt = static_cast<std::uint16_t>(*attempt);
  const auto at = raw.get(result_field::at);
  if (at.empty()) return out;
  const auto parsed = parse_time(at);
  if (!parsed)
    return result_refusal{result_field::at, r::result_time_malformed,
                          fmt::format("at is {}", shown(at))};
  out.at = *parsed;
  return out;
}

}  // namespace bestow::domain
