// Facts of one promotion: stream promotion-<id>.
//
// The struct is the schema: on disk, on the bus, in the docs. Past tense. Fields are only
// appended; a new meaning is a new struct. `fields` lists each field once and is all the codec
// needs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "events/columns.hpp"
#include "events/types.hpp"

namespace bestow {

/// A promotion came into being. Always version 1 of its stream.
struct promotion_created {
  static constexpr std::string_view name = "promotion_created";
  promotion_id promotion{};
  std::uint64_t campaign_issued_seq{0};
  std::string external_id;  ///< "" = not given; else unique over all promotions.
  promotion_type type{promotion_type::point};
  std::uint64_t total_count{0};  ///< Control total to match at seal; 0 = not given.
  money_minor total_amount{};    ///< Control total to match at seal; 0 = not given.
  std::string currency;          ///< ISO 4217.
  money_minor budget_amount{};   ///< Upper bound of the sealed sum; 0 = no cap.
  std::uint32_t partition_count{1};
  timestamp reservation_at{};  ///< Wanted start; 0 = not given.
  std::string default_reason;
  money_minor default_amount{};   ///< 0 = no default.
  timestamp default_expiry_at{};  ///< 0 = no default. Validity of vouchers, expiry of points.
  bool allow_multiple_per_customer{false};
  approval_policy approval{approval_policy::none};
  std::string created_by;

  static constexpr auto fields = std::tuple{
      &promotion_created::promotion,        &promotion_created::campaign_issued_seq,
      &promotion_created::external_id,      &promotion_created::type,
      &promotion_created::total_count,      &promotion_created::total_amount,
      &promotion_created::currency,         &promotion_created::budget_amount,
      &promotion_created::partition_count,  &promotion_created::reservation_at,
      &promotion_created::default_reason,   &promotion_created::default_amount,
      &promotion_created::default_expiry_at,
      &promotion_created::allow_multiple_per_customer,
      &promotion_created::approval,         &promotion_created::created_by};
  bool operator==(const promotion_created&) const = default;
};

/// A batch of targets began to arrive. Nothing of it counts before batch_closed.
struct batch_opened {
  static constexpr std::string_view name = "batch_opened";
  std::string batch;  ///< 1..128 characters; default is the file's SHA-256 in hex.
  import_format format{import_format::csv};
  timestamp opened_at{};  ///< "In the past" is judged against this, so a re-send gets one answer.

  static constexpr auto fields =
      std::tuple{&batch_opened::batch, &batch_opened::format, &batch_opened::opened_at};
  bool operator==(const batch_opened&) const = default;
};

/// Bulk: one chunk of a batch's rows was judged. Columns run over the accepted rows, in file order.
/// Rows are numbered from 1 over the batch's data rows (the CSV header is not a row).
struct targets_imported {
  static constexpr std::string_view name = "targets_imported";
  std::string batch;
  std::uint64_t first_row{0};   ///< First data row this chunk covers.
  std::uint32_t row_count{0};   ///< Data rows covered, accepted and rejected.
  std::uint64_t byte_end{0};    ///< Bytes of the input up to and including the last row.
  sha256_digest prefix_sha256{};  ///< Of the input's first byte_end bytes: proves a re-send equal.
  u64_column target_ids;        ///< Given, or numbered from 1 over the promotion's accepted rows.
  bool ids_given{false};
  u64_column customer_uids;
  u64_column partitions;     ///< Given, or XXH3-64(uid big-endian, seed 0) mod partition_count.
  u64_column amounts;        ///< Minor units; 0 = the promotion's default.
  u64_column expiries;       ///< Milliseconds; 0 = the promotion's default.
  string_column reasons;     ///< "" = the promotion's default.
  string_column voucher_numbers;  ///< Vouchers only, else empty.
  string_column merchant_codes;
  string_column merchant_brand_codes;
  u64_column withdrawals;  ///< 0 or 1.
  u64_column rejected_rows;    ///< Row numbers refused, ascending.
  u64_column rejected_fields;  ///< domain::row_field of each.
  u64_column rejected_codes;   ///< domain::row_rejection of each.

  static constexpr auto fields = std::tuple{
      &targets_imported::batch,           &targets_imported::first_row,
      &targets_imported::row_count,       &targets_imported::byte_end,
      &targets_imported::prefix_sha256,   &targets_imported::target_ids,
      &targets_imported::ids_given,       &targets_imported::customer_uids,
      &targets_imported::partitions,      &targets_imported::amounts,
      &targets_imported::expiries,        &targets_imported::reasons,
      &targets_imported::voucher_numbers, &targets_imported::merchant_codes,
      &targets_imported::merchant_brand_codes, &targets_imported::withdrawals,
      &targets_imported::rejected_rows,   &targets_imported::rejected_fields,
      &targets_imported::rejected_codes};
  bool operator==(const targets_imported&) const = default;
};

/// The batch is complete and counts.
struct batch_closed {
  static constexpr std::string_view name = "batch_closed";
  std::string batch;
  std::uint64_t rows{0};
  std::uint64_t accepted{0};
  std::uint64_t rejected{0};
  sha256_digest sha256{};  ///< Of the whole input.

  static constexpr auto fields =
      std::tuple{&batch_closed::batch, &batch_closed::rows, &batch_closed::accepted,
                 &batch_closed::rejected, &batch_closed::sha256};
  bool operator==(const batch_closed&) const = default;
};

/// The batch was given up: none of its rows count, its claims are free again.
struct batch_abandoned {
  static constexpr std::string_view name = "batch_abandoned";
  std::string batch;
  std::string reason;

  static constexpr auto fields = std::tuple{&batch_abandoned::batch, &batch_abandoned::reason};
  bool operator==(const batch_abandoned&) const = default;
};

/// The list is fixed: count, sum and content. Defaults are resolved here.
struct list_sealed {
  static constexpr std::string_view name = "list_sealed";
  std::uint64_t total_count{0};
  money_minor total_amount{};
  sha256_digest list_sha256{};     ///< Canonical encoding: docs/internals/list_hash.md.
  u64_column partition_counts;     ///< Targets of each partition, by partition number.
  u64_column partition_amounts;    ///< Sum of each partition, minor units.
  std::uint64_t split_customers{0};  ///< Customers with targets in more than one partition.

  static constexpr auto fields =
      std::tuple{&list_sealed::total_count, &list_sealed::total_amount, &list_sealed::list_sha256,
                 &list_sealed::partition_counts, &list_sealed::partition_amounts,
                 &list_sealed::split_customers};
  bool operator==(const list_sealed&) const = default;
};

/// The sealed list may be granted.
struct promotion_approved {
  static constexpr std::string_view name = "promotion_approved";
  std::string approved_by;

  static constexpr auto fields = std::tuple{&promotion_approved::approved_by};
  bool operator==(const promotion_approved&) const = default;
};

/// A fenced execution began. Its settings hold for the whole run; a config change acts on the next.
struct run_started {
  static constexpr std::string_view name = "run_started";
  run_no run{};
  bool resumed{false};      ///< True for every run after the first.
  std::uint32_t run_date{0};  ///< yyyymmdd as the caller gave it.
  grant_wire wire{grant_wire::single};
  std::uint32_t chunk{1000};  ///< Targets of one targets_released at most.
  std::string topic;          ///< Subject without the partition token; also the envelope's `topic`.
  bool partition_token{true};  ///< Subject ends in .<k>.
  bool extra_fields{true};     ///< idempotencyKey and attempt in the payload.
  std::uint16_t encoder_version{1};
  bool complete_when_published{false};  ///< [grants] completion = published.
  std::string started_by;
  retry_scope retry{retry_scope::none};  ///< Targets published again, as their next attempt.
  run_no retry_run{};  ///< The run the retry began with; a resumed run goes on with it. 0 = none.
  u64_column retry_targets;  ///< Ids named by the caller, ascending; empty = all of that scope.
  std::uint64_t result_deadline_ms{0};  ///< From published to unknown; 0 = never.
  grant_format format{grant_format::json};
  std::uint32_t batch_size{1};  ///< Grants of one message at most; 1 on the single wire.

  static constexpr auto fields = std::tuple{
      &run_started::run,          &run_started::resumed,         &run_started::run_date,
      &run_started::wire,         &run_started::chunk,           &run_started::topic,
      &run_started::partition_token, &run_started::extra_fields, &run_started::encoder_version,
      &run_started::complete_when_published, &run_started::started_by,
      &run_started::retry,        &run_started::retry_run,       &run_started::retry_targets,
      &run_started::result_deadline_ms, &run_started::format,   &run_started::batch_size};
  bool operator==(const run_started&) const = default;
};

/// No further release in this run; what is released still reaches the stream.
struct run_stopping {
  static constexpr std::string_view name = "run_stopping";
  run_no run{};
  std::string reason;
  std::string stopped_by;

  static constexpr auto fields =
      std::tuple{&run_stopping::run, &run_stopping::reason, &run_stopping::stopped_by};
  bool operator==(const run_stopping&) const = default;
};

/// Every released message of the run is on the stream and acknowledged.
struct run_stopped {
  static constexpr std::string_view name = "run_stopped";
  run_no run{};

  static constexpr auto fields = std::tuple{&run_stopped::run};
  bool operator==(const run_stopped&) const = default;
};

/// Every target of the promotion is terminal.
struct promotion_completed {
  static constexpr std::string_view name = "promotion_completed";
  run_no run{};
  std::uint64_t success_count{0};
  std::uint64_t fail_count{0};
  money_minor success_amount{};

  static constexpr auto fields =
      std::tuple{&promotion_completed::run, &promotion_completed::success_count,
                 &promotion_completed::fail_count, &promotion_completed::success_amount};
  bool operator==(const promotion_completed&) const = default;
};

/// The promotion starts itself at this time. A later promotion_scheduled replaces it.
struct promotion_scheduled {
  static constexpr std::string_view name = "promotion_scheduled";
  timestamp start_at{};
  std::string scheduled_by;

  static constexpr auto fields =
      std::tuple{&promotion_scheduled::start_at, &promotion_scheduled::scheduled_by};
  bool operator==(const promotion_scheduled&) const = default;
};

/// Given up before its first run: nothing was granted, its voucher numbers are free again.
struct promotion_cancelled {
  static constexpr std::string_view name = "promotion_cancelled";
  std::string reason;
  std::string cancelled_by;

  static constexpr auto fields =
      std::tuple{&promotion_cancelled::reason, &promotion_cancelled::cancelled_by};
  bool operator==(const promotion_cancelled&) const = default;
};

/// Ended for good: what is unpublished is abandoned, nothing is retried or recalled any more.
struct promotion_closed {
  static constexpr std::string_view name = "promotion_closed";
  std::string reason;
  std::string closed_by;

  static constexpr auto fields =
      std::tuple{&promotion_closed::reason, &promotion_closed::closed_by};
  bool operator==(const promotion_closed&) const = default;
};

/// The run cannot go on for a fault of the promotion itself; resume once the cause is mended.
struct promotion_failed {
  static constexpr std::string_view name = "promotion_failed";
  run_no run{};
  std::string code;  ///< Name of the fault.
  std::string detail;

  static constexpr auto fields =
      std::tuple{&promotion_failed::run, &promotion_failed::code, &promotion_failed::detail};
  bool operator==(const promotion_failed&) const = default;
};

/// Audit: somebody who may not approve this promotion tried to. Once for each principal.
struct approval_refused {
  static constexpr std::string_view name = "approval_refused";
  std::string principal;
  std::string code;  ///< Name of the rejection.

  static constexpr auto fields = std::tuple{&approval_refused::principal, &approval_refused::code};
  bool operator==(const approval_refused&) const = default;
};

/// Granted targets are to be taken back by compensating messages.
struct recall_started {
  static constexpr std::string_view name = "recall_started";
  recall_no recall{};
  std::string reason;
  u64_column target_ids;  ///< Ids named by the caller, ascending; empty = every granted target.
  std::string recalled_by;

  static constexpr auto fields = std::tuple{&recall_started::recall, &recall_started::reason,
                                            &recall_started::target_ids,
                                            &recall_started::recalled_by};
  bool operator==(const recall_started&) const = default;
};

/// Every message of the recall is released. The answers come later, target by target.
struct recall_finished {
  static constexpr std::string_view name = "recall_finished";
  recall_no recall{};
  std::uint64_t target_count{0};
  money_minor amount{};

  static constexpr auto fields = std::tuple{&recall_finished::recall,
                                            &recall_finished::target_count,
                                            &recall_finished::amount};
  bool operator==(const recall_finished&) const = default;
};

using promotion_event =
    std::variant<promotion_created, batch_opened, targets_imported, batch_closed, batch_abandoned,
                 list_sealed, promotion_approved, run_started, run_stopping, run_stopped,
                 promotion_completed, promotion_scheduled, promotion_cancelled, promotion_closed,
                 promotion_failed, approval_refused, recall_started, recall_finished>;

}  // namespace bestow
