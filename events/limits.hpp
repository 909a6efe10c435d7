// Every bound of the program in one place, each with its reason. docs/reference/limits.md is
// generated from the `limits_table` in limits.cpp; a test compares the two.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace bestow::limits {

using namespace std::chrono_literals;

// --- the log -----------------------------------------------------------------------------------
/// Close a frame near this payload size: 16 whole LMDB pages less the node header.
inline constexpr std::size_t frame_bytes_target = 65'520;
/// A frame never exceeds this; an append that would is refused.
inline constexpr std::size_t frame_bytes_max = 512 * 1024;
/// Events of one append.
inline constexpr std::size_t append_events_max = 4'096;
/// Encoded bytes of one append.
inline constexpr std::size_t append_bytes_max = 480 * 1024;
/// Bytes of one group commit: keeps the fsync short.
inline constexpr std::size_t group_bytes_max = 2 * 1024 * 1024;
/// Appends of one group commit.
inline constexpr std::size_t group_appends_max = 4'096;
/// Appends queued at the log writer before it answers overloaded.
inline constexpr std::size_t log_writer_queue_max = 65'536;
/// Address space reserved for the log; sparse, the file grows as used.
inline constexpr std::uint64_t log_map_bytes_default = 256ULL << 30U;
/// Address space reserved for one view.
inline constexpr std::uint64_t view_map_bytes_default = 64ULL << 30U;
inline constexpr unsigned lmdb_readers_max = 1'024;
/// How often the anchor (head position and hash outside the log file) is rewritten.
inline constexpr auto anchor_interval = 1'000ms;
/// Their versions are remembered between commits; then the cache begins anew.
inline constexpr std::size_t log_heads_cache_max = 65'536;
/// One read transaction of the log: a long one would keep old pages alive.
inline constexpr std::size_t log_read_txn_bytes = group_bytes_max;
/// One read transaction of a verification.
inline constexpr std::size_t verify_read_txn_bytes = 8 * group_bytes_max;
/// A verifying child without progress for this long is ended.
inline constexpr auto verify_stuck_after = 60'000ms;
/// Read from a verifying child.
inline constexpr std::size_t verify_answer_bytes_max = 64 * 1024;
/// Of the anchor's file that are read.
inline constexpr std::size_t anchor_bytes_max = 1'024;
/// A segment of the log is sealed when its file has grown to this, and the next one begun.
inline constexpr std::uint64_t log_segment_bytes_default = 8ULL << 30U;
/// Numbered files of one log; the last one then grows until its map is full.
inline constexpr std::uint32_t log_segments_max = 10'000;
/// Sealed segments kept open at once when nobody reads them; others are opened at the next read.
inline constexpr std::size_t log_segments_open_max = 16;
/// Heads of streams carried into a new segment by one transaction.
inline constexpr std::size_t log_carry_rows_max = 100'000;
/// A larger snapshot is not read; the partition replays.
inline constexpr std::uint64_t snapshot_bytes_max = 4ULL << 30U;

// --- decoding hostile bytes ----------------------------------------------------------------------
inline constexpr std::size_t column_values_max = 1U << 20U;
inline constexpr std::size_t unpack_array_max = 64;
inline constexpr std::size_t unpack_string_max = 1U << 20U;
/// A payload is one flat array of fields.
inline constexpr std::size_t unpack_depth_max = 1;

// --- promotions and targets ------------------------------------------------------------------------
inline constexpr std::uint64_t promotion_id_assigned_max = (1ULL << 53U) - 1;
inline constexpr std::uint64_t id_max = (1ULL << 63U) - 1;
inline constexpr std::uint64_t customer_uid_max = ~0ULL;
inline constexpr std::uint32_t partition_count_max = 1'024;
inline constexpr std::uint64_t targets_per_promotion_max = 4'000'000'000ULL;
inline constexpr std::size_t external_id_chars_max = 40;
inline constexpr std::size_t reason_chars_max = 100;
inline constexpr std::size_t voucher_number_chars_max = 40;
inline constexpr std::size_t merchant_code_chars_max = 30;
inline constexpr std::size_t merchant_brand_code_chars_max = 20;
inline constexpr std::size_t transaction_key_chars_max = 100;
inline constexpr std::size_t error_message_chars_max = 500;
inline constexpr std::size_t batch_id_chars_max = 128;
inline constexpr std::size_t idempotency_key_chars_max = 255;
inline constexpr std::size_t open_batches_max = 16;
/// Idempotency keys a promotion remembers; beyond it the oldest is forgotten, and its state protects.
inline constexpr std::size_t idempotency_keys_max = 1'000;
/// Times in a row a partition may fail to start before its promotion's run fails.
inline constexpr unsigned partition_failures_max = 5;
/// How often the directory looks for promotions whose start is due.
inline constexpr auto start_tick_every = 500ms;
/// Targets named by one retry or recall: their ids stand in one fact.
inline constexpr std::size_t named_targets_max = 10'000;
/// Recalls of one promotion: a target remembers its latest one in two bytes.
inline constexpr std::uint32_t recalls_per_promotion_max = 65'535;
/// Targets looked at for one results_overdue: keeps the fact far below append_bytes_max.
inline constexpr std::uint64_t overdue_targets_max = 50'000;
/// Promotions with a live actor at once; above it the least recently used idle one is retired.
inline constexpr std::size_t live_promotions_max = 256;
/// Of one read while a list is built.
inline constexpr std::uint64_t list_facts_per_read = 64;
/// Different texts of a list's column kept once each; with more, each row keeps its own.
inline constexpr std::size_t list_dictionary_max = 4'096;
/// Of filter for each voucher number: fewer than one in a hundred is looked up in vain.
inline constexpr std::uint64_t voucher_filter_bits = 12;
/// Taken out of the open table at once after their file is written.
inline constexpr std::size_t voucher_move_step = 65'536;

// --- import ------------------------------------------------------------------------------------
/// Rows of one targets_imported. 4,096 rows of ~10 bytes fill about one frame.
inline constexpr std::size_t import_chunk_rows = 4'096;
/// Bytes of text columns of one chunk before it is closed early.
inline constexpr std::size_t import_chunk_text_bytes = 192 * 1024;
/// One record of the input, physical bytes.
inline constexpr std::size_t import_row_bytes_max = 64 * 1024;
/// Lines of one CSV record. No text may be longer than 100 characters: more mean an unclosed quote.
inline constexpr std::size_t import_row_lines_max = 100;
/// Chunks on their way between the parser and the log of one import.
inline constexpr std::size_t import_chunks_in_flight = 8;
/// rejects[] in an answer; the rest stands in the rejects file.
inline constexpr std::size_t rejects_in_answer_max = 1'000;
/// Of one read when refused rows are read back.
inline constexpr std::uint64_t rejects_facts_per_read = 32;
/// Of the rejects file between two writes.
inline constexpr std::size_t rejects_pending_bytes = 64 * 1024;
/// One record of the rejects file: a row with its quotes doubled and the reason.
inline constexpr std::size_t reject_bytes_max = 4 * import_row_bytes_max;
/// Physical lines of such a line.
inline constexpr std::size_t reject_lines_max = 4 * import_row_lines_max;
/// Read input is kept until this much can be given up at once.
inline constexpr std::size_t import_compact_bytes = 256 * 1024;
/// A chunk's answer is waited for; then its outcome is unknown.
inline constexpr auto import_landing_within = 30'000ms;

// --- publishing ----------------------------------------------------------------------------------
inline constexpr std::uint32_t release_chunk_default = 1'000;
inline constexpr std::uint32_t release_chunk_max = 10'000;
/// Grants of one message of the batch wire.
inline constexpr std::uint32_t batch_grants_max = 500;
/// One message of the batch wire, whatever more the broker takes; a consumer reads no larger one.
inline constexpr std::size_t grant_message_bytes_max = 1U << 20U;
/// Released but unacknowledged grants of one stream: 0.25 s at measured throughput, within these.
inline constexpr std::uint64_t window_grants_min = 4'000;
inline constexpr std::uint64_t window_grants_max = 80'000;
/// A chunk without an acknowledgement for this long makes the publisher resynchronise.
inline constexpr auto publish_ack_timeout = 2'000ms;
/// First wait before trying the broker again; doubles to the maximum.
inline constexpr auto broker_retry_min = 50ms;
inline constexpr auto broker_retry_max = 2'000ms;
/// Facts the event feed publishes before it looks at its mailbox again.
inline constexpr std::size_t event_feed_batch = 256;
/// How long the event feed lets facts gather: far below the second in which events are due.
inline constexpr auto event_feed_pause = 20ms;
/// How often a stream that nothing is sent to is looked at.
inline constexpr auto stream_look_interval = 5'000ms;
/// How long `stop` waits for released messages before it answers with a fault.
inline constexpr auto stop_within = 900ms;

// --- the broker's connection ---------------------------------------------------------------------
/// nats.c writes to the socket when this much is buffered.
inline constexpr int nats_io_buffer_bytes = 128 * 1024;
/// A broker that answers none of `nats_pings_unanswered_max` pings is gone.
inline constexpr auto nats_ping_interval = 2'000ms;
inline constexpr int nats_pings_unanswered_max = 5;
/// A write that the broker does not take for this long ends the connection.
inline constexpr auto nats_write_within = 5'000ms;
/// How long one request for messages stands at the broker.
inline constexpr auto nats_pull_expires = 5'000ms;
/// A batch that has begun is handed over when nothing has come for this long.
inline constexpr auto nats_batch_linger = 2ms;
/// Deliveries the broker lets stand unacknowledged; credit bounds them long before.
inline constexpr std::int64_t nats_ack_pending_max = 1'000'000;
/// Consumers of one stream that are looked at before it is filled anew.
inline constexpr std::size_t nats_consumers_listed_max = 10'000;
/// How long a broker remembers message ids: the least it takes. The fence looks one message back.
inline constexpr auto nats_duplicate_window = 100ms;
/// Messages asked for at once when a stream is read through.
inline constexpr std::size_t nats_scan_batch = 4'000;

// --- results ---------------------------------------------------------------------------------------
inline constexpr std::size_t result_bytes_max = 64 * 1024;
/// Results fetched at once.
inline constexpr std::size_t result_batch_max = 1'000;
/// Headers of a message kept with its dead letter.
inline constexpr std::size_t dead_letter_headers_max = 32;
/// Results of one hand-over of a results file.
inline constexpr std::size_t result_import_rows = 4'096;
/// Batches read but not yet durable.
inline constexpr std::size_t result_batches_in_flight = 4;

// --- actors ------------------------------------------------------------------------------------------
/// Every request inside the process has an end. After it the outcome is unknown and read back. A
/// promotion notices up to nudge_interval later that its append was not answered.
inline constexpr auto append_timeout = 10'000ms;
inline constexpr auto request_timeout = 15'000ms;
/// Building the sealed list of 10^8 targets takes minutes.
inline constexpr auto seal_timeout = 1'800'000ms;
/// The first voucher claim after a kill reads every voucher fact of the log.
inline constexpr auto claim_timeout = 600'000ms;
inline constexpr auto restart_backoff_min = 20ms;
inline constexpr auto restart_backoff_max = 2'000ms;
/// Restarts of one actor inside restart_window before the process gives up.
inline constexpr unsigned restarts_max = 10;
inline constexpr auto restart_window = 60'000ms;
inline constexpr std::uint64_t snapshot_every_events = 5'000'000;
/// Between two transactions of a view that follows, so that small commits share one fsync.
inline constexpr auto projector_pause = 15ms;
/// A view whose step failed waits this long.
inline constexpr auto projector_retry = 500ms;
/// A host without work for this long ends and gives its memory back.
inline constexpr auto idle_after = 30'000ms;
/// How often a promotion tells silent partitions again where its run stands.
inline constexpr auto nudge_interval = 2'000ms;
/// No grant is longer, so a broker that takes this much takes every grant.
inline constexpr std::size_t grant_bytes_max = 4'096;
/// Results that could not be handed over are tried again after this.
inline constexpr auto results_retry_after = 200ms;
/// How often a publisher looks at its timers.
inline constexpr auto publisher_interval = 100ms;
/// The same while a rate is set, so that it is smooth.
inline constexpr auto publisher_paced_interval = 20ms;
/// After these a partition without an answer is told again what is stored.
inline constexpr std::uint64_t publisher_reminder_ticks = 20;
/// Of the log in one step of a publisher that catches up.
inline constexpr std::uint64_t plan_read_bytes = 4ULL << 20U;
/// Read at once when the catalog is read.
inline constexpr std::size_t catalog_page = 1'000;
/// After it a stop goes on without the actors that did not end.
inline constexpr auto engine_stop_within = 10'000ms;
/// A publisher that does not answer in this time is shown as busy.
inline constexpr auto status_within = 500ms;
/// Longest wait before a host is started again whose facts or list cannot be read.
inline constexpr auto fault_backoff_max = 30'000ms;
/// Results of a partition that cannot be read wait this long, then go to the dead letters.
inline constexpr auto result_park_after = 30'000ms;
/// That cannot be read are named in the readiness answer; the count is complete.
inline constexpr std::size_t faults_named_max = 100;
/// A publisher keeps open while it sends.
inline constexpr std::size_t publisher_lists_max = 64;

// --- views -------------------------------------------------------------------------------------------
/// Described targets a projector applies in one transaction.
inline constexpr std::uint64_t projector_batch_targets = 200'000;
/// Events a projector applies in one transaction.
inline constexpr std::size_t projector_batch_events = 4'096;
/// Log bytes a projector passes over in one transaction, skipped events included.
inline constexpr std::uint64_t projector_batch_bytes = 64ULL << 20U;
/// Row pages a projector keeps dirty before it commits: 16 MiB, far below LMDB's 131,072 in one.
inline constexpr std::size_t projector_dirty_pages = 4'096;
/// Targets a reconciliation names in each of its lists; the counts are always complete.
inline constexpr std::size_t reconcile_named_max = 1'000;
/// How long a read waits for its view to reach the head.
inline constexpr auto read_your_writes_wait = 2'000ms;
/// Files of sealed customers kept mapped.
inline constexpr std::size_t customer_runs_open_max = 256;
/// Targets of one customer that a trace follows.
inline constexpr std::size_t trace_targets_max = 10'000;
/// Answers of an earlier moment worked out at once; more are told to come again.
inline constexpr std::size_t as_of_folds_max = 2;
/// Time that working one out may take.
inline constexpr auto as_of_within = 60'000ms;
/// Of them kept for the next question about the same moment.
inline constexpr std::size_t as_of_kept_max = 4;
/// Time after which a kept one is given up.
inline constexpr auto as_of_kept_for = 60'000ms;
/// Facts copied ahead while the streams of a promotion are read in the log's order.
inline constexpr std::size_t as_of_ahead_bytes = 32U << 20U;
/// Exports sent at once; each holds a thread and a copy of its view.
inline constexpr std::size_t exports_max = 2;
/// Of an export sent at once.
inline constexpr std::size_t export_piece_bytes = 64 * 1024;
/// Of a view copied in one transaction before it is exported.
inline constexpr std::size_t export_copy_bytes = 64U << 20U;
/// Rows of an exported SQLite file in one transaction.
inline constexpr std::uint64_t export_rows_per_commit = 50'000;
/// One row of an export as the command line reads it.
inline constexpr std::size_t export_row_bytes_max = 1U << 20U;

// --- HTTP --------------------------------------------------------------------------------------------
inline constexpr std::size_t http_body_bytes_max = 1U << 20U;  ///< Imports are streamed, unbounded.
inline constexpr std::size_t http_threads = 128;
inline constexpr std::size_t http_stream_viewers_max = 64;
inline constexpr std::size_t page_limit_default = 100;
inline constexpr std::size_t page_limit_max = 1'000;
/// Shown on the status page.
inline constexpr std::size_t status_page_promotions_max = 200;
/// Of a JSON body.
inline constexpr std::size_t http_body_fields_max = 64;
/// Of a request's path.
inline constexpr std::size_t http_uri_chars_max = 2'048;
/// A ledger may have beyond two for each target.
inline constexpr std::uint64_t reconcile_spare_lines = 1'000;
/// Of a stream compared in one step.
inline constexpr std::uint64_t reconcile_slice_messages = 20'000;
/// Sent to an event stream at once.
inline constexpr std::uint64_t http_stream_step_facts = 256;
/// An event stream goes back; a viewer further behind begins anew.
inline constexpr std::uint64_t http_stream_replay_max = 1'000'000;
/// Wait for a thread; more are closed.
inline constexpr std::size_t http_waiting_connections_max = 256;
/// Then the connection is closed and opened anew.
inline constexpr std::size_t http_requests_per_connection = 100'000;
/// The kernel keeps until they are accepted.
inline constexpr int http_listen_backlog = 512;
/// Of a refused body that are read, so that its sender hears the answer.
inline constexpr std::uint64_t http_drained_bytes_max = 64ULL << 20U;
/// One line of a payer's ledger.
inline constexpr std::size_t ledger_line_bytes_max = 4'096;
/// Of a file the command line sends at once.
inline constexpr std::size_t cli_piece_bytes = 256 * 1024;
/// A waiting command bears a server that is away this long.
inline constexpr auto cli_unavailable_within = 30'000ms;
/// Read from a program that is asked for its version.
inline constexpr std::size_t command_output_bytes_max = 4'096;
/// A server that did not stop in this time ends hard; the log is intact.
inline constexpr auto serve_stop_within = 15'000ms;
/// For the embedded broker at the start.
inline constexpr auto serve_connect_within = 30'000ms;
/// The wallet has taken and not yet answered.
inline constexpr unsigned wallet_batches_in_flight = 4;
/// The wallet held back and sends at once.
inline constexpr std::size_t wallet_held_batch_max = 2'000;
/// How often the wallet looks for answers that are due.
inline constexpr auto wallet_interval = 250ms;
/// Then the broker sends a grant to the wallet again.
inline constexpr auto wallet_ack_wait = 60'000ms;
/// The wallet waits for its ledger's lock.
inline constexpr int wallet_busy_within_ms = 5'000;
/// How often the wallet tells of a broker that stays away.
inline constexpr auto wallet_tell_every = 10'000ms;
/// A wallet that ends when idle waits at least this long for a broker that was just started.
inline constexpr auto wallet_connect_within = 10'000ms;
/// --timeout at most: a year.
inline constexpr auto cli_timeout_max = 31'536'000s;
/// `bestow wait` without --timeout.
inline constexpr auto cli_wait_default = 60s;
inline constexpr std::uint64_t bench_targets_min = 1'000;  ///< bench_*: of `bestow bench`.
inline constexpr std::uint64_t bench_targets_max = 5'000'000;  ///< Their messages are in memory.
inline constexpr unsigned bench_repetitions_max = 100;
inline constexpr std::uint64_t bench_bytes_per_target = 1'500;  ///< Of disk, free beforehand.
inline constexpr std::uint64_t bench_bytes_spare = 256ULL << 20U;  ///< Free besides.
inline constexpr auto bench_timed_within = 2'000ms;  ///< One round of single commits or commands.

// --- evidence ----------------------------------------------------------------------------------------
/// Of a file at once when it is copied or hashed.
inline constexpr std::size_t copy_piece_bytes = 1U << 20U;
/// A backup's manifest: some 100,000 files of refused rows.
inline constexpr std::size_t manifest_bytes_max = 16U << 20U;
/// One line of a proof: a frame in base64 with its figures.
inline constexpr std::size_t proof_line_bytes_max = 1U << 20U;
/// Facts about one target in a proof.
inline constexpr std::size_t proof_facts_max = 4'096;
/// How long making or verifying a copy may take before the command line gives up waiting.
inline constexpr auto cli_backup_within = 21'600s;
/// Of the program's log that are kept in memory for `debug bundle`.
inline constexpr std::size_t bundle_log_lines = 1'000;

// --- commands over NATS ------------------------------------------------------------------------------
/// Commands at work at once; a seal of a large list holds one for minutes.
inline constexpr std::size_t command_threads = 8;
/// Commands that wait for a thread; more are answered overloaded.
inline constexpr std::size_t command_queue_max = 256;
/// Payloads of waiting commands together; a command beyond it is answered overloaded.
inline constexpr std::size_t command_queue_bytes_max = 64U << 20U;
/// A command that waited this long is answered overloaded and not executed: its sender has left.
inline constexpr auto command_wait_max = 10'000ms;
/// Headers of a command that are read.
inline constexpr std::size_t command_headers_max = 32;
/// An answer's headers, kept free below the broker's max_payload.
inline constexpr std::size_t command_answer_header_bytes = 1'024;
/// Requests that nats.c holds for one subscription; it drops more. A burst is answered, not lost.
inline constexpr int nats_requests_pending_max = 65'536;
/// Bytes of them.
inline constexpr int nats_requests_pending_bytes_max = 64 << 20;

static_assert(append_bytes_max < frame_bytes_max);
static_assert(log_segment_bytes_default < log_map_bytes_default);
static_assert(frame_bytes_max <= group_bytes_max);
static_assert(frame_bytes_target < frame_bytes_max);
static_assert(release_chunk_default <= release_chunk_max);
static_assert(release_chunk_max <= window_grants_max);
static_assert(window_grants_min >= 2 * release_chunk_default);
static_assert(batch_grants_max <= release_chunk_max);
static_assert(release_chunk_max <= column_values_max);
static_assert(import_chunk_text_bytes * 2 < append_bytes_max);
static_assert(import_chunk_rows <= column_values_max);
static_assert(named_targets_max * 10 < append_bytes_max);
static_assert(overdue_targets_max * 5 < append_bytes_max);
static_assert(append_timeout + nudge_interval < request_timeout);  // Who asks hears it.
static_assert(stop_within < 1s);
static_assert(as_of_kept_max >= as_of_folds_max);
static_assert(exports_max + as_of_folds_max < http_threads);
static_assert(frame_bytes_max / 3 * 4 + 4'096 < proof_line_bytes_max);

/// One row of docs/reference/limits.md.
struct limit_row {
  std::string_view name;
  std::uint64_t value;
  std::string_view unit;
  std::string_view reason;
};
[[nodiscard]] auto limits_table() -> std::span<const limit_row>;
}  // namespace bestow::limits
