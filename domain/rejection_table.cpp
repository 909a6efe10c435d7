#include <array>

#include "domain/rejection.hpp"

namespace bestow::domain {
namespace {

using r = rejection;

constexpr std::uint16_t not_found = 404;
constexpr std::uint16_t conflict = 409;
constexpr std::uint16_t unprocessable = 422;

constexpr auto rejections = std::to_array<rejection_row>({
    {r::promotion_not_found, "promotion_not_found", "There is no promotion with this id.",
     "List the promotions and use one of their ids.", not_found},
    {r::idempotency_key_reused, "idempotency_key_reused",
     "This idempotency key came before with another request body.",
     "Use a new key for a new request; repeat a request with its own key and body.", unprocessable},
    {r::promotion_id_out_of_range, "promotion_id_out_of_range",
     "A given promotion_id must be 1..2^63-1.",
     "Give an id in range, or none to have one assigned.", unprocessable},
    {r::promotion_exists, "promotion_exists", "The id belongs to a promotion with other content.",
     "Give another id, or none; compare with `promotion show`.", conflict},
    {r::text_malformed, "text_malformed", "A text is not valid UTF-8 or holds a control character.",
     "Correct the text the detail names.", unprocessable},
    {r::external_id_too_long, "external_id_too_long", "external_id has more than 40 characters.",
     "Shorten it.", unprocessable},
    {r::external_id_taken, "external_id_taken", "Another promotion has this external_id.",
     "Use the promotion that has it, or another external_id.", conflict},
    {r::currency_unknown, "currency_unknown", "currency is not a supported ISO 4217 code.",
     "Give a code such as KRW, in capital letters.", unprocessable},
    {r::partition_count_out_of_range, "partition_count_out_of_range",
     "partition_count must be 1..1024.", "Give a count in range.", unprocessable},
    {r::default_reason_too_long, "default_reason_too_long",
     "default_reason has more than 100 characters.", "Shorten it.", unprocessable},
    {r::default_amount_not_positive, "default_amount_not_positive", "default_amount is below zero.",
     "Give a positive amount, or none.", unprocessable},
    {r::default_expiry_in_past, "default_expiry_in_past", "default_expiry_at is already over.",
     "Give a time to come, or none.", unprocessable},
    {r::control_total_negative, "control_total_negative", "total_amount is below zero.",
     "Give the expected sum, or none.", unprocessable},
    {r::budget_not_positive, "budget_not_positive", "budget_amount is below zero.",
     "Give a positive cap, or none.", unprocessable},
    {r::approval_policy_needs_tokens, "approval_policy_needs_tokens",
     "Approval by four eyes needs named tokens, and the configuration has none.",
     "Configure named tokens, or create the promotion with approval none.", unprocessable},
    {r::list_already_sealed, "list_already_sealed",
     "The list is sealed: no target can be added or taken away.",
     "Create another promotion for further targets.", conflict},
    {r::batch_id_missing, "batch_id_missing", "The import has no batch id.",
     "Give one: it makes a repeated import safe. For a file the default is its SHA-256.",
     unprocessable},
    {r::batch_id_too_long, "batch_id_too_long", "The batch id has more than 128 characters.",
     "Shorten it.", unprocessable},
    {r::batch_content_differs, "batch_content_differs",
     "This batch id came before with other content.",
     "Send other content under a new batch id; send the same content again unchanged.", conflict},
    {r::batch_abandoned, "batch_abandoned", "The batch was given up.",
     "Send its rows under a new batch id.", conflict},
    {r::too_many_open_batches, "too_many_open_batches", "16 batches of this promotion are open.",
     "Finish or abandon one of them first.", conflict},
    {r::batch_not_open, "batch_not_open", "The promotion has no such open batch.",
     "Open the batch first; look at the promotion's batches.", conflict},
    {r::batch_rows_out_of_order, "batch_rows_out_of_order",
     "The chunk or the end of the batch does not follow what was judged so far.",
     "Ask where the batch stands and go on from there.", conflict},
    {r::ids_given_in_part, "ids_given_in_part",
     "Target ids must be given in all rows of the promotion or in none.",
     "Give the id column in every file and row, or leave it out everywhere.", conflict},
    {r::too_many_targets, "too_many_targets", "A promotion holds at most 4,000,000,000 targets.",
     "Split the list over several promotions.", unprocessable},
    {r::input_header_missing, "input_header_missing", "The CSV has no header row.",
     "Begin the file with a row naming the fields.", unprocessable},
    {r::input_header_unknown_field, "input_header_unknown_field",
     "The CSV header names a field that targets of this type do not have.",
     "Correct or remove the column.", unprocessable},
    {r::input_header_duplicate_field, "input_header_duplicate_field",
     "The CSV header names a field twice.", "Remove one of the columns.", unprocessable},
    {r::input_header_lacks_required_field, "input_header_lacks_required_field",
     "The CSV header lacks a field every target of this type needs.", "Add the column.",
     unprocessable},
    {r::input_encoding_not_utf8, "input_encoding_not_utf8", "The input is not UTF-8.",
     "Convert it to UTF-8.", unprocessable},
    {r::input_encoding_cp949, "input_encoding_cp949", "The input looks like CP949 (EUC-KR).",
     "Convert it to UTF-8, for example with `iconv -f CP949 -t UTF-8`.", unprocessable},
    {r::import_open, "import_open", "A batch is still open.",
     "Finish its import, or abandon the batch; then seal.", conflict},
    {r::amount_missing_without_default, "amount_missing_without_default",
     "A target has no amount and the promotion no default_amount.",
     "Create the promotion with default_amount, or import rows with amounts.", conflict},
    {r::reason_missing_without_default, "reason_missing_without_default",
     "A target has no reason and the promotion no default_reason.",
     "Create the promotion with default_reason, or import rows with reasons.", conflict},
    {r::expiry_missing_without_default, "expiry_missing_without_default",
     "A target has no expiry or validity and the promotion no default_expiry_at.",
     "Create the promotion with default_expiry_at, or import rows with their own.", conflict},
    {r::total_overflows, "total_overflows", "The sum of the list exceeds 2^63-1 minor units.",
     "Split the list over several promotions.", conflict},
    {r::total_count_differs, "total_count_differs",
     "The list's count is not the total_count given at create.",
     "Look for missing or surplus rows and for rejects; the control total cannot be changed.",
     conflict},
    {r::total_amount_differs, "total_amount_differs",
     "The list's sum is not the total_amount given at create.",
     "Look for missing or surplus rows and for rejects; the control total cannot be changed.",
     conflict},
    {r::budget_exceeded, "budget_exceeded", "The list's sum is above budget_amount.",
     "Create the promotion with a higher budget, or import a smaller list.", conflict},
    {r::not_sealed, "not_sealed", "The list is not sealed yet.", "Seal it first.", conflict},
    {r::approver_is_creator, "approver_is_creator", "Under four eyes the creator cannot approve.",
     "Let somebody else approve.", conflict},
    {r::not_approved, "not_approved", "The promotion is not approved yet.", "Approve it first.",
     conflict},
    {r::already_started, "already_started", "The promotion was started before and then stopped.",
     "Use `promotion resume`: it goes on from the exact target.", conflict},
    {r::not_running, "not_running", "The promotion is not running.",
     "Nothing is being released; start it, or leave it.", conflict},
    {r::not_stopped, "not_stopped", "Only a stopped promotion can be resumed.",
     "Start a promotion that never ran; wait until a stopping one is stopped.", conflict},
    {r::already_completed, "already_completed",
     "The promotion was completed under another run date.",
     "A promotion runs once; create another one for another date.", conflict},
    {r::run_date_invalid, "run_date_invalid", "run_date is not a day of the calendar (yyyymmdd).",
     "Give a date such as 20260121, or none for today.", unprocessable},
    {r::stale_run, "stale_run", "The command belongs to a run that is over.",
     "Nothing to do: the later run goes on.", conflict},
});

template <class Rows>
constexpr auto in_enum_order(const Rows& rows, std::size_t first) -> bool {
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (static_cast<std::size_t>(rows[i].code) != i + first) return false;
  return true;
}
static_assert(in_enum_order(rejections, 0));
static_assert(rejections.size() == static_cast<std::size_t>(rejection::stale_run) + 1);

}  // namespace

auto rejection_table() -> std::span<const rejection_row> {
  return rejections;
}

auto name_of(rejection code) -> std::string_view {
  const auto index = static_cast<std::size_t>(code);
  return index < rejections.size() ? rejections[index].name : std::string_view{};
}

}  // namespace bestow::domain
