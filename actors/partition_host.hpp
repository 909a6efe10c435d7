// Host of one partition: the only actor that appends facts about its targets. Thin: the rules are
// domain/partition.hpp; here is only the order decide, fold, append, answer when durable.
#pragma once

#include <caf/all.hpp>
#include <deque>
#include <functional>
#include <memory>

#include "actors/host.hpp"
#include "domain/partition.hpp"
#include "events/limits.hpp"
#include "store/target_list.hpp"

namespace bestow::actors {

struct partition_key {
  promotion_id promotion{};
  partition_no number{};
  promotion_type type{promotion_type::point};
};

struct partition_state {
  static constexpr const char* name = "partition";
  context_ptr context;
  partition_key key;
  std::shared_ptr<const store::target_list> list;
  domain::partition facts;         ///< May be ahead of the log by `appends_in_flight` batches.
  position last{};                 ///< Of the newest durable fact of this stream.
  run_started run;                 ///< Of the run that is on.
  bool running{false};
  recall_begin recall;             ///< The latest recall told of; recall.recall.recall 0: none.
  std::vector<std::uint32_t> named_retries;  ///< Ordinals of run.retry_targets here, ascending.
  std::vector<std::uint32_t> named_recalls;  ///< Of recall.target_ids.
  std::uint64_t overdue_from{0};   ///< First awaited chunk not looked at, by number.
  bool deadline_armed{false};
  bool wants{false};               ///< A want_release is queued at the publisher.
  run_no quiet_asked{};            ///< run_end was received for this run and not yet answered.
  bool finish_told{false};
  unsigned appends_in_flight{0};
  std::deque<caf::response_promise> results_waiting;  ///< Of appends in flight, oldest first.
  std::uint64_t described_since_snapshot{0};
  std::uint64_t activity{0};       ///< Counts messages; idle_tick compares it.
  bool retiring{false};
};

/// Replays behind a barrier, then greets its promotion. Ends with replay_needed when an append fails.
[[nodiscard]] auto run_partition(caf::stateful_actor<partition_state>* self, context_ptr context,
                                 partition_key key) -> caf::behavior;

// --- shared by partition_*.cpp ---------------------------------------------------------------------
using partition_actor_host = caf::stateful_actor<partition_state>;
using partition_durable = std::function<void(const store::append_receipt&)>;
/// Folds and appends; `then` runs when durable. A failed append ends the host for replay.
void append_partition(partition_actor_host* self, std::vector<partition_event> events,
                      partition_durable then);
/// Sends to the promotion, which may rest: the directory wakes it.
template <class Message>
void tell_promotion(partition_actor_host* self, const Message& message) {
  auto& s = self->state;
  self->request(s.context->book.directory(), limits::request_timeout,
                find_promotion{s.key.promotion})
      .then(
          [self, message](const found& f) {
            if (f.host) self->send(f.host, message);
          },
          // It asks again while the run is on.
          [](const caf::error&) {});
}
/// Asks the publisher for credit when there is anything to release.
void ask_for_credit(partition_actor_host* self);

// --- partition_results.cpp: answers, and what fits into a message -----------------------------------
/// Answered when durable. Rows that contradict the list or were never released come back as dead.
[[nodiscard]] auto record_answers(partition_actor_host* self, const results_request& r)
    -> caf::result<results_reply>;
/// Ordinals in [first, end) whose message exceeds the server's limit. Field lengths bound a message to
/// about 2 KB, so with any usual limit nothing needs to be encoded for this.
[[nodiscard]] auto too_large_ones(const partition_state& s, std::uint32_t first, std::uint64_t end)
    -> std::vector<std::uint32_t>;

/// What one message of the batch wire may hold; no bound on the single wire. Valid while `s` is.
[[nodiscard]] auto room_of(const partition_state& s, release_kind kind, const run_started& run)
    -> domain::message_room;

// --- partition_again.cpp: retries, recalls, deadlines -----------------------------------------------
/// What was decided; a refusal is nothing.
[[nodiscard]] auto events_of(domain::partition_decision decided) -> std::vector<partition_event>;
/// The run's retry has targets that are not released yet.
[[nodiscard]] auto has_retries(const partition_state& s) -> bool;
/// So has the recall.
[[nodiscard]] auto has_recalls(const partition_state& s) -> bool;
/// What the next credit releases of them: recalls first. Empty: nothing, or a stale run.
[[nodiscard]] auto next_again(const partition_state& s, std::uint32_t grants)
    -> std::vector<partition_event>;
/// Ordinals of ids here, ascending.
[[nodiscard]] auto ordinals_of(const partition_state& s, const u64_column& ids)
    -> std::vector<std::uint32_t>;
void begin_recall(partition_actor_host* self, const recall_begin& r);
/// Tells the promotion, once its share of the recall is released.
void report_recall(partition_actor_host* self);
[[nodiscard]] auto survey_targets(const partition_state& s, const survey_request& r)
    -> survey_reply;
/// Sets the timer for the next answers that can become overdue.
void arm_deadline(partition_actor_host* self);
void on_deadline(partition_actor_host* self);

/// The sealed list's amounts, as the fold asks for them.
class list_amounts final : public domain::amount_source {
 public:
  list_amounts(const store::target_list& list, partition_no k) : list_{&list}, k_{k} {}
  [[nodiscard]] auto amount_of(target_ordinal ordinal) const -> money_minor override {
    return list_->amount(k_, ordinal);
  }

 private:
  const store::target_list* list_;
  partition_no k_;
};

// --- partition_adopt.cpp -----------------------------------------------------------------------------
/// Proves on a copy that the releases follow one another, or appends them.
[[nodiscard]] auto adopt_releases(partition_actor_host* self, const adopt_request& r)
    -> caf::result<adopt_reply>;

}  // namespace bestow::actors
