#include <array>

#include "domain/rejection.hpp"

namespace bestow::domain {
namespace {

using r = row_rejection;

constexpr auto row_rejections = std::to_array<row_rejection_row>({
    {r::row_malformed, "row_malformed",
     "The row is no CSV record or JSON object, or has another number of columns than the header.",
     "Check quotes, separators and a cut last line."},
    {r::row_too_long, "row_too_long", "The row has more than 65,536 bytes.",
     "Check for a quote that is never closed."},
    {r::field_missing, "field_missing", "A field every target needs is absent or empty.",
     "Fill the field."},
    {r::not_a_number, "not_a_number", "The field is not written in digits only.",
     "Write a whole number without sign, separator or space."},
    {r::number_out_of_range, "number_out_of_range", "The number is above the largest allowed.",
     "Give an id 1..2^63-1, a customer_uid 1..2^64-1."},
    {r::number_not_positive, "number_not_positive", "The number is zero or below.",
     "Give a number from 1 up."},
    {r::amount_has_fraction, "amount_has_fraction",
     "The amount has more digits after the point than its currency.",
     "Round it at the source; KRW has no fraction."},
    {r::amount_malformed, "amount_malformed",
     "The amount has a sign, separator, exponent or other character.",
     "Write digits, with a point where the currency has a fraction: 10000 or 12.34."},
    {r::amount_overflows, "amount_overflows", "The amount exceeds 2^63-1 minor units.",
     "Check the amount."},
    {r::time_malformed, "time_malformed",
     "The time has no accepted form, or there is no such day or hour.",
     "Write RFC 3339, yyyyMMddHHmmss, yyyy-MM-dd HH:mm:ss or yyyy-MM-ddTHH:mm:ss (Asia/Seoul)."},
    {r::time_in_past, "time_in_past", "The time was over when the batch was opened.",
     "Give a time to come."},
    {r::text_too_long, "text_too_long", "The text has more characters than the field allows.",
     "Shorten it; lengths count Unicode code points."},
    {r::text_not_utf8, "text_not_utf8", "The text is not valid UTF-8.", "Convert it to UTF-8."},
    {r::text_has_control_character, "text_has_control_character",
     "The text holds a control character, such as a tab or line break.", "Remove it."},
    {r::boolean_malformed, "boolean_malformed", "The field is none of true, false, 1, 0.",
     "Write one of them, in small letters."},
    {r::partition_out_of_range, "partition_out_of_range",
     "partition_key is not within 0..partition_count-1.",
     "Give a key in range, or none: then the customer decides."},
    {r::publish_status_not_pending, "publish_status_not_pending",
     "publish_status is neither empty nor PENDING.",
     "Take over only the targets an older job has not published."},
    {r::target_id_duplicate, "target_id_duplicate", "The promotion has this target id already.",
     "Give each target its own id."},
    {r::customer_duplicate, "customer_duplicate", "The promotion has this customer already.",
     "Remove the row, or create the promotion with allow_multiple_per_customer."},
    {r::voucher_number_duplicate, "voucher_number_duplicate",
     "The voucher number is taken, in this or another promotion.", "Issue another number."},
    {r::promotion_differs, "promotion_differs", "The row names another promotion.",
     "Import it into that promotion, or remove the column."},
});

constexpr auto in_enum_order() -> bool {
  for (std::size_t i = 0; i < row_rejections.size(); ++i)
    if (static_cast<std::size_t>(row_rejections[i].code) != i + 1) return false;
  return true;
}
static_assert(in_enum_order());
static_assert(row_rejections.size() == static_cast<std::size_t>(row_rejection::promotion_differs));

}  // namespace

auto row_rejection_table() -> std::span<const row_rejection_row> {
  return row_rejections;
}

auto name_of(row_rejection code) -> std::string_view {
  const auto index = static_cast<std::size_t>(code) - 1;
  return index < row_rejections.size() ? row_rejections[index].name : std::string_view{};
}

auto name_of(row_field f, bool voucher) -> std::string_view {
  switch (f) {
    case row_field::record:
      return "record";
    case row_field::target_id:
      return voucher ? "voucher_target_id" : "point_target_id";
    case row_field::promotion_id:
      return "promotion_id";
    case row_field::customer_uid:
      return "customer_uid";
    case row_field::voucher_number:
      return "voucher_number";
    case row_field::merchant_code:
      return "merchant_code";
    case row_field::merchant_brand_code:
      return "merchant_brand_code";
    case row_field::amount:
      return "amount";
    case row_field::is_withdrawal:
      return "is_withdrawal";
    case row_field::expiry:
      return voucher ? "valid_until" : "expiry_at";
    case row_field::reason:
      return "reason";
    case row_field::partition_key:
      return "partition_key";
    case row_field::publish_status:
      return "publish_status";
  }
  return {};  // A number from a damaged or newer log.
}

}  // namespace bestow::domain
