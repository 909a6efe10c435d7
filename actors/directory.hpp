// The directory: finds, starts, watches and restarts every other actor, and owns the catalog of
// promotions. The root of supervision: what ends unexpectedly is started again from the log with
// backoff and counted; what no restart mends stops the process.
#pragma once

#include <caf/all.hpp>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/host.hpp"
#include "actors/restart_ledger.hpp"
#include "domain/promotion.hpp"

namespace bestow::actors {

struct directory_state {
  static constexpr const char* name = "directory";
  /// A long-lived actor that must always be there.
  struct singleton {
    std::string name;
    std::function<caf::actor()> spawn;
    caf::actor address;
    bool told{false};  ///< shutdown was sent.
  };
  context_ptr context;
  caf::actor_addr log_writer;      ///< Watched: without it nothing can go on.
  domain::promotion_catalog catalog;
  unsigned creates_in_flight{0};
  std::vector<singleton> singletons;
  std::unordered_map<stream_id, caf::actor> hosts;   ///< Promotions and partitions that are awake.
  std::map<caf::actor_addr, stream_id> stream_of_host;
  std::map<caf::actor_addr, bool> leaving;           ///< Hosts that said retiring.
  std::map<std::uint64_t, stream_id> due;            ///< Hosts to start again after their backoff.
  std::uint64_t next_due{1};
  restart_ledger restarts;
  std::map<std::uint64_t, timestamp> starts;         ///< Promotions that start themselves, and when.
  bool start_ticking{false};
  bool stopping{false};
  std::optional<caf::response_promise> stopped;      ///< Answer to shutdown.
};
using directory_host = caf::stateful_actor<directory_state>;

/// Reads the catalog, starts publishers, registry, intake and projectors, wakes active promotions.
[[nodiscard]] auto run_directory(directory_host* self, context_ptr context) -> caf::behavior;

// --- directory_catalog.cpp ------------------------------------------------------------------------------
[[nodiscard]] auto read_catalog(directory_state& s) -> result<void>;
/// Where a promotion stands, without its list: its few facts that are not bulk.
[[nodiscard]] auto standing_of(const store::event_log& log, promotion_id id)
    -> result<domain::promotion>;
/// Who has something to do by itself. A promotion that cannot be read is woken too: its host says
/// what is wrong.
[[nodiscard]] auto is_active(const result<domain::promotion>& p) -> bool;
/// Before the seal there are no partitions: a stray result must not wake one on half a list.
[[nodiscard]] auto is_sealed(const store::event_log& log, promotion_id id) -> result<bool>;

// --- directory_singletons.cpp ---------------------------------------------------------------------------
/// Lists what must always run, in starting order.
void list_singletons(directory_host* self);

}  // namespace bestow::actors
