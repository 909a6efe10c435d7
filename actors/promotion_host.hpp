// Host of one promotion: its list, its runs, its reactions to its partitions. Thin: the rules are
// domain/promotion.hpp. promotion_import.cpp holds the import path with its uniqueness tables.
#pragma once

#include <caf/all.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "actors/host.hpp"
#include "events/limits.hpp"
#include "domain/promotion.hpp"
#include "store/uniqueness.hpp"

namespace bestow::actors {

struct promotion_host_state {
  static constexpr const char* name = "promotion";
  struct waiting_import {
    std::shared_ptr<import_chunk> chunk;
    caf::response_promise reply;
  };
  context_ptr context;
  promotion_id id{};
  /// Where the promotion stands for everyone else: what partitions are told and callers answered.
  struct standing {
    domain::promotion_state state{domain::promotion_state::none};
    bool closed{false};
    run_started run;
    recall_started recall;
    bool recall_open{false};
  };
  domain::promotion facts;         ///< May be ahead of the log by the appends in flight.
  standing durable;                ///< Of what is durable: never ahead.
  position last{};
  /// An append in flight: since when (steady clock), and how to tell who waits for it that it failed.
  struct waiting_append {
    std::chrono::nanoseconds since{0};
    std::function<void(const fault&)> failed;
  };
  std::deque<waiting_append> appends;  ///< Those in flight, oldest first.
  std::uint64_t activity{0};
  bool retiring{false};

  // import
  std::unique_ptr<store::u64_set> customers;  ///< Null until the first import needs it.
  std::unique_ptr<store::u64_set> ids;
  std::deque<waiting_import> imports;
  /// Where the last repeated chunk ended: the next one of a twin is looked for from there.
  struct {
    std::string batch;
    std::uint64_t next_row{0};
    stream_version after{};
  } repeats;
  bool import_busy{false};         ///< The front chunk waits for the voucher registry.
  /// Who waits for the seal, and the stream's version the list is built from.
  std::optional<std::tuple<caf::response_promise, event_metadata, stream_version>> sealing;

  // runs
  std::map<std::uint16_t, partition_done> finished;  ///< Of the current run.
  std::set<std::uint16_t> quiet;
  std::vector<caf::response_promise> stop_waiters;
  std::map<std::uint16_t, recall_share> recall_shares;  ///< Of the recall that is open.
  std::map<std::uint16_t, unsigned> broken;  ///< Failed starts in a row of each partition.

  /// What came under which key: a repeat gets the first answer, another body is refused.
  struct key_use {
    std::string verb;
    std::uint64_t request_hash{0};
  };
  std::map<std::pair<std::string, std::string>, key_use> keys;  ///< By principal and key.
  std::deque<std::pair<std::string, std::string>> key_order;    ///< Oldest first.
};
using promotion_actor_host = caf::stateful_actor<promotion_host_state>;

/// Replays behind a barrier; an active run wakes its partitions.
[[nodiscard]] auto run_promotion(promotion_actor_host* self, context_ptr context, promotion_id id)
    -> caf::behavior;

// --- shared by promotion_*.cpp ------------------------------------------------------------------------
using promotion_durable = std::function<void(const store::append_receipt&)>;
/// Folds and appends; `then` runs when durable. A failed append answers through `failed` and ends
/// the host. An empty batch is version-checked too: a refusal is answered after what it rests on.
void append_promotion(promotion_actor_host* self, std::vector<promotion_event> events,
                      const event_metadata& metadata, promotion_durable then,
                      std::function<void(const fault&)> failed);
/// Memory is ahead of the log, or the host must end: everyone who waits is answered, then it ends.
void end_for_replay(promotion_actor_host* self, const fault& why);
[[nodiscard]] auto receipt_of(const promotion_host_state& s, position at, bool repeated)
    -> command_receipt;

/// Remembers under which key a command was accepted.
void remember_key(promotion_host_state& s, const promotion_event& first,
                  const event_metadata& metadata);
/// What a command under this key is answered with before it is decided: true, a repeat of an
/// accepted one; a refusal, the key was used for something else; nullopt, it is new.
[[nodiscard]] auto known_key(const promotion_host_state& s, std::string_view verb,
                             const caller& by) -> std::optional<std::variant<bool, domain::refusal>>;

/// Sends `message` to one partition, starting it when it sleeps.
template <class Message>
void tell_partition(promotion_actor_host* self, partition_no number, const Message& message) {
  auto& s = self->state;
  self->request(s.context->book.directory(), limits::request_timeout, find_partition{s.id, number})
      .then(
          [self, message](const found& f) {
            if (f.host) self->send(f.host, message);
          },
          // A partition that could not be started now says hello when it is.
          [](const caf::error&) {});
}

template <class Message>
void tell_partitions(promotion_actor_host* self, const Message& message) {
  for (std::uint32_t k = 0; k < self->state.facts.created.partition_count; ++k)
    tell_partition(self, partition_no{static_cast<std::uint16_t>(k)}, message);
}

/// Answers when the events, or what the refusal rests on, are durable; then `done`.
void answer_decided(promotion_actor_host* self, domain::promotion_decision decided,
                    const caller& by, std::function<void()> done, caf::response_promise promise);

/// Decides a plain command and answers when its facts, or what the answer rests on, are durable.
template <class Command>
auto answer_command(promotion_actor_host* self, std::string_view verb, const Command& command,
                    const caller& by, std::function<void()> done) -> caf::result<command_reply> {
  auto promise = self->make_response_promise();
  domain::promotion_decision decided;
  if (auto known = known_key(self->state, verb, by)) {
    if (auto* no = std::get_if<domain::refusal>(&*known)) decided = std::move(*no);
  } else {
    decided = domain::decide(command, self->state.facts);
  }
  answer_decided(self, std::move(decided), by, std::move(done), promise);
  return promise;
}

/// While the stream holds grants that the log does not know, a release could be a second grant: no
/// start, resume, retry or recall.
[[nodiscard]] auto refused_while_ahead(const promotion_host_state& s)
    -> std::optional<domain::refusal>;
[[nodiscard]] auto answer_refused(promotion_actor_host* self, const domain::refusal& why,
                                  const caller& by) -> caf::result<command_reply>;
/// The next run's settings, from the configuration.
[[nodiscard]] auto run_settings(const promotion_host_state& s, std::uint32_t run_date,
                                const std::string& by) -> run_started;
/// Whoever waits for the stop hears how it ended.
void answer_stop_waiters(promotion_actor_host* self, const outcome<command_receipt>& answer);
/// A run began and is durable: its partitions are told.
void on_run_started(promotion_actor_host* self);

// --- promotion_life.cpp: schedule, cancel, close, retry, recall --------------------------------------
[[nodiscard]] auto approve(promotion_actor_host* self, const approve_request& r)
    -> caf::result<command_reply>;
[[nodiscard]] auto schedule(promotion_actor_host* self, const schedule_request& r)
    -> caf::result<command_reply>;
[[nodiscard]] auto cancel(promotion_actor_host* self, const cancel_request& r)
    -> caf::result<command_reply>;
[[nodiscard]] auto close(promotion_actor_host* self, const close_request& r)
    -> caf::result<command_reply>;
[[nodiscard]] auto retry(promotion_actor_host* self, const retry_request& r)
    -> caf::result<command_reply>;
[[nodiscard]] auto recall(promotion_actor_host* self, const recall_request& r)
    -> caf::result<command_reply>;
void on_start_due(promotion_actor_host* self);
void on_recall_share(promotion_actor_host* self, const recall_share& r);
void on_partition_broken(promotion_actor_host* self, const partition_broken& b);
/// Tells the directory when the promotion starts itself, or that it no longer does.
void tell_start(promotion_actor_host* self);
[[nodiscard]] auto standing_of(const domain::promotion& p) -> promotion_host_state::standing;
/// Closed before everything was published: partitions abandon the rest.
[[nodiscard]] auto abandons(const promotion_host_state::standing& s) -> bool;

// --- promotion_import.cpp -------------------------------------------------------------------------------
[[nodiscard]] auto open_batch(promotion_actor_host* self, const open_batch_request& r)
    -> caf::result<batch_reply>;
[[nodiscard]] auto import_rows(promotion_actor_host* self, const import_request& r)
    -> caf::result<import_reply>;
[[nodiscard]] auto close_batch(promotion_actor_host* self, const close_batch_request& r)
    -> caf::result<batch_reply>;
[[nodiscard]] auto abandon_batch(promotion_actor_host* self, const abandon_batch_request& r)
    -> caf::result<command_reply>;
/// Goes on with the waiting chunks, as far as they may.
void next_import(promotion_actor_host* self);
[[nodiscard]] auto seal(promotion_actor_host* self, const seal_request& r)
    -> caf::result<command_reply>;
/// The file of a set lies below the data directory, or "" in memory.
[[nodiscard]] auto table_path(const engine_context& context, const std::string& file) -> std::string;

// --- import_tables.cpp ----------------------------------------------------------------------------------
/// Builds the uniqueness tables from the log, once per host, when an import first needs them.
[[nodiscard]] auto prepare_tables(promotion_host_state& s) -> result<void>;
struct claimed_rows {
  std::vector<std::uint32_t> duplicate_ids;
  std::vector<std::uint32_t> duplicate_customers;
};
/// Claims ids and customers of the chunk row by row, in file order; the second one is refused.
[[nodiscard]] auto claim_rows(promotion_host_state& s, const targets_imported& f)
    -> result<claimed_rows>;
/// Removes both kinds of duplicates at once; indices refer to the chunk as it came.
void refuse_duplicates(import_chunk& chunk, const claimed_rows& c,
                       std::vector<chunk_receipt::refused_row>& refused);
/// Gives back what the chunk claimed for these of its rows.
void release_rows(promotion_host_state& s, const import_chunk& chunk,
                  const std::vector<std::uint32_t>& rows);

// --- repeated_chunk.cpp ---------------------------------------------------------------------------------
/// The receipt of a chunk whose rows were durable before it came, read from the facts that hold
/// them: refused are the rows the log refused beside those the chunk itself reports.
/// Precondition: those facts are durable. @fault of the log.
[[nodiscard]] auto receipt_of_repeat(promotion_host_state& s, const targets_imported& chunk,
                                     position at) -> result<chunk_receipt>;
// --- promotion_probe.cpp --------------------------------------------------------------------------------
[[nodiscard]] auto probe_rows(promotion_actor_host* self, const probe_request& r)
    -> caf::result<probe_reply>;

// --- row_filter.cpp -------------------------------------------------------------------------------------
/// Removes rows (ascending indices) from the chunk's columns and notes them as refused.
void refuse_rows(import_chunk& chunk, const std::vector<std::uint32_t>& rows,
                 domain::row_field field, domain::row_rejection code,
                 std::vector<chunk_receipt::refused_row>& refused);
/// Merges what uniqueness refused into the fact's rejected columns, ascending by row.
void note_refused(targets_imported& facts, const std::vector<chunk_receipt::refused_row>& refused);

}  // namespace bestow::actors
