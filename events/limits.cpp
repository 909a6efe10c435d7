#include "events/limits.hpp"

#include <array>
#include <type_traits>

namespace bestow::limits {
namespace {

/// The number as the table shows it: durations in milliseconds, all else as it is.
template <class Value>
constexpr auto shown(Value value) -> std::uint64_t {
  if constexpr (std::is_integral_v<Value>) {
    return static_cast<std::uint64_t>(value);
  } else {
    return static_cast<std::uint64_t>(std::chrono::milliseconds{value}.count());
  }
}

#define BESTOW_LIMIT(name, unit, reason) limit_row{#name, shown(name), unit, reason}

constexpr std::array rows = {
    BESTOW_LIMIT(frame_bytes_target, "bytes",
                 "a frame is closed near this size: whole LMDB pages, less the node header"),
    BESTOW_LIMIT(frame_bytes_max, "bytes", "a frame is read and hashed in one piece"),
    BESTOW_LIMIT(append_events_max, "events", "one append is one frame's worth of work"),
    BESTOW_LIMIT(append_bytes_max, "bytes", "one append fits a frame with its header"),
    BESTOW_LIMIT(group_bytes_max, "bytes", "keeps one group commit's fsync short"),
    BESTOW_LIMIT(group_appends_max, "appends", "keeps the wait of a group commit's last caller short"),
    BESTOW_LIMIT(log_writer_queue_max, "appends",
                 "above it the log writer answers overloaded: memory stays bounded"),
    BESTOW_LIMIT(log_map_bytes_default, "bytes",
                 "address space of the log; sparse, the file grows as used"),
    BESTOW_LIMIT(view_map_bytes_default, "bytes", "address space of one view; sparse"),
    BESTOW_LIMIT(lmdb_readers_max, "readers", "slots of LMDB's reader table"),
    BESTOW_LIMIT(anchor_interval, "ms",
                 "how often head position and hash are written outside the log file"),
    BESTOW_LIMIT(column_values_max, "values", "one column of a bulk fact"),
    BESTOW_LIMIT(unpack_array_max, "fields", "hostile input cannot ask for more memory"),
    BESTOW_LIMIT(unpack_string_max, "bytes",
                 "one text or column of a fact, also after decompression"),
    BESTOW_LIMIT(unpack_depth_max, "levels", "a payload is one flat array"),
    BESTOW_LIMIT(promotion_id_assigned_max, "",
                 "2^53-1: assigned ids survive JSON readers that use doubles"),
    BESTOW_LIMIT(id_max, "", "2^63-1: ids fit a signed 64-bit database column"),
    BESTOW_LIMIT(partition_count_max, "partitions", "one actor and one subject each"),
    BESTOW_LIMIT(targets_per_promotion_max, "targets", "an ordinal has 32 bits"),
    BESTOW_LIMIT(external_id_chars_max, "characters", "the contract's column width"),
    BESTOW_LIMIT(reason_chars_max, "characters", "the contract's column width"),
    BESTOW_LIMIT(voucher_number_chars_max, "characters", "the contract's column width"),
    BESTOW_LIMIT(merchant_code_chars_max, "characters", "the contract's column width"),
    BESTOW_LIMIT(merchant_brand_code_chars_max, "characters", "the contract's column width"),
    BESTOW_LIMIT(transaction_key_chars_max, "characters", "the contract's column width"),
    BESTOW_LIMIT(error_message_chars_max, "characters", "longer messages are cut and marked"),
    BESTOW_LIMIT(batch_id_chars_max, "characters", "holds a SHA-256 in hex with room for a prefix"),
    BESTOW_LIMIT(idempotency_key_chars_max, "characters", "stands in the fact's metadata"),
    BESTOW_LIMIT(open_batches_max, "batches", "each open import holds its place in memory"),
    BESTOW_LIMIT(idempotency_keys_max, "keys",
                 "remembered for each promotion; beyond it its state protects"),
    BESTOW_LIMIT(partition_failures_max, "failures",
                 "a partition that cannot start this often in a row fails the promotion's run"),
    BESTOW_LIMIT(start_tick_every, "ms", "a scheduled promotion starts this late at most"),
    BESTOW_LIMIT(named_targets_max, "targets", "ids named by one retry or recall stand in one fact"),
    BESTOW_LIMIT(recalls_per_promotion_max, "recalls",
                 "a target remembers its latest recall in two bytes"),
    BESTOW_LIMIT(overdue_targets_max, "targets", "one results_overdue fits an append"),
    BESTOW_LIMIT(live_promotions_max, "promotions",
                 "above it the least recently used idle actor is retired"),
    BESTOW_LIMIT(import_chunk_rows, "rows", "one targets_imported fills about one frame"),
    BESTOW_LIMIT(import_chunk_text_bytes, "bytes",
                 "a chunk with long texts is closed early, so that it fits an append"),
    BESTOW_LIMIT(import_row_bytes_max, "bytes", "one record of the input"),
    BESTOW_LIMIT(import_chunks_in_flight, "chunks",
                 "between parser and log: memory does not grow with the file"),
    BESTOW_LIMIT(rejects_in_answer_max, "rows", "the rest stands in the rejects file"),
    BESTOW_LIMIT(release_chunk_default, "targets", "the original job's chunk"),
    BESTOW_LIMIT(release_chunk_max, "targets", "a chunk is acknowledged as a whole"),
    BESTOW_LIMIT(window_messages_min, "messages", "keeps a slow broker's pipeline full"),
    BESTOW_LIMIT(window_messages_max, "messages", "bounds what a stop has to wait for"),
    BESTOW_LIMIT(publish_ack_timeout, "ms",
                 "a chunk without an acknowledgement for this long is read back"),
    BESTOW_LIMIT(broker_retry_min, "ms", "first wait before trying the broker again; doubles"),
    BESTOW_LIMIT(broker_retry_max, "ms", "longest wait before trying the broker again"),
    BESTOW_LIMIT(event_feed_batch, "facts", "published before the feed looks at its mailbox again"),
    BESTOW_LIMIT(event_feed_pause, "ms", "facts gather this long before they are published"),
    BESTOW_LIMIT(stop_within, "ms", "stop answers within a second, with a fault if it must"),
    BESTOW_LIMIT(nats_io_buffer_bytes, "bytes", "one write to the broker's socket"),
    BESTOW_LIMIT(nats_ping_interval, "ms", "how often a silent broker is asked for a sign of life"),
    BESTOW_LIMIT(nats_pings_unanswered_max, "pings", "after these the connection is given up"),
    BESTOW_LIMIT(nats_write_within, "ms", "a broker that takes no bytes for this long is gone"),
    BESTOW_LIMIT(nats_pull_expires, "ms", "one request for messages stands at the broker this long"),
    BESTOW_LIMIT(nats_batch_linger, "ms", "how long a batch that has begun waits for more"),
    BESTOW_LIMIT(nats_ack_pending_max, "messages",
                 "deliveries the broker lets stand unacknowledged; credit bounds them long before"),
    BESTOW_LIMIT(nats_scan_batch, "messages", "asked for at once when a stream is read through"),
    BESTOW_LIMIT(result_bytes_max, "bytes", "one result message"),
    BESTOW_LIMIT(result_batch_max, "messages", "results fetched at once"),
    BESTOW_LIMIT(result_batches_in_flight, "batches", "read but not yet durable"),
    BESTOW_LIMIT(append_timeout, "ms", "after it an append's outcome is unknown and read back"),
    BESTOW_LIMIT(request_timeout, "ms", "every request inside the process has an end"),
    BESTOW_LIMIT(seal_timeout, "ms", "building the sealed list of 10^8 targets takes minutes"),
    BESTOW_LIMIT(claim_timeout, "ms",
                 "the first voucher claim after a kill reads every voucher fact of the log"),
    BESTOW_LIMIT(restart_backoff_min, "ms", "first wait before an actor is started again; doubles"),
    BESTOW_LIMIT(restart_backoff_max, "ms", "longest wait before an actor is started again"),
    BESTOW_LIMIT(restarts_max, "restarts",
                 "of one actor inside restart_window, then the process gives up"),
    BESTOW_LIMIT(restart_window, "ms", "restarts are counted over this time"),
    BESTOW_LIMIT(snapshot_every_events, "events", "bounds the replay after a crash"),
    BESTOW_LIMIT(projector_batch_targets, "targets", "described in one view transaction"),
    BESTOW_LIMIT(projector_batch_events, "events", "applied in one view transaction"),
    BESTOW_LIMIT(projector_batch_bytes, "bytes",
                 "of the log passed over in one view transaction, skipped events included"),
    BESTOW_LIMIT(projector_dirty_pages, "pages",
                 "16 MiB, far below the 131,072 of one LMDB transaction"),
    BESTOW_LIMIT(reconcile_named_max, "targets",
                 "named in each list of a reconciliation; the counts are complete"),
    BESTOW_LIMIT(read_your_writes_wait, "ms",
                 "how long a read waits for its view to reach the head"),
    BESTOW_LIMIT(http_body_bytes_max, "bytes", "imports are streamed and have no such bound"),
    BESTOW_LIMIT(http_threads, "threads", "one per request at work"),
    BESTOW_LIMIT(http_stream_viewers_max, "viewers", "each open event stream holds a thread"),
    BESTOW_LIMIT(page_limit_default, "rows", "of a page when the caller names no limit"),
    BESTOW_LIMIT(page_limit_max, "rows", "keeps an answer small; pages go on with `after`"),
};

#undef BESTOW_LIMIT

}  // namespace

auto limits_table() -> std::span<const limit_row> { return rows; }

}  // namespace bestow::limits
