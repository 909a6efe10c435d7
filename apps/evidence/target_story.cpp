#include "apps/evidence/target_story.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/evidence/digest.hpp"
#include "domain/target_row.hpp"

namespace bestow::evidence {
namespace {

using json = nlohmann::ordered_json;

auto contradiction(const fact_at& where, std::string_view what) -> tl::unexpected<fault> {
  return fail(fault_code::log_corrupt, "proof",
              fmt::format("position {}: {}", where.at.value, what));
}

auto claim(const fact_at& where, std::string_view what, std::string_view event) -> json {
  return json{{"kind", "claim"},
              {"what", what},
              {"position", where.at.value},
              {"stream", to_string(where.stream)},
              {"version", where.version.value},
              {"event", event},
              {"recorded_at", to_rfc3339(where.recorded_at)}};
}

auto line_of(const json& object) -> std::string {
  return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

auto id_text(std::uint64_t id) -> std::string { return fmt::to_string(id); }

/// RFC 3339, or null for "not given".
auto time_or_null(timestamp t) -> json { return t.value == 0 ? json(nullptr) : json(to_rfc3339(t)); }

auto row_of(const u64_column& column, std::uint64_t value) -> std::optional<std::size_t> {
  for (std::size_t i = 0; i < column.size(); ++i)
    if (column[i] == value) return i;
  return std::nullopt;
}

auto text_at(const string_column& column, std::size_t i) -> std::string {
  return i < column.size() ? std::string{column[i]} : std::string{};
}

/// How many ordinals of the set come before this one. Precondition: it is in the set.
auto rank_of(const ordinal_ranges& set, std::uint32_t ordinal) -> std::uint64_t {
  std::uint64_t before = 0;
  for (const auto& r : set.ranges()) {
    if (ordinal < r.first + r.count) return before + (ordinal - r.first);
    before += r.count;
  }
  return before;
}

}  // namespace

auto target_story::tell(const fact_at& where, const any_event& fact) -> result<std::string> {
  const auto own = stream_of(subject_.promotion, subject_.partition);
  if (where.stream != stream_of(subject_.promotion) && where.stream != own) return std::string{};
  return std::visit([&](const auto& e) { return say(where, e); }, fact);
}

auto target_story::row() const -> std::optional<bus::grant_fields> {
  if (!created_ || !row_) return std::nullopt;
  bus::grant_fields f;
  f.id = subject_.target;
  f.customer = customer_uid{row_->customer};
  f.partition = subject_.partition;
  f.amount = money_minor{static_cast<std::int64_t>(row_->amount)};
  if (f.amount.value == 0) f.amount = created_->default_amount;
  f.currency_exponent = domain::currency_exponent(created_->currency).value_or(0);
  f.expiry = timestamp{static_cast<std::int64_t>(row_->expiry)};
  if (f.expiry.value == 0) f.expiry = created_->default_expiry_at;
  f.reason = row_->reason.empty() ? std::string_view{created_->default_reason} : row_->reason;
  f.voucher_number = row_->voucher_number;
  f.merchant_code = row_->merchant_code;
  f.merchant_brand_code = row_->merchant_brand_code;
  f.is_withdrawal = row_->is_withdrawal;
  return f;
}

auto target_story::say(const fact_at& where, const promotion_created& e) -> result<std::string> {
  created_ = e;
  auto c = claim(where, "created", e.name);
  c["promotion_type"] = name_of(e.type);
  c["currency"] = e.currency;
  c["partition_count"] = e.partition_count;
  c["created_by"] = e.created_by;
  return line_of(c);
}

auto target_story::say(const fact_at& where, const targets_imported& e) -> result<std::string> {
  const auto i = row_of(e.target_ids, subject_.target.value);
  if (!i) return std::string{};
  if (*i >= e.customer_uids.size() || *i >= e.partitions.size() || *i >= e.amounts.size() ||
      *i >= e.expiries.size())
    return contradiction(where, "its columns differ in length");
  if (!created_) return contradiction(where, "rows before the promotion was created");
  row_ = own_row{e.customer_uids[*i], e.amounts[*i], e.expiries[*i], text_at(e.reasons, *i),
                 text_at(e.voucher_numbers, *i), text_at(e.merchant_codes, *i),
                 text_at(e.merchant_brand_codes, *i),
                 *i < e.withdrawals.size() && e.withdrawals[*i] != 0};
  batches_.insert(e.batch);
  const auto f = row();
  auto c = claim(where, "imported", e.name);
  c["batch"] = e.batch;
  c["row_in_fact"] = *i;
  c["customer_uid"] = id_text(f->customer.value);
  c["partition_key"] = e.partitions[*i];
  c["amount"] = fmt::to_string(f->amount.value);
  c["expiry_at"] = time_or_null(f->expiry);
  c["reason"] = f->reason;
  if (created_->type == promotion_type::voucher) {
    c["voucher_number"] = f->voucher_number;
    c["merchant_code"] = f->merchant_code;
    c["merchant_brand_code"] = f->merchant_brand_code;
    c["is_withdrawal"] = f->is_withdrawal;
  }
  if (e.partitions[*i] != subject_.partition.value)
    return contradiction(where, "the row is in another partition");
  return line_of(c);
}

auto target_story::say(const fact_at& where, const batch_closed& e) -> result<std::string> {
  if (!batches_.contains(e.batch)) return std::string{};
  auto c = claim(where, "batch closed", e.name);
  c["batch"] = e.batch;
  c["accepted"] = e.accepted;
  c["sha256"] = to_hex(e.sha256);
  return line_of(c);
}

auto target_story::say(const fact_at& where, const list_sealed& e) -> result<std::string> {
  auto c = claim(where, "sealed", e.name);
  c["total_count"] = e.total_count;
  c["total_amount"] = fmt::to_string(e.total_amount.value);
  c["list_sha256"] = to_hex(e.list_sha256);
  return line_of(c);
}

auto target_story::say(const fact_at& where, const promotion_approved& e) -> result<std::string> {
  auto c = claim(where, "approved", e.name);
  c["approved_by"] = e.approved_by;
  return line_of(c);
}

auto target_story::say(const fact_at& where, const run_started& e) -> result<std::string> {
  auto c = claim(where, "run started", e.name);
  c["run"] = e.run.value;
  c["started_by"] = e.started_by;
  return line_of(c);
}

auto target_story::say(const fact_at& where, const targets_released& e) -> result<std::string> {
  if (!e.ordinals.contains(subject_.ordinal.value)) return std::string{};
  const auto index = message_of(e, rank_of(e.ordinals, subject_.ordinal.value));
  if (index >= e.message_count) return contradiction(where, "it has fewer messages than targets");
  releases_[where.at] = {e.attempt, index};
  const auto message = messages_(e, index);
  if (!message) return tl::unexpected<fault>{message.error()};
  auto c = claim(where, "released", e.name);
  c["release_kind"] = name_of(e.kind);
  c["attempt"] = e.attempt.value;
  c["run"] = e.run.value;
  if (e.kind == release_kind::recall) {
    c["recall"] = e.recall.value;
    c["recall_reason"] = e.recall_reason;
  }
  c["wire"] = name_of(e.wire);
  c["message_in_release"] = index;
  c["subject"] = bus::grant_encoder{e}.subject();
  c["sent_at"] = to_rfc3339(e.sent_at);
  c["message_sha256"] = to_hex(sha256_of(*message));
  c["message"] = to_base64(std::as_bytes(std::span{message->data(), message->size()}));
  return line_of(c);
}

auto target_story::say(const fact_at& where, const targets_publish_failed& e)
    -> result<std::string> {
  if (!e.ordinals.contains(subject_.ordinal.value)) return std::string{};
  auto c = claim(where, "publish failed", e.name);
  c["attempt"] = e.attempt.value;
  c["reason"] = e.reason;
  return line_of(c);
}

auto target_story::say(const fact_at& where, const grants_published& e) -> result<std::string> {
  const auto it = releases_.find(e.released_at);
  if (it == releases_.end()) return std::string{};
  auto c = claim(where, "published", e.name);
  c["attempt"] = it->second.attempt.value;
  c["released_at_position"] = e.released_at.value;
  c["stream_seq"] = e.first_stream_seq + it->second.message;
  c["published_at"] = time_or_null(e.published_at);
  return line_of(c);
}

auto target_story::say(const fact_at& where, const results_recorded& e) -> result<std::string> {
  const auto count = e.ordinals.size();
  if (e.statuses.size() != count || e.attempts.size() != count || e.at.size() != count ||
      e.transaction_keys.size() != count || e.error_messages.size() != count)
    return contradiction(where, "its columns differ in length");
  auto rows = json::array();
  for (std::size_t i = 0; i < count; ++i) {
    if (e.ordinals[i] != subject_.ordinal.value) continue;
    rows.push_back({{"process_status", name_of(static_cast<process_status>(e.statuses[i]))},
                    {"attempt", e.attempts[i]},
                    {"transaction_key", text_at(e.transaction_keys, i)},
                    {"error_message", text_at(e.error_messages, i)},
                    {"at", time_or_null(timestamp{static_cast<std::int64_t>(e.at[i])})}});
  }
  if (rows.empty()) return std::string{};
  auto c = claim(where, "answered", e.name);
  c["results"] = std::move(rows);
  return line_of(c);
}

auto target_story::say(const fact_at& where, const double_grant_detected& e)
    -> result<std::string> {
  if (e.ordinal != subject_.ordinal) return std::string{};
  auto c = claim(where, "double grant detected", e.name);
  c["transaction_key"] = e.transaction_key;
  c["attempt"] = e.attempt.value;
  return line_of(c);
}

auto target_story::say(const fact_at& where, const targets_abandoned& e) -> result<std::string> {
  if (!e.ordinals.contains(subject_.ordinal.value)) return std::string{};
  return line_of(claim(where, "abandoned", e.name));
}

auto target_story::say(const fact_at& where, const results_overdue& e) -> result<std::string> {
  if (!e.ordinals.contains(subject_.ordinal.value)) return std::string{};
  auto c = claim(where, "no answer in time", e.name);
  c["attempt"] = e.attempt.value;
  return line_of(c);
}

auto target_story::say(const fact_at& where, const recalls_recorded& e) -> result<std::string> {
  const auto count = e.ordinals.size();
  if (e.recall_statuses.size() != count || e.recalls.size() != count || e.at.size() != count ||
      e.transaction_keys.size() != count || e.error_messages.size() != count)
    return contradiction(where, "its columns differ in length");
  auto rows = json::array();
  for (std::size_t i = 0; i < count; ++i) {
    if (e.ordinals[i] != subject_.ordinal.value) continue;
    rows.push_back({{"recall_status", name_of(static_cast<recall_status>(e.recall_statuses[i]))},
                    {"recall", e.recalls[i]},
                    {"transaction_key", text_at(e.transaction_keys, i)},
                    {"error_message", text_at(e.error_messages, i)},
                    {"at", time_or_null(timestamp{static_cast<std::int64_t>(e.at[i])})}});
  }
  if (rows.empty()) return std::string{};
  auto c = claim(where, "recall answered", e.name);
  c["recalls"] = std::move(rows);
  return line_of(c);
}

}  // namespace bestow::evidence
