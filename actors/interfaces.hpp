// Every message between the engine's actors, grouped by who receives it. Read this file first: it
// is the architecture. Private to actors/ (the facade for everyone else is engine.hpp).
//
// Rules: all messages stay inside the process. Every request has a finite timeout. Producers stop
// when their credit is gone; no mailbox grows without a bound (the bound is named at each message).
// A message an actor does not know is a bug: hosts end with it (host.hpp) instead of dropping it.
#pragma once

#include <caf/all.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/engine.hpp"
#include "bus/bus.hpp"
#include "bus/grant_wire.hpp"
#include "domain/partition.hpp"
#include "domain/promotion.hpp"
#include "store/event_log.hpp"
#include "store/target_list.hpp"

namespace bestow::actors {

// --- log writer ----------------------------------------------------------------------------------
/// Appends one batch; answered when durable. Bound: limits::log_writer_queue_max, then overloaded.
struct append_request {
  std::shared_ptr<store::append_batch> batch;
};
struct append_reply {
  store::append_answer answer;
};
/// Answered after every append queued before it is decided: replay is safe behind it.
struct barrier_request {};
struct barrier_reply {
  position head{};
};
/// INTERNAL: commit what is queued.
struct commit_tick {};
/// Tells `listener` whenever the head moves; coalesced: at most one notice is unread per listener.
struct follow_head {
  caf::actor listener;
};
/// The log grew at least to `head`. The receiver answers head_seen to be told again.
struct head_moved {
  position head{};
};
struct head_seen {
  caf::actor listener;
};

// --- partitions ------------------------------------------------------------------------------------
/// The run is on: release when given credit. Repeating it is harmless.
struct run_begin {
  run_started run;
};
/// No further release. Answered by partition_quiet when nothing released is unacknowledged.
struct run_end {
  run_started run;
};
/// Take these targets back. Repeating it is harmless; answered by recall_share when all is released.
struct recall_begin {
  recall_started recall;
  run_started run;  ///< The latest run, for its settings.
};
/// The promotion is closed: abandon what was never released.
struct abandon_begin {
  run_started run;
};
/// What do you know of the targets a retry or recall would act on?
struct survey_request {
  retry_scope scope{retry_scope::none};  ///< none: a recall.
  std::vector<std::uint32_t> named;      ///< Ordinals; empty = all.
};
struct survey_reply {
  domain::survey_counts counts;  ///< Of the named ones only, when there are any.
  std::vector<std::uint32_t> unfit;
};
/// INTERNAL: answers may be overdue.
struct deadline_tick {};
/// Publisher to partition: release one chunk of at most `grants`, the size of the want it answers. At
/// most one unanswered per partition.
struct release_credit {
  std::uint32_t grants{0};
};
/// JetStream stored the release at this log position. At most the window of the stream.
struct chunk_published {
  position released_at{};
  std::uint64_t first_seq{0};
};
/// Results matched to this partition by the intake. Bound: limits::result_batches_in_flight.
struct results_request {
  std::shared_ptr<const std::vector<bus::decoded_result>> results;
  std::vector<std::uint32_t> rows;  ///< Those of `results` meant for this partition.
};
struct results_reply {
  result<position> durable;
  std::uint64_t duplicates{0};  ///< Rows that repeat what is recorded.
  /// Rows that contradict the list or were never released, with the reason.
  std::vector<std::pair<std::uint32_t, std::string>> dead;
};
/// The reason where find_partition finds none.
inline constexpr std::string_view no_such_partition =
    "no such promotion, partition or sealed list";
/// Takes in releases that the stream holds and the log has lost. `dry`: only proves that they are
/// the next ones, one after the other. Bound: one under way.
struct adopt_request {
  std::shared_ptr<const std::vector<targets_released>> releases;
  bool dry{true};
};
struct adopt_reply {
  outcome<position> answer;
};
/// Save a snapshot and end. `final`: the engine is stopping.
struct retire {};
/// INTERNAL: tell partitions again that have not reported.
struct nudge_tick {};
/// INTERNAL: nothing happened for a while?
struct idle_tick {
  std::uint64_t seen{0};
};

// --- promotion ---------------------------------------------------------------------------------------
struct partition_quiet {
  partition_no partition{};
  run_no run{};
};
struct partition_finished {
  partition_no partition{};
  partition_done facts;
};
/// Every message of the partition's share of the recall is released.
struct recall_share {
  partition_no partition{};
  recall_no recall{};
  std::uint64_t target_count{0};
  money_minor amount{};
};
/// The partition cannot be started for a fault that a restart does not mend.
struct partition_broken {
  partition_no partition{};
  fault why;
};
/// A partition has (re)started and asks where its promotion stands.
struct partition_hello {
  partition_no partition{};
  caf::actor host;
};
struct open_batch_request {
  domain::open_batch command;
  caller by;
};
struct batch_reply {
  outcome<batch_receipt> answer;
};
struct import_request {
  std::shared_ptr<import_chunk> chunk;
};
struct import_reply {
  outcome<chunk_receipt> answer;
};
/// What of this chunk is taken already. Nothing is claimed.
struct probe_request {
  std::shared_ptr<const import_chunk> chunk;
};
struct probe_reply {
  outcome<probe_receipt> answer;
};
struct close_batch_request {
  domain::close_batch command;
  caller by;
};
struct abandon_batch_request {
  domain::abandon_batch command;
  caller by;
};
struct seal_request {
  caller by;
};
struct approve_request {
  caller by;
};
struct start_request {
  std::uint32_t run_date{0};
  bool resume{false};
  caller by;
};
struct stop_request {
  std::string reason;
  caller by;
};
struct schedule_request {
  timestamp start_at{};
  caller by;
};
struct cancel_request {
  std::string reason;
  caller by;
};
struct close_request {
  std::string reason;
  caller by;
};
struct retry_request {
  retry_scope scope{retry_scope::failed};
  std::vector<std::uint64_t> targets;  ///< Ascending, each once; empty = all of the scope.
  caller by;
};
struct recall_request {
  std::string reason;
  std::vector<std::uint64_t> targets;  ///< Ascending, each once; empty = every granted one.
  caller by;
};
/// Directory to promotion: its time has come.
struct start_due {};
struct command_reply {
  outcome<command_receipt> answer;
};
/// INTERNAL: build the sealed list; runs on its own thread.
struct build_list {
  promotion_id promotion{};
};
struct list_built {
  result<store::list_totals_result> totals;
};
/// INTERNAL: a stop was not confirmed in time.
struct stop_timeout {
  run_no run{};
};

// --- voucher registry --------------------------------------------------------------------------------
/// Claims the numbers of one chunk. Bound: one per promotion.
struct claim_request {
  promotion_id promotion{};
  std::shared_ptr<const import_chunk> chunk;
};
struct claim_reply {
  std::uint64_t claim{0};  ///< Names this claim to claim_settled.
  /// Indices into the columns whose number is taken, ascending.
  result<std::vector<std::uint32_t>> refused;
};
/// Which of the chunk's numbers are taken. Bound: one per dry run.
struct taken_request {
  std::shared_ptr<const import_chunk> chunk;
};
struct taken_reply {
  result<std::vector<std::uint32_t>> rows;  ///< Indices into the columns, ascending.
};
/// The chunk's fact is durable with the rows that were not refused, in their order.
struct claim_settled {
  std::uint64_t claim{0};
  position fact{};
};
/// A batch of the promotion is closed: its numbers may leave the open table for a file.
struct vouchers_counted {
  promotion_id promotion{};
};
/// INTERNAL: take some more numbers that a file holds out of the open table.
struct move_vouchers {};
/// The claim became no fact (claim != 0); or (claim 0) a batch was abandoned, or, with an empty
/// batch, the promotion was cancelled before its first run.
struct claims_released {
  std::uint64_t claim{0};
  promotion_id promotion{};
  std::string batch;
};

// --- publisher -----------------------------------------------------------------------------------------
/// A partition with pending targets wants to release. At most one per partition is queued.
struct want_release {
  promotion_id promotion{};
  partition_no partition{};
  caf::actor host;
  std::uint32_t chunk{0};
};
/// The credit is not used.
struct decline_release {
  promotion_id promotion{};
  partition_no partition{};
};
/// A partition (re)started: it holds no credit and no place in the queue. Say again which of its
/// open releases are stored.
struct open_releases {
  promotion_id promotion{};
  partition_no partition{};
  caf::actor host;
};
/// The publisher of this type is new: ask again for credit and for what is open.
struct delivery_restarted {
  promotion_type type{};
};
struct ack_arrived {
  bus::chunk_ack ack;
};
struct link_changed {
  bool connected{false};
};
/// INTERNAL: timers of the publisher.
struct publisher_tick {};
/// An operator wants the stream made anew: generation `seen` + 1 begins.
struct generation_request {
  std::uint32_t seen{0};  ///< The generation that was found wrong.
  caller by;
};
struct generation_reply {
  result<position> answer;  ///< The fact that begins it.
};
/// An operator mended something: look at the stream again, halted or not.
struct recheck_stream {};
struct delivery_query {};
struct delivery_reply {
  delivery_status status;
};

// --- intake ------------------------------------------------------------------------------------------
struct results_arrived {
  std::shared_ptr<bus::incoming_batch> batch;
};
/// INTERNAL: try the batch's unfinished groups again.
struct intake_retry {
  std::uint64_t token{0};
};
/// INTERNAL: (re)open the consumer.
struct intake_connect {};
/// The log lost results that were acknowledged: read their stream from its beginning.
struct read_results_again {};

// --- projector ---------------------------------------------------------------------------------------
struct step_tick {};
/// A rebuild was asked for: step even though the log stands still.
struct poke_projectors {};

// --- directory (supervisor) ----------------------------------------------------------------------------
struct find_promotion {
  promotion_id promotion{};
};
struct find_partition {
  promotion_id promotion{};
  partition_no partition{};
};
/// Empty handle: no such promotion (or partition), or, with `why`, none can be started now.
struct found {
  caf::actor host;
  std::optional<fault> why;
};
/// The promotion starts itself at this time; 0 = no more.
struct start_set {
  promotion_id promotion{};
  timestamp at{};
};
/// INTERNAL: is a start due?
struct start_tick {};
struct create_request {
  promotion_created wanted;
  caller by;
};
/// A host ends on purpose: do not start it again until someone asks for it.
struct retiring {
  caf::actor host;
};
/// Something no restart can mend: the process must stop.
struct fatal {
  fault why;
};
/// INTERNAL: backoff is over.
struct restart_due {
  std::uint64_t slot{0};
};
struct shutdown {};
struct shutdown_done {};

}  // namespace bestow::actors

#include "actors/local_messages.hpp"
