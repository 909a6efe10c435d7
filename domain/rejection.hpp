// Every "no" the domain can say, in order of precedence: when several apply, the first listed is
// the answer. Code, tests and docs/reference/rejections.md list them in this order; the table
// below is what `bestow explain` and the generated page read.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace bestow::domain {

enum class rejection : std::uint8_t {
  // any command on a promotion
  promotion_not_found,
  idempotency_key_reused,  ///< Same key, other body.
  promotion_cancelled,     ///< It was given up before its first run.
  // create
  promotion_id_out_of_range,
  promotion_exists,  ///< The id is taken by a different promotion.
  text_malformed,   ///< A text is not UTF-8 or holds a control character.
  external_id_too_long,
  external_id_taken,
  currency_unknown,
  partition_count_out_of_range,
  default_reason_too_long,
  default_amount_not_positive,
  default_expiry_in_past,
  reservation_in_past,
  control_total_negative,
  budget_not_positive,
  approval_policy_needs_tokens,  ///< four_eyes without named tokens in the configuration.
  // import
  list_already_sealed,
  batch_id_missing,
  batch_id_too_long,
  batch_content_differs,  ///< A re-send whose bytes are not those of the first time.
  batch_abandoned,        ///< The batch was given up; send it under a new id.
  too_many_open_batches,
  batch_not_open,
  batch_rows_out_of_order,  ///< The next chunk does not begin where the last one ended.
  ids_given_in_part,        ///< Ids must be given in all rows of the promotion or in none.
  too_many_targets,
  input_header_missing,
  input_header_too_long,
  input_header_unknown_field,
  input_header_duplicate_field,
  input_header_lacks_required_field,
  input_encoding_not_utf8,
  input_encoding_cp949,
  input_encoding_not_cp949,   ///< CP949 was asked for, and the input is something else.
  strict_import_has_bad_rows,  ///< Asked for all rows or none; the batch is void.
  // seal
  import_open,
  amount_missing_without_default,
  reason_missing_without_default,
  expiry_missing_without_default,
  total_overflows,
  total_count_differs,   ///< The control total given at create does not match.
  total_amount_differs,
  budget_exceeded,
  // approve, schedule, start, stop, resume, cancel, close
  not_sealed,
  approver_is_creator,
  not_approved,
  start_time_in_past,
  cancel_after_start,
  promotion_closed,  ///< It was closed: nothing is released, retried or recalled any more.
  close_while_open,  ///< Not stopped, completed or failed.
  already_started,  ///< A stopped promotion goes on by resume, not by start.
  not_running,
  not_stopped,
  already_completed,  ///< A start for another run date after completion.
  run_date_invalid,
  // retry, recall
  retry_while_running,
  never_run,
  too_many_named_targets,
  target_not_found,
  target_not_retryable,
  target_not_granted,
  recall_reason_missing,
  recall_reason_too_long,
  recall_open,   ///< The recall before is still being released.
  too_many_recalls,
  attempt_open,  ///< An attempt of a target to be recalled has no final answer yet.
  nothing_to_retry,
  nothing_to_recall,
  // partition
  stale_run,  ///< The command belongs to a run that is over.
  // the broker's streams
  stream_must_be_adopted,     ///< Start, resume, retry, recall, rebuild: the stream is ahead.
  stream_belongs_to_another,  ///< Rebuild or adopt: its messages are not this log's.
  stream_is_sound,            ///< Rebuild: nothing is wrong with it.
  stream_is_not_ahead,        ///< Adopt: the log knows every message.
  stream_cannot_be_adopted,   ///< Adopt: a message is not the next grant of this log.
};

/// Why one row of an import was refused. Checked field by field in the order of row_field; inside
/// a field in this order.
enum class row_rejection : std::uint8_t {
  row_malformed = 1,      ///< Not a CSV record or JSON object; wrong number of columns.
  row_too_long,
  field_missing,
  not_a_number,
  number_out_of_range,
  number_not_positive,
  amount_has_fraction,    ///< More digits after the point than the currency has.
  amount_malformed,       ///< Thousands separators, signs, exponents.
  amount_overflows,
  time_malformed,         ///< Also 30 February.
  time_in_past,
  text_too_long,
  text_not_utf8,
  text_has_control_character,
  boolean_malformed,
  partition_out_of_range,
  publish_status_not_pending,
  target_id_duplicate,
  customer_duplicate,
  voucher_number_duplicate,
  promotion_differs,  ///< The row names another promotion. (Codes are stored: new ones come last.)
};

/// Fields a row may have, in the order they are checked and shown.
enum class row_field : std::uint8_t {
  record = 1,  ///< The row as a whole.
  target_id,   ///< voucher_target_id or point_target_id
  promotion_id,
  customer_uid,
  voucher_number,
  merchant_code,
  merchant_brand_code,
  amount,
  is_withdrawal,
  expiry,  ///< valid_until or expiry_at
  reason,
  partition_key,
  publish_status,
};

[[nodiscard]] auto name_of(rejection r) -> std::string_view;
[[nodiscard]] auto name_of(row_rejection r) -> std::string_view;
/// The column's name in the contract; differs by type for target_id and expiry.
[[nodiscard]] auto name_of(row_field f, bool voucher) -> std::string_view;

/// A refusal with what a person needs: the name is stable, the detail is text.
struct refusal {
  rejection why{};
  std::string detail;  ///< What was wrong and what is allowed: "partition_count is 0; 1..1024".
};

struct rejection_row {
  rejection code;
  std::string_view name;
  std::string_view meaning;
  std::string_view remedy;
  std::uint16_t http_status;
};
struct row_rejection_row {
  row_rejection code;
  std::string_view name;
  std::string_view meaning;
  std::string_view remedy;
};
/// In enum order; a test compares them with the enums and with the docs.
[[nodiscard]] auto rejection_table() -> std::span<const rejection_row>;
[[nodiscard]] auto row_rejection_table() -> std::span<const row_rejection_row>;

}  // namespace bestow::domain
