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
#include <vector>

#include "actors/host.hpp"
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
  domain::promotion facts;         ///< May be ahead of the log by `appends_in_flight` batches.
  position last{};
  unsigned appends_in_flight{0};
  /// How to tell those who wait for each append in flight, oldest first, that it failed.
  std::deque<std::function<void(const fault&)>> on_failure;
  std::uint64_t activity{0};
  bool retiring{false};

  // import
  std::unique_ptr<store::u64_set> customers;  ///< Null until the first import needs it.
  std::unique_ptr<store::u64_set> ids;
  std::deque<waiting_import> imports;
  bool import_busy{false};         ///< The front chunk waits for the voucher registry.
  /// Who waits for the seal, and the stream's version the list is built from.
  std::optional<std::tuple<caf::response_promise, event_metadata, stream_version>> sealing;

  // runs
  std::map<std::uint16_t, partition_done> finished;  ///< Of the current run.
  std::set<std::uint16_t> quiet;
  std::vector<caf::response_promise> stop_waiters;
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

// --- row_filter.cpp -------------------------------------------------------------------------------------
/// Removes rows (ascending indices) from the chunk's columns and notes them as refused.
void refuse_rows(import_chunk& chunk, const std::vector<std::uint32_t>& rows,
                 domain::row_field field, domain::row_rejection code,
                 std::vector<chunk_receipt::refused_row>& refused);
/// Merges what uniqueness refused into the fact's rejected columns, ascending by row.
void note_refused(targets_imported& facts, const std::vector<chunk_receipt::refused_row>& refused);

}  // namespace bestow::actors
