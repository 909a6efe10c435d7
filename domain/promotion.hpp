// Rules of a promotion: its list, its approval, its runs. Pure: time, ids, counts and the answers
// of uniqueness checks come in as data.
//
// `decide` never changes state; `apply` never refuses. Every command may be repeated: a command
// whose effect already stands is answered with no events ("stays quiet").
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "domain/rejection.hpp"
#include "events/codec.hpp"
#include "events/promotion.hpp"

namespace bestow::domain {

/// Life of a promotion. `stopping` shows as running. Names are those of the contract. Stored in
/// views: new ones come last.
enum class promotion_state : std::uint8_t {
  none,  ///< Not created.
  draft,
  sealed,
  approved,
  running,
  stopping,
  stopped,
  completed,
  scheduled,  ///< Approved, and starts itself at its time.
  failed,     ///< A run ended by a fault of the promotion itself.
  cancelled,  ///< Given up before its first run.
};
[[nodiscard]] auto name_of(promotion_state s) -> std::string_view;
/// READY, IN_PROGRESS, COMPLETED, STOPPED, FAILED of the original.
[[nodiscard]] auto promotion_status_of(promotion_state s) -> std::string_view;

/// What is known of one import batch.
struct batch_state {
  enum class life : std::uint8_t { open, closed, abandoned };
  life state{life::open};
  import_format format{import_format::csv};
  timestamp opened_at{};
  std::uint64_t rows{0};      ///< Data rows judged.
  std::uint64_t accepted{0};
  std::uint64_t rejected{0};
  std::uint64_t bytes{0};     ///< Input bytes covered by durable chunks.
  sha256_digest prefix{};     ///< SHA-256 of those bytes.
  sha256_digest sha256{};     ///< Of the whole input, when closed.
  bool any_amount_missing{false};  ///< Of its accepted rows; abandoning the batch takes them away.
  bool any_reason_missing{false};
  bool any_expiry_missing{false};
};

struct promotion {
  promotion_state state{promotion_state::none};
  promotion_created created;
  std::map<std::string, batch_state, std::less<>> batches;
  std::uint64_t accepted_rows{0};   ///< Over open and closed batches.
  std::uint64_t next_free_id{1};    ///< For rows without ids. Never reused, even after abandon.
  std::optional<bool> ids_given;    ///< Decided by the first accepted row; nullopt when none is left.
  bool any_amount_missing{false};   ///< Of rows accepted so far; seal needs a default then.
  bool any_reason_missing{false};
  bool any_expiry_missing{false};
  std::optional<list_sealed> list;
  std::string approved_by;
  run_started run;                  ///< The latest run; run.run = 0: none yet.
  timestamp start_at{};             ///< Of the latest schedule; 0 = none.
  bool closed{false};               ///< Nothing is released, retried or recalled any more.
  recall_started recall;            ///< The latest recall; recall.recall = 0: none yet.
  bool recall_open{false};          ///< Messages of the latest recall may still be unreleased.
  std::set<std::string, std::less<>> refused_approvers;  ///< Recorded once each.
  stream_version version{};         ///< Of the stream this state was folded from.
};

struct create_promotion {
  promotion_created wanted;   ///< Complete, ids assigned, defaults filled in.
  timestamp now{};
  bool named_tokens{false};   ///< The configuration has named tokens (for four_eyes).
};
struct open_batch {
  std::string batch;
  import_format format{import_format::csv};
  timestamp now{};
};
/// One judged chunk. `facts` is complete but for the target ids of rows without ids, which the
/// decision assigns. Duplicates have already been moved to the rejected columns by the host,
/// which asked the uniqueness tables.
struct import_targets {
  targets_imported facts;
  bool any_amount_missing{false};
  bool any_reason_missing{false};
  bool any_expiry_missing{false};
};
struct close_batch {
  std::string batch;
  std::uint64_t rows{0};
  std::uint64_t bytes{0};
  sha256_digest sha256{};
};
struct abandon_batch {
  std::string batch;
  std::string reason;
};
/// Totals come from building the list out of the log, with the defaults resolved.
struct seal_list {
  list_sealed totals;
  bool total_overflows{false};
};
struct approve_promotion {
  std::string by;
};
struct schedule_promotion {
  timestamp start_at{};
  std::string by;
  timestamp now{};
};
/// Before the first run only.
struct cancel_promotion {
  std::string reason;
  std::string by;
};
/// From stopped, completed or failed.
struct close_promotion {
  std::string reason;
  std::string by;
};
/// What the partitions know of the targets a retry or recall speaks of; counted just before it is
/// decided. A target that changes meanwhile is judged again when its partition releases it.
struct target_survey {
  std::uint64_t matching{0};  ///< Targets the command would act on.
  std::uint64_t open{0};      ///< With an attempt that has no final answer.
  std::optional<target_id> missing;  ///< Named, and not in the list.
  std::optional<target_id> unfit;    ///< Named, in the list, not in the state the command needs.
};
/// Publishes failed (or unknown) targets again, as a run of their next attempts.
struct retry_promotion {
  run_started wanted;  ///< As for start_run, with `retry` and `retry_targets` as asked.
  target_survey survey;
};
/// Takes granted targets back by compensating messages.
struct recall_promotion {
  std::string reason;
  u64_column target_ids;  ///< Ascending; empty = every granted target.
  std::string by;
  target_survey survey;
};
/// Every partition has released its share.
struct finish_recall {
  recall_no recall{};
  std::uint64_t target_count{0};
  money_minor amount{};
};
/// The promotion itself is at fault: no partition can go on.
struct fail_run {
  run_no run{};
  std::string code;
  std::string detail;
};
/// Start of the first run, or resume (resume = true) of a stopped or failed promotion.
struct start_run {
  run_started wanted;  ///< Settings from the configuration; run number and `resumed` are decided.
  bool resume{false};
};
struct stop_run {
  std::string reason;
  std::string by;
};
/// Every partition reports: nothing released is unacknowledged.
struct confirm_stopped {
  run_no run{};
};
/// Every partition is done at its latest release.
struct complete_promotion {
  run_no run{};
  std::uint64_t success_count{0};
  std::uint64_t fail_count{0};
  money_minor success_amount{};
};

/// No events = the wish already stands.
using promotion_decision = std::variant<std::vector<promotion_event>, refusal>;

[[nodiscard]] auto decide(const create_promotion& c, const promotion& p) -> promotion_decision;
[[nodiscard]] auto decide(const open_batch& c, const promotion& p) -> promotion_decision;
[[nodiscard]] auto decide(const import_targets& c, const promotion& p) -> promotion_decision;
/// Would these rows of a batch that is not open yet be taken, duplicates apart? For a dry run.
/// nullopt = yes.
[[nodiscard]] auto may_import(const targets_imported& chunk, const promotion& p)
    -> std::optional<refusal>;
[[nodiscard]] auto decide(const close_batch& c, const promotion& p) -> promotion_decision;
[[nodiscard]] auto decide(const abandon_batch& c, const promotion& p) -> promotion_decision;
/// May the list be built and sealed now? Called before the (long) build; same checks again in
/// decide(seal_list). nullopt = yes, and also when the list is sealed already: p.list is set then
/// and decide(seal_list) stays quiet.
[[nodiscard]] auto may_seal(const promotion& p) -> std::optional<refusal>;
[[nodiscard]] auto decide(const seal_list& c, const promotion& p) -> promotion_decision;
[[nodiscard]] auto decide(const approve_promotion& c, const promotion& p) -> promotion_decision;
/// Who tried in vain, for the log; nullopt: nothing to record, or recorded before.
[[nodiscard]] auto refused_approval(const approve_promotion& c, const promotion& p)
    -> std::optional<approval_refused>;
[[nodiscard]] auto decide(const schedule_promotion& c, const promotion& p) -> promotion_decision;
[[nodiscard]] auto decide(const cancel_promotion& c, const promotion& p) -> promotion_decision;
[[nodiscard]] auto decide(const close_promotion& c, const promotion& p) -> promotion_decision;
[[nodiscard]] auto decide(const retry_promotion& c, const promotion& p) -> promotion_decision;
[[nodiscard]] auto decide(const recall_promotion& c, const promotion& p) -> promotion_decision;
[[nodiscard]] auto decide(const finish_recall& c, const promotion& p) -> promotion_decision;
[[nodiscard]] auto decide(const fail_run& c, const promotion& p) -> promotion_decision;
[[nodiscard]] auto decide(const start_run& c, const promotion& p) -> promotion_decision;
[[nodiscard]] auto decide(const stop_run& c, const promotion& p) -> promotion_decision;
[[nodiscard]] auto decide(const confirm_stopped& c, const promotion& p) -> promotion_decision;
[[nodiscard]] auto decide(const complete_promotion& c, const promotion& p) -> promotion_decision;

/// Folds one fact; counts the version. Every alternative is handled: a new fact must fold to
/// compile.
[[nodiscard]] auto evolve(promotion p, const promotion_event& e) -> promotion;
/// In place, for replay.
void fold(promotion& p, const promotion_event& e);

/// All promotions at once: what creating one must not collide with. A fold over
/// promotion_created facts and their metadata.
struct promotion_catalog {
  struct entry {
    promotion_created created;
    event_metadata metadata;
  };
  std::map<std::uint64_t, entry> promotions;
  std::map<std::string, promotion_id, std::less<>> by_external_id;
  /// (principal, key) of create requests.
  std::map<std::pair<std::string, std::string>, promotion_id> by_key;
};
struct catalog_answer {
  promotion_id promotion{};
  bool already_existed{false};  ///< A retry: the first answer again.
};
/// Checks ids, external ids and idempotency keys over all promotions. A retry with the same key
/// and body, or the same given id and equal content, yields `already_existed`.
[[nodiscard]] auto decide_create(const create_promotion& c, const event_metadata& metadata,
                                 const promotion_catalog& catalog)
    -> std::variant<catalog_answer, refusal>;
void fold(promotion_catalog& catalog, const promotion_created& e, const event_metadata& metadata);

}  // namespace bestow::domain
