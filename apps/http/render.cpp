#include "apps/http/render.hpp"

#include <fmt/format.h>

namespace bestow::http {
namespace {

auto date_text(std::uint32_t yyyymmdd) -> std::string {
  if (yyyymmdd == 0) return "";
  return fmt::format("{:04}-{:02}-{:02}", yyyymmdd / 10'000, yyyymmdd / 100 % 100, yyyymmdd % 100);
}

void write_definition(json_writer& w, const projections::promotion_row& row) {
  const auto& c = row.created;
  w.id("promotion_id", c.promotion.value)
      .id("campaign_issued_seq", c.campaign_issued_seq)
      .text_or_null("external_id", c.external_id)
      .field("promotion_type", name_of(c.type))
      .field("promotion_status", domain::promotion_status_of(row.state))
      .field("state", domain::name_of(row.state))
      .count("total_count", row.total_count);
  if (row.list)
    w.money("total_amount", row.total_amount);
  else
    w.key("total_amount").null();  // Summed at seal, when the defaults are resolved.
  w.field("currency", c.currency);
  if (c.budget_amount.value == 0)
    w.key("budget_amount").null();
  else
    w.money("budget_amount", c.budget_amount);
  w.count("partition_count", c.partition_count)
      .time("reservation_at", c.reservation_at)
      .text_or_null("default_reason", c.default_reason);
  if (c.default_amount.value == 0)
    w.key("default_amount").null();
  else
    w.money("default_amount", c.default_amount);
  w.time("default_expiry_at", c.default_expiry_at)
      .flag("allow_multiple_per_customer", c.allow_multiple_per_customer)
      .field("approval", name_of(c.approval))
      .text_or_null("run_date", date_text(row.run.run_date))
      .field("created_by", c.created_by)
      .text_or_null("approved_by", row.approved_by);
}

void write_summary(json_writer& w, const projections::promotion_row& row) {
  const auto& n = row.counts;
  const auto total = row.total_count;
  const auto settled = n.terminal() + n.retrying;
  w.id("promotion_summary_id", row.created.promotion.value)
      .count("published_count", n.published)
      .count("publish_failed_count", n.publish_failed)
      .count("success_count", n.success)
      .count("retry_success_count", n.retry_success)
      .count("fail_count", n.fail)
      .count("retrying_count", n.retrying)
      .count("unknown_count", n.unknown)
      .count("recalling_count", n.recalling)
      .count("recalled_count", n.recalled)
      .count("recall_failed_count", n.recall_failed)
      .count("abandoned_count", n.abandoned)
      .count("pending_count", total > settled ? total - settled : 0)
      .money("success_amount", n.success_amount)
      .money("recalled_amount", n.recalled_amount)
      .time("start_at", row.state == domain::promotion_state::scheduled ? row.start_at
                                                                        : timestamp{})
      .flag("closed", row.closed)
      .text_or_null("end_reason", row.end_reason)
      .text_or_null("failure", row.failure)
      .count("recall_no", row.recall_no)
      .flag("recall_open", row.recall_open)
      .time("started_at", row.started_at)
      .time("completed_at", row.completed_at)
      .count("run_no", row.run.run.value)
      .text_or_null("list_sha256", row.list ? to_hex(row.list->list_sha256) : "");
}

void write_voucher_fields(json_writer& w, const store::list_row& t) {
  w.field("voucher_number", t.voucher_number)
      .field("merchant_code", t.merchant_code)
      .field("merchant_brand_code", t.merchant_brand_code);
}

}  // namespace

void write_promotion(json_writer& w, const projections::promotion_row& row, position as_of,
                     timestamp asked) {
  write_definition(w, row);
  write_summary(w, row);
  w.count("rejected_rows", row.rejected_rows)
      .count("open_batches", row.open_batches)
      .count("split_customers", row.list ? row.list->split_customers : 0)
      .count("duplicate_results", row.duplicate_results)
      .count("ignored_results", row.ignored_results)
      .count("double_grants", row.double_grants)
      .time("created_at", row.created_at)
      .time("updated_at", row.updated_at)
      .count("as_of_position", as_of.value)
      .time("as_of", asked);
}

void write_partition(json_writer& w, const projections::partition_row& row) {
  const auto& n = row.counts;
  w.begin_object()
      .count("partition_key", row.number.value)
      .count("total_count", n.total)
      .count("planned_count", row.planned)
      .count("released_count", row.released)
      .count("in_flight_count", row.in_flight)
      .count("published_count", n.published)
      .count("publish_failed_count", n.publish_failed)
      .count("success_count", n.success)
      .count("retry_success_count", n.retry_success)
      .count("fail_count", n.fail)
      .count("retrying_count", n.retrying)
      .count("unknown_count", n.unknown)
      .count("abandoned_count", n.abandoned)
      .money("success_amount", n.success_amount)
      .flag("done", row.done)
      .time("updated_at", row.updated_at)
      .end_object();
}

void write_target(json_writer& w, const projections::promotion_row& of,
                  const projections::target_view_row& row) {
  const bool voucher = of.created.type == promotion_type::voucher;
  const auto& t = row.target;
  w.id(voucher ? "voucher_target_id" : "point_target_id", t.id.value)
      .id("promotion_id", of.created.promotion.value)
      .id("customer_uid", t.customer.value);
  if (voucher) write_voucher_fields(w, t);
  w.money("amount", t.amount).field("currency", of.created.currency);
  if (voucher) w.flag("is_withdrawal", t.is_withdrawal);
  w.time(voucher ? "valid_until" : "expiry_at", t.expiry)
      .field("reason", t.reason)
      .count("partition_key", t.partition.value)
      .field("publish_status", domain::publish_status_of(row.state, row.published))
      .field("status", domain::name_of(row.state))
      .field("recall_status", domain::name_of(row.recall))
      .count("attempt", row.attempt)
      .time("published_at", row.published_at)
      .time("updated_at", row.updated_at);
  if (row.process)
    w.field("process_status", name_of(*row.process));
  else
    w.key("process_status").null();
  w.text_or_null("transaction_key", row.transaction_key)
      .text_or_null("error_message", row.error_message);
}

auto receipt_json(const actors::command_receipt& r) -> std::string {
  json_writer w;
  w.begin_object()
      .id("promotion_id", r.promotion.value)
      .field("state", domain::name_of(r.state))
      .field("promotion_status", domain::promotion_status_of(r.state))
      .count("run_no", r.run.value)
      .flag("repeated", r.repeated)
      .count("split_customers", r.split_customers)
      .count("position", r.at.value)
      .end_object();
  return w.take();
}

}  // namespace bestow::http
