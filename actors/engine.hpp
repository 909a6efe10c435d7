// The engine as the edges see it: commands in, answers out. No CAF in this header.
//
// Promise: a command is answered only after the facts it rests on are durable. Every call has an
// end: after limits::request_timeout it answers outcome_unknown, and a repeat of the same command
// gets the first answer.
// Threads: any thread may call; each call blocks its caller until the answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "bus/bus.hpp"
#include "bus/grant_wire.hpp"
#include "domain/promotion.hpp"
#include "domain/target_row.hpp"
#include "events/clock.hpp"
#include "events/limits.hpp"
#include "events/result.hpp"
#include "projections/view_set.hpp"
#include "store/event_log.hpp"
#include "store/snapshot_store.hpp"
#include "store/target_list.hpp"
#include "store/uniqueness.hpp"

namespace bestow::actors {

/// Why a command was not done: the domain said no, or the machine failed.
using trouble = std::variant<domain::refusal, fault>;
template <class T>
using outcome = tl::expected<T, trouble>;

/// Who asks. Stands in the fact.
struct caller {
  std::string principal{"local"};
  std::string idempotency_key;
  std::uint64_t request_hash{0};
};

struct command_receipt {
  promotion_id promotion{};
  position at{};          ///< The log position the answer rests on; reads wait for it.
  bool repeated{false};   ///< The wish already stood.
  domain::promotion_state state{domain::promotion_state::none};
  run_no run{};
  std::uint64_t split_customers{0};  ///< Of the sealed list: customers in several partitions.
};

/// A batch as the importer must know it to begin or to go on.
struct batch_receipt {
  domain::batch_state batch;
  promotion_type type{promotion_type::point};
  std::uint32_t partition_count{1};
  std::string currency;
  position at{};
};
/// Judged rows of one chunk, before uniqueness. Columns run over the rows that are good so far.
struct import_chunk {
  std::string batch;
  targets_imported facts;                  ///< target_ids empty when not given.
  std::vector<std::uint64_t> row_numbers;  ///< Data row number of each row in the columns.
};
struct chunk_receipt {
  std::uint64_t accepted{0};
  /// Rows refused by uniqueness, ascending; added to those the parser refused.
  struct refused_row {
    std::uint64_t row{0};
    domain::row_field field{};
    domain::row_rejection code{};
  };
  std::vector<refused_row> refused;
  position at{};
};

/// Rows of a chunk that the promotion, or for voucher numbers any promotion, has already: ascending
/// indices into its columns.
struct probe_receipt {
  std::vector<std::uint32_t> ids;
  std::vector<std::uint32_t> customers;  ///< Empty where a customer may come twice.
  std::vector<std::uint32_t> vouchers;
};

/// What became of results that were handed in directly.
struct results_receipt {
  position at{};                ///< All that was recorded is durable here.
  std::uint64_t duplicates{0};  ///< Exact repeats: counted, not stored.
  struct refused_result {
    std::uint32_t row{0};
    std::string reason;
  };
  /// Rows that contradict the list or were never released, ascending; the others are recorded.
  std::vector<refused_result> refused;
};

/// What a run is started with; from [grants] of the configuration.
struct grant_settings {
  std::uint32_t chunk{1'000};
  std::string voucher_topic{"prepay.campaign.voucher.publish"};
  std::string point_topic{"prepay.campaign.point.publish"};
  std::string voucher_stream{"GRANTS_VOUCHER"};
  std::string point_stream{"GRANTS_POINT"};
  std::string result_stream{"GRANT_RESULTS"};
  std::string dead_stream{"GRANT_RESULTS_DEAD"};
  bool publish_events{true};  ///< Every fact on the event stream.
  std::string event_stream{"BESTOW_EVENTS"};
  std::string event_prefix{"bestow.evt"};
  /// Subjects of the result stream: `<prefix>.voucher.result`, `<prefix>.point.result`.
  std::string voucher_result_topic{"prepay.campaign.voucher.result"};
  std::string point_result_topic{"prepay.campaign.point.result"};
  bool extra_fields{true};
  bool partition_token{true};
  bool complete_when_published{false};
  /// From published to unknown when no final answer comes; 0 = never. Not used when a promotion
  /// completes as published.
  std::chrono::milliseconds result_deadline{std::chrono::hours{24}};
  std::uint64_t rate_per_second{0};  ///< Grants per second over all promotions of a type; 0 = unlimited.
  grant_wire wire{grant_wire::single};
  grant_format batch_format{grant_format::json};  ///< Of the batch wire.
  std::uint32_t batch_size{limits::batch_grants_max};  ///< Grants of one of its messages at most.
  bool named_tokens{false};
};

/// Everything the engine stands on; all outlive it. `messages` may be null: then nothing can be
/// published and start answers broker_unavailable.
struct engine_parts {
  store::event_log* log{nullptr};
  store::snapshot_store* snapshots{nullptr};
  store::target_lists* lists{nullptr};
  projections::view_set* views{nullptr};
  bus::message_bus* messages{nullptr};
  bestow::clock* time{nullptr};
  randomness* random{nullptr};
  std::string directory;  ///< For uniqueness tables; "" = memory.
};
/// How streams are written; from [nats] of the configuration.
struct delivery_settings {
  bool fence{false};                  ///< Others could write to the streams: name the writer.
  std::uint64_t stream_max_bytes{0};  ///< Of each stream that is created; 0 = unlimited.
  unsigned replicas{1};
};
struct engine_options {
  grant_settings grants;
  delivery_settings delivery;
  unsigned worker_threads{2};
  /// Called from an actor when the process must stop (corruption, restarts exhausted).
  std::function<void(const fault&)> on_fatal;
  /// Called from an actor when appends begin to fail, and with nullopt when one succeeds again.
  std::function<void(const std::optional<fault>&)> on_log_trouble;
};

/// Health and figures for /readyz, /metrics and `doctor`.
struct delivery_status {
  std::string stream;
  std::uint64_t planned_seq{0};   ///< Last sequence the log plans.
  std::uint64_t acked_seq{0};     ///< Last sequence JetStream confirmed.
  std::string state;              ///< "ready", "connecting: ...", "full: ...", "halted: <fault>"
  std::string code{};             ///< The fault behind the state; "" = none.
  std::uint32_t generation{0};
  std::uint64_t base_seq{1};      ///< Sequence of the identity message; grants follow it.
  std::uint64_t republished{0};   ///< Messages sent again because the broker had lost them.
};
/// What a rebuild began.
struct stream_receipt {
  std::string stream;
  std::uint32_t generation{0};
  std::uint64_t messages{0};  ///< Grants that are published again.
  std::string reason;         ///< What was wrong: a fault as text.
  bool repeated{false};       ///< A rebuild was under way already.
  position at{};
};
struct engine_status {
  position head{};
  bool log_ready{true};
  std::string log_trouble;  ///< The fault that keeps the log from being written; "" = none.
  std::vector<delivery_status> deliveries;
  std::optional<delivery_status> events;  ///< Of the event stream: positions of the log.
  std::uint64_t appends{0};
  std::uint64_t commits{0};
  std::uint64_t restarts{0};
  std::uint64_t live_promotions{0};
  std::uint64_t results_received{0};
  std::uint64_t results_dead{0};
  /// Promotions and partitions that cannot be started: their facts or list cannot be read. They
  /// are tried again for ever; all others go on.
  struct faulted_host {
    std::string stream;  ///< "promotion-77", "partition-77-3".
    std::string why;     ///< The fault.
  };
  std::uint64_t hosts_faulted{0};
  std::vector<faulted_host> faulted;  ///< The first limits::faults_named_max.
};
/// What an adoption took in.
struct adoption_receipt {
  std::string stream;
  std::uint64_t first_seq{0};
  std::uint64_t last_seq{0};
  std::uint64_t releases{0};
  position at{};
};

class engine {
 public:
  /// Starts every actor; returns when the log writer, the catalog and the projectors run.
  /// Running promotions are picked up in the background.
  [[nodiscard]] static auto start(engine_parts parts, engine_options options)
      -> result<std::unique_ptr<engine>>;
  engine() = default;
  engine(const engine&) = delete;
  auto operator=(const engine&) -> engine& = delete;
  /// Stops like stop().
  virtual ~engine() = default;

  /// `wanted.promotion` 0 = assign an id.
  [[nodiscard]] virtual auto create(promotion_created wanted, const caller& by)
      -> outcome<command_receipt> = 0;
  [[nodiscard]] virtual auto open_batch(promotion_id id, std::string batch, import_format format,
                                        const caller& by) -> outcome<batch_receipt> = 0;
  /// Durable when it returns. Chunks of a batch must arrive in row order; up to
  /// limits::import_chunks_in_flight callers may wait at once via import_async.
  [[nodiscard]] virtual auto import(promotion_id id, import_chunk chunk) -> outcome<chunk_receipt> = 0;
  /// As import; `done` runs on an actor thread and must only hand over.
  virtual void import_async(promotion_id id, import_chunk chunk,
                            std::function<void(outcome<chunk_receipt>)> done) = 0;
  /// A dry run's question: nothing is claimed, and no fact comes of it.
  /// @refuses promotion_not_found, list_already_sealed, ids_given_in_part, too_many_targets.
  [[nodiscard]] virtual auto probe(promotion_id id, import_chunk chunk)
      -> outcome<probe_receipt> = 0;
  [[nodiscard]] virtual auto close_batch(promotion_id id, domain::close_batch c, const caller& by)
      -> outcome<batch_receipt> = 0;
  [[nodiscard]] virtual auto abandon_batch(promotion_id id, domain::abandon_batch c,
                                           const caller& by) -> outcome<command_receipt> = 0;
  [[nodiscard]] virtual auto seal(promotion_id id, const caller& by) -> outcome<command_receipt> = 0;
  [[nodiscard]] virtual auto approve(promotion_id id, const caller& by)
      -> outcome<command_receipt> = 0;
  /// run_date yyyymmdd; 0 = today in Asia/Seoul.
  [[nodiscard]] virtual auto start_run(promotion_id id, std::uint32_t run_date, const caller& by)
      -> outcome<command_receipt> = 0;
  /// Returns when `stopped` is durable. A fault (broker_unavailable) when the broker does not
  /// confirm within limits::stop_within: the promotion is then `stopping` and becomes stopped by itself.
  [[nodiscard]] virtual auto stop_run(promotion_id id, std::string reason, const caller& by)
      -> outcome<command_receipt> = 0;
  [[nodiscard]] virtual auto resume(promotion_id id, const caller& by)
      -> outcome<command_receipt> = 0;

  /// The promotion starts itself at `at`, also after downtime. Asked again it moves.
  [[nodiscard]] virtual auto schedule(promotion_id id, timestamp at, const caller& by)
      -> outcome<command_receipt> = 0;
  /// Before the first run only.
  [[nodiscard]] virtual auto cancel(promotion_id id, std::string reason, const caller& by)
      -> outcome<command_receipt> = 0;
  /// From stopped, completed or failed: what is unpublished becomes abandoned; no more retry or recall.
  [[nodiscard]] virtual auto close(promotion_id id, std::string reason, const caller& by)
      -> outcome<command_receipt> = 0;
  /// Publishes failed or unknown targets again as a new run. `targets`: their ids in any order;
  /// empty = all of that scope.
  [[nodiscard]] virtual auto retry(promotion_id id, retry_scope scope,
                                   std::vector<std::uint64_t> targets, const caller& by)
      -> outcome<command_receipt> = 0;
  /// Takes granted targets back. Returns when the recall is durable; its messages and the answers
  /// follow. `targets`: their ids in any order; empty = every granted one.
  [[nodiscard]] virtual auto recall(promotion_id id, std::string reason,
                                    std::vector<std::uint64_t> targets, const caller& by)
      -> outcome<command_receipt> = 0;

  /// Records results that came another way than the broker, by the same rules; works while it is
  /// down. Durable when it returns. At most limits::result_import_rows rows. A fault means that some
  /// may be recorded: hand them in again, repeats are counted and ignored.
  [[nodiscard]] virtual auto record_results(
      std::shared_ptr<const std::vector<bus::decoded_result>> results)
      -> outcome<results_receipt> = 0;
  /// Looks through the whole stream and, when it is not what the log plans, begins a new generation:
  /// the stream is made anew and everything planned is published again. Returns when that stands in
  /// the log; publishing goes on in the background. Blocks for the look: some 100,000 messages/s.
  /// Refused: stream_is_sound (a halt ends then), stream_must_be_adopted, stream_belongs_to_another.
  [[nodiscard]] virtual auto rebuild_stream(promotion_type type, const caller& by)
      -> outcome<stream_receipt> = 0;
  /// Takes into the log what the stream holds beyond it (the log was restored from an older backup):
  /// every message is proved first to be the next grant of this log, then all are appended as
  /// released. The results are read again from their stream's beginning. Blocks for it.
  /// Refused: stream_is_not_ahead, stream_belongs_to_another, stream_cannot_be_adopted (nothing is
  /// appended then; after a fault in the middle the rest is adopted by asking again).
  [[nodiscard]] virtual auto adopt_stream(promotion_type type, const caller& by)
      -> outcome<adoption_receipt> = 0;
  /// Deletes the event stream and publishes every fact again, from position 1: for a stream whose end
  /// is not this log's (the log was restored from an older backup) or whose settings differ. Its
  /// consumers go with it. Publishing goes on in the background.
  /// Refused: stream_is_sound, stream_belongs_to_another (it begins with another log's fact).
  [[nodiscard]] virtual auto rebuild_events(const caller& by) -> outcome<stream_receipt> = 0;
  [[nodiscard]] virtual auto rebuild_view(std::string_view name) -> result<bool> = 0;
  [[nodiscard]] virtual auto status() -> engine_status = 0;
  /// Stops releasing, lets what is under way become durable, saves snapshots and ends every actor.
  /// Bounded by 10 s. Commands after it answer shutting_down. Idempotent.
  virtual void stop() = 0;
};

}  // namespace bestow::actors
