#include "apps/http/schema.hpp"

#include "apps/http/schema_operations.hpp"
#include "apps/http/schema_reads.hpp"

#include <array>

namespace bestow::http {
namespace {

using enum shape;
using f = schema_field;

constexpr auto promotion_create = std::to_array<f>({
    {"promotion_id", id, true, "", "Given by another system; else assigned."},
    {"campaign_issued_seq", id, true, "", "Sequence of the campaign's issuance."},
    {"external_id", text, true, "", "At most 40 characters, unique over all promotions."},
    {"promotion_type", text, false, "", "VOUCHER or POINT."},
    {"total_count", count, true, "", "Control total above 0: must match at seal."},
    {"total_amount", money, true, "", "Control total above 0, minor units: must match at seal."},
    {"currency", text, true, "", "ISO 4217; KRW when absent."},
    {"budget_amount", money, true, "", "Upper bound above 0 of the sealed sum, minor units."},
    {"partition_count", count, true, "", "1 to 1024; 1 when absent."},
    {"reservation_at", time, true, "", "Wanted start."},
    {"default_reason", text, true, "", "For targets without a reason; at most 100 characters."},
    {"default_amount", money, true, "", "Above 0, minor units: for targets without an amount."},
    {"default_expiry_at", time, true, "", "For targets without an expiry or validity."},
    {"allow_multiple_per_customer", flag, true, "", "Several targets for one customer."},
    {"approval", text, true, "", "none or four_eyes."},
});
constexpr auto promotion_required = std::to_array<std::string_view>({"promotion_type"});

constexpr auto promotion = std::to_array<f>({
    {"promotion_id", id, false, "", ""},
    {"campaign_issued_seq", id, false, "", ""},
    {"external_id", text, true, "", ""},
    {"promotion_type", text, false, "", "VOUCHER or POINT."},
    {"promotion_status", text, false, "", "READY, IN_PROGRESS, COMPLETED, STOPPED or FAILED."},
    {"state", text, false, "",
     "draft, sealed, approved, scheduled, running, stopped, completed, failed, cancelled."},
    {"total_count", count, false, "", "Sealed targets; before that the rows of closed batches."},
    {"total_amount", money, true, "", "Sealed sum, minor units; null before the seal."},
    {"currency", text, false, "", ""},
    {"budget_amount", money, true, "", "Minor units."},
    {"partition_count", count, false, "", ""},
    {"reservation_at", time, true, "", ""},
    {"default_reason", text, true, "", ""},
    {"default_amount", money, true, "", "Minor units."},
    {"default_expiry_at", time, true, "", ""},
    {"allow_multiple_per_customer", flag, false, "", ""},
    {"approval", text, false, "", ""},
    {"run_date", date, true, "", ""},
    {"created_by", text, false, "", ""},
    {"approved_by", text, true, "", ""},
    {"promotion_summary_id", id, false, "", "Equals promotion_id."},
    {"published_count", count, false, "", "Targets with at least one durable publish."},
    {"publish_failed_count", count, false, "", "No message could be built for them."},
    {"success_count", count, false, "", ""},
    {"retry_success_count", count, false, "",
     "SUCCESS after RETRYING or FAILED; in success_count."},
    {"fail_count", count, false, "", "Includes publish_failed_count."},
    {"retrying_count", count, false, "", ""},
    {"unknown_count", count, false, "", ""},
    {"recalling_count", count, false, "", "Recall sent, no answer yet; in success_count."},
    {"recalled_count", count, false, "", "Taken back; in success_count."},
    {"recall_failed_count", count, false, "", "The payer refused; in success_count."},
    {"abandoned_count", count, false, "", ""},
    {"pending_count", count, false, "", "The rest: no answer yet."},
    {"success_amount", money, false, "", ""},
    {"recalled_amount", money, false, "", "In success_amount."},
    {"start_at", time, true, "", "When it starts itself."},
    {"closed", flag, false, "", "No more release, retry or recall."},
    {"end_reason", text, true, "", "Why it was cancelled or closed."},
    {"failure", text, true, "", "Why its run failed."},
    {"recall_no", count, false, "", "Latest recall; 0: none."},
    {"recall_open", flag, false, "", "Its messages are still being released."},
    {"started_at", time, true, "", ""},
    {"completed_at", time, true, "", ""},
    {"run_no", count, false, "", "0: never run."},
    {"list_sha256", text, true, "", ""},
    {"rejected_rows", count, false, "", ""},
    {"open_batches", count, false, "", ""},
    {"split_customers", count, false, "", "Customers with targets in several partitions."},
    {"duplicate_results", count, false, "", ""},
    {"ignored_results", count, false, "", ""},
    {"double_grants", count, false, "", "Alarm: a second SUCCESS under another key."},
    {"created_at", time, true, "", ""},
    {"updated_at", time, true, "", ""},
    {"as_of_position", count, false, "", "Log position the answer is true at."},
    {"as_of", time, true, "", "The earlier time that was asked about."},
});
constexpr auto promotion_page = std::to_array<f>({
    {"promotions", list, false, "Promotion", ""},
    {"next", id, true, "", "Give as after for the next page."},
    {"as_of_position", count, false, "", ""},
    {"as_of", time, true, "", "The earlier time that was asked about."},
});
constexpr auto receipt = std::to_array<f>({
    {"promotion_id", id, false, "", ""},
    {"state", text, false, "", ""},
    {"promotion_status", text, false, "", ""},
    {"run_no", count, false, "", ""},
    {"repeated", flag, false, "", "The wish already stood."},
    {"split_customers", count, false, "",
     "Customers with targets in several partitions; 0 before the seal."},
    {"position", count, false, "", "Log position the answer rests on."},
});
constexpr auto start = std::to_array<f>({
    {"run_date", date, true, "", "2026-01-31 or 20260131; today in Asia/Seoul when absent."},
});
constexpr auto stop = std::to_array<f>({{"reason", text, true, "", ""}});
constexpr auto schedule = std::to_array<f>({
    {"at", time, false, "", "Start; later than now. Without an offset it means Asia/Seoul."},
});
constexpr auto schedule_required = std::to_array<std::string_view>({"at"});
constexpr auto reason = std::to_array<f>({{"reason", text, true, "", "Stands in the log."}});
constexpr auto retry = std::to_array<f>({
    {"status", text, true, "", "failed (when absent) or unknown."},
    {"targets", ids, true, "", "At most 10,000; all of that status when absent."},
});
constexpr auto recall = std::to_array<f>({
    {"reason", text, false, "", "Stands in the log and in every message; at most 100 characters."},
    {"targets", ids, true, "", "At most 10,000; every granted target when absent."},
});
constexpr auto recall_required = std::to_array<std::string_view>({"reason"});
constexpr auto partition = std::to_array<f>({
    {"partition_key", count, false, "", ""},
    {"total_count", count, false, "", ""},
    {"planned_count", count, false, "", ""},
    {"released_count", count, false, "", "Grants planned on the stream, every attempt."},
    {"in_flight_count", count, false, "", "Released, not yet confirmed."},
    {"published_count", count, false, "", ""},
    {"publish_failed_count", count, false, "", ""},
    {"success_count", count, false, "", ""},
    {"retry_success_count", count, false, "", ""},
    {"fail_count", count, false, "", ""},
    {"retrying_count", count, false, "", ""},
    {"unknown_count", count, false, "", ""},
    {"abandoned_count", count, false, "", ""},
    {"success_amount", money, false, "", ""},
    {"done", flag, false, "", ""},
    {"updated_at", time, true, "", ""},
});
constexpr auto partition_list = std::to_array<f>({
    {"promotion_id", id, false, "", ""},
    {"partitions", list, false, "Partition", ""},
    {"as_of_position", count, false, "", ""},
    {"as_of", time, true, "", "The earlier time that was asked about."},
});
constexpr auto target = std::to_array<f>({
    {"voucher_target_id", id, false, "", "Of a voucher."},
    {"point_target_id", id, false, "", "Of points."},
    {"promotion_id", id, false, "", ""},
    {"customer_uid", id, false, "", ""},
    {"voucher_number", text, false, "", "Of a voucher."},
    {"merchant_code", text, false, "", "Of a voucher."},
    {"merchant_brand_code", text, false, "", "Of a voucher."},
    {"amount", money, false, "", "Minor units."},
    {"currency", text, false, "", "ISO 4217."},
    {"is_withdrawal", flag, false, "", "Of a voucher."},
    {"valid_until", time, true, "", "Of a voucher."},
    {"expiry_at", time, true, "", "Of points."},
    {"reason", text, false, "", ""},
    {"partition_key", count, false, "", ""},
    {"publish_status", text, false, "", "PENDING, PUBLISHED or FAILED."},
    {"status", text, false, "", "pending, released, published, retrying, success, failed, ..."},
    {"recall_status", text, false, "", "none, recalling, recalled or recall_failed."},
    {"attempt", count, false, "", ""},
    {"published_at", time, true, "", ""},
    {"updated_at", time, true, "", ""},
    {"process_status", text, true, "", "SUCCESS, RETRYING or FAILED."},
    {"transaction_key", text, true, "", ""},
    {"error_message", text, true, "", ""},
    {"history", list, false, "TargetFact", "Only of a single target."},
    {"as_of_position", count, false, "", "Only of a single target."},
    {"as_of", time, true, "", "Only of a single target."},
});
constexpr auto target_fact = std::to_array<f>({
    {"position", count, false, "", ""},
    {"recorded_at", time, true, "", ""},
    {"event", text, false, "", ""},
    {"detail", text, false, "", ""},
});
constexpr auto target_page = std::to_array<f>({
    {"promotion_id", id, false, "", ""},
    {"promotion_type", text, false, "", ""},
    {"targets", list, false, "Target", ""},
    {"next", id, true, "", "Give as after for the next page."},
    {"as_of_position", count, false, "", ""},
    {"as_of", time, true, "", "The earlier time that was asked about."},
});
constexpr auto import_result = std::to_array<f>({
    {"promotion_id", id, false, "", ""},
    {"batch", text, false, "", ""},
    {"rows", count, false, "", ""},
    {"accepted", count, false, "", ""},
    {"rejected", count, false, "", ""},
    {"sha256", text, false, "", ""},
    {"repeated", flag, false, "", "The batch had been imported before."},
    {"rejects", list, false, "Reject", "The first 1,000; the rest by the batch's rejects."},
    {"position", count, false, "", ""},
});
constexpr auto partition_load = std::to_array<f>({
    {"partition_key", count, false, "", ""},
    {"count", count, false, "", ""},
    {"amount", money, false, "", ""},
});
constexpr auto dry_run = std::to_array<f>({
    {"promotion_id", id, false, "", ""},
    {"dry_run", flag, false, "", "Always true: nothing was kept."},
    {"rows", count, false, "", ""},
    {"accepted", count, false, "", ""},
    {"rejected", count, false, "", ""},
    {"total_amount", money, false, "", "Of the accepted rows, the default amount included."},
    {"total_overflows", flag, false, "", "The sum exceeds 2^63-1 and stopped short of it."},
    {"currency", text, false, "", ""},
    {"without_amount", count, false, "", "Accepted rows with neither an amount nor a default."},
    {"without_reason", count, false, "", "The same for the reason."},
    {"without_expiry", count, false, "", "The same for expiry or validity."},
    {"split_customers", count, false, "", "Customers with targets in several partitions."},
    {"sha256", text, false, "", ""},
    {"partitions", list, false, "PartitionLoad", "Every partition with targets."},
    {"rejects", list, false, "Reject", "The first 1,000."},
});
constexpr auto reject_page = std::to_array<f>({
    {"rejects", list, false, "Reject", ""},
    {"next", count, true, "", "after of the next page; null at the end."},
});
constexpr auto reject = std::to_array<f>({
    {"line", count, false, "", "Physical line; the header is line 1."},
    {"field", text, false, "", ""},
    {"code", text, false, "", ""},
    {"detail", text, false, "", ""},
});
constexpr auto result_import = std::to_array<f>({
    {"promotion_id", id, false, "", ""},
    {"rows", count, false, "", ""},
    {"recorded", count, false, "", "Rows that were news."},
    {"duplicates", count, false, "", "Exact repeats of what is recorded: counted and ignored."},
    {"rejected", count, false, "", ""},
    {"rejects", list, false, "Reject", "The first 1,000; the rest once these are mended."},
    {"position", count, false, "", ""},
});
constexpr auto dead_letter = std::to_array<f>({
    {"number", id, false, "", "Its sequence in the dead-letter stream."},
    {"state", text, false, "", "open, accepted or dead_again: what became of its last retry."},
    {"reason", text, false, "", "Why the result could not be used."},
    {"subject", text, false, "", "Of the original message."},
    {"stream_seq", id, false, "", "Of the original message in the result stream."},
    {"at", time, true, "", ""},
    {"retry_of", id, true, "", "The letter whose retry this is."},
    {"next_letter", id, true, "", "The letter that its retry became."},
    {"payload_bytes", count, false, "", "Of the original message. Only of a single letter."},
    {"payload", text, true, "", "Cut when it would not fit. Only of a single letter."},
    {"payload_hex", text, true, "", "A payload that is not UTF-8. Only of a single letter."},
});
constexpr auto dead_letter_page = std::to_array<f>({
    {"letters", list, false, "DeadLetter", ""},
    {"next", id, true, "", "For `after`; null on the last page."},
    {"count", count, false, "", "Letters in the stream."},
    {"open_count", count, false, "", "Of them never tried again."},
});
constexpr auto dead_letter_retry = std::to_array<f>({
    {"number", id, false, "", ""},
    {"accepted", flag, false, "", "The result is recorded."},
    {"repeated", flag, false, "", "It was tried again before; this is the first answer."},
    {"position", count, false, "", ""},
});
constexpr auto sum = std::to_array<f>({
    {"count", count, false, "", ""},
    {"amount", money, false, "", ""},
});
constexpr auto reconciliation_fields = std::to_array<f>({
    {"promotion_id", id, false, "", ""},
    {"state", text, false, "", ""},
    {"currency", text, false, "", ""},
    {"consistent", flag, false, "", "Nothing is missing, extra or different."},
    {"sealed", object, false, "Sum", ""},
    {"published", object, false, "Sum", "As read back from the stream."},
    {"published_expected", object, false, "Sum", "As the log says."},
    {"paid_source", text, false, "", "results or ledger."},
    {"paid", object, false, "Sum", ""},
    {"paid_expected", object, false, "Sum", ""},
    {"messages", count, false, "", ""},
    {"unreadable_messages", count, false, "", ""},
    {"publish_failed_count", count, false, "", ""},
    {"fail_count", count, false, "", ""},
    {"retrying_count", count, false, "", ""},
    {"unknown_count", count, false, "", ""},
    {"abandoned_count", count, false, "", ""},
    {"difference_count", count, false, "", ""},
    {"differences", list, false, "Difference", "The first 1,000."},
    {"as_of_position", count, false, "", ""},
});
constexpr auto difference_fields = std::to_array<f>({
    {"target_id", id, true, "", ""},
    {"kind", text, false, "", ""},
    {"detail", text, true, "", ""},
});
constexpr auto schemas = std::to_array<schema>({
    {"PromotionCreate", promotion_create, promotion_required, true},
    {"Start", start, {}, true},
    {"Stop", stop, {}, true},
    {"Schedule", schedule, schedule_required, true},
    {"Reason", reason, {}, true},
    {"Retry", retry, {}, true},
    {"Recall", recall, recall_required, true},
    {"Empty", {}, {}, true},
    {"Promotion", promotion, {}, false},
    {"PromotionPage", promotion_page, {}, false},
    {"Receipt", receipt, {}, false},
    {"Partition", partition, {}, false},
    {"PartitionList", partition_list, {}, false},
    {"Target", target, {}, false},
    {"TargetFact", target_fact, {}, false},
    {"TargetPage", target_page, {}, false},
    {"CustomerHistory", customer_history, {}, false},
    {"CustomerFact", customer_fact, {}, false},
    {"TargetRow", target_row, {}, false},
    {"ReconciliationRow", reconciliation_row, {}, false},
    {"CustomerGrant", customer_grant, {}, false},
    {"ImportResult", import_result, {}, false},
    {"DryRun", dry_run, {}, false},
    {"PartitionLoad", partition_load, {}, false},
    {"Reject", reject, {}, false},
    {"RejectPage", reject_page, {}, false},
    {"ResultImport", result_import, {}, false},
    {"DeadLetter", dead_letter, {}, false},
    {"DeadLetterPage", dead_letter_page, {}, false},
    {"DeadLetterRetry", dead_letter_retry, {}, false},
    {"Sum", sum, {}, false},
    {"Reconciliation", reconciliation_fields, {}, false},
    {"Difference", difference_fields, {}, false},
    {"LogPage", log_page, {}, false},
    {"Fact", fact, {}, false},
    {"LogStat", log_stat, {}, false},
    {"VerifyReport", verify_report, {}, false},
    {"BackupCreate", backup_create, backup_required, true},
    {"Backup", backup, {}, false},
    {"View", view, {}, false},
    {"ViewList", view_list, {}, false},
    {"Stream", stream, {}, false},
    {"StreamList", stream_list, {}, false},
    {"StreamRebuild", stream_rebuild, {}, false},
    {"StreamAdoption", stream_adoption, {}, false},
    {"Health", health, {}, false},
    {"Check", check_fields, {}, false},
    {"Problem", problem_fields, {}, false},
});

}  // namespace

auto schema_table() -> std::span<const schema> {
  return schemas;
}

auto find_schema(std::string_view name) -> const schema* {
  for (const auto& s : schemas)
    if (s.name == name) return &s;
  return nullptr;
}

}  // namespace bestow::http
