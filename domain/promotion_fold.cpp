#include <algorithm>

#include "domain/promotion.hpp"

namespace bestow::domain {
namespace {

/// Whether a column of amounts or times holds a 0, which asks for the promotion's default.
auto has_zero(const u64_column& column) -> bool {
  if (column.form() == u64_column::shape::explicit_values)
    return std::ranges::find(column.values(), std::uint64_t{0}) != column.values().end();
  if (column.step() == 0) return !column.empty() && column.first() == 0;
  for (std::size_t i = 0; i < column.size(); ++i)
    if (column[i] == 0) return true;
  return false;
}

auto has_empty(const string_column& column) -> bool {
  if (column.is_constant()) return !column.empty() && column[0].empty();
  for (std::size_t i = 0; i < column.size(); ++i)
    if (column[i].empty()) return true;
  return false;
}

/// The promotion's flags are those of its batches that were not given up.
void gather_missing(promotion& p) {
  p.any_amount_missing = p.any_reason_missing = p.any_expiry_missing = false;
  for (const auto& [id, b] : p.batches) {
    if (b.state == batch_state::life::abandoned) continue;
    p.any_amount_missing |= b.any_amount_missing;
    p.any_reason_missing |= b.any_reason_missing;
    p.any_expiry_missing |= b.any_expiry_missing;
  }
}

void apply(promotion& p, const promotion_created& e) {
  p.created = e;
  p.state = promotion_state::draft;
}

void apply(promotion& p, const batch_opened& e) {
  auto& b = p.batches[e.batch];
  b.format = e.format;
  b.opened_at = e.opened_at;
}

void apply(promotion& p, const targets_imported& e) {
  auto& b = p.batches[e.batch];
  const auto accepted = e.customer_uids.size();
  b.rows = e.first_row - 1 + e.row_count;
  b.accepted += accepted;
  b.rejected += e.rejected_rows.size();
  b.bytes = e.byte_end;
  b.prefix = e.prefix_sha256;
  if (accepted == 0) return;
  b.any_amount_missing |= has_zero(e.amounts);
  b.any_reason_missing |= has_empty(e.reasons);
  b.any_expiry_missing |= has_zero(e.expiries);
  gather_missing(p);
  p.accepted_rows += accepted;
  p.ids_given = e.ids_given;
  if (!e.ids_given) p.next_free_id = e.target_ids[accepted - 1] + 1;
}

void apply(promotion& p, const batch_closed& e) {
  auto& b = p.batches[e.batch];
  b.state = batch_state::life::closed;
  // A host of a sealed promotion skips the bulk facts: the totals stand here too.
  b.rows = e.rows;
  b.accepted = e.accepted;
  b.rejected = e.rejected;
  b.sha256 = e.sha256;
}

void apply(promotion& p, const batch_abandoned& e) {
  auto& b = p.batches[e.batch];
  b.state = batch_state::life::abandoned;
  p.accepted_rows -= b.accepted;
  if (p.accepted_rows == 0) p.ids_given.reset();
  gather_missing(p);
}

void apply(promotion& p, const list_sealed& e) {
  p.list = e;
  p.state = promotion_state::sealed;
}

void apply(promotion& p, const promotion_approved& e) {
  p.approved_by = e.approved_by;
  p.state = promotion_state::approved;
}

void apply(promotion& p, const run_started& e) {
  p.run = e;
  p.state = promotion_state::running;
}

void apply(promotion& p, const run_stopping&) {
  p.state = promotion_state::stopping;
}

void apply(promotion& p, const run_stopped&) {
  p.state = promotion_state::stopped;
}

void apply(promotion& p, const promotion_completed&) {
  p.state = promotion_state::completed;
}

void apply(promotion& p, const promotion_scheduled& e) {
  p.start_at = e.start_at;
  p.state = promotion_state::scheduled;
}

void apply(promotion& p, const promotion_cancelled&) {
  p.state = promotion_state::cancelled;
}

void apply(promotion& p, const promotion_closed&) {
  p.closed = true;
}

void apply(promotion& p, const promotion_failed&) {
  p.state = promotion_state::failed;
}

void apply(promotion& p, const approval_refused& e) {
  p.refused_approvers.insert(e.principal);
}

void apply(promotion& p, const recall_started& e) {
  p.recall = e;
  p.recall_open = true;
}

void apply(promotion& p, const recall_finished&) {
  p.recall_open = false;
}

}  // namespace

void fold(promotion& p, const promotion_event& e) {
  std::visit([&p](const auto& fact) { apply(p, fact); }, e);
  ++p.version.value;
}

auto evolve(promotion p, const promotion_event& e) -> promotion {
  fold(p, e);
  return p;
}

auto name_of(promotion_state s) -> std::string_view {
  switch (s) {
    case promotion_state::none:
      return "none";
    case promotion_state::draft:
      return "draft";
    case promotion_state::sealed:
      return "sealed";
    case promotion_state::approved:
      return "approved";
    case promotion_state::running:
      return "running";
    case promotion_state::stopping:
      return "running";
    case promotion_state::stopped:
      return "stopped";
    case promotion_state::completed:
      return "completed";
    case promotion_state::scheduled:
      return "scheduled";
    case promotion_state::failed:
      return "failed";
    case promotion_state::cancelled:
      return "cancelled";
  }
  return {};
}

auto promotion_status_of(promotion_state s) -> std::string_view {
  switch (s) {
    case promotion_state::none:
    case promotion_state::draft:
    case promotion_state::sealed:
    case promotion_state::approved:
    case promotion_state::scheduled:
      return "READY";
    case promotion_state::running:
    case promotion_state::stopping:
      return "IN_PROGRESS";
    case promotion_state::stopped:
    case promotion_state::cancelled:
      return "STOPPED";
    case promotion_state::completed:
      return "COMPLETED";
    case promotion_state::failed:
      return "FAILED";
  }
  return {};
}

}  // namespace bestow::domain
