// Host of one partition: the only actor that appends facts about its targets. Thin: the rules are
// domain/partition.hpp; here is only the order decide, fold, append, answer when durable.
#pragma once

#include <caf/all.hpp>
#include <deque>
#include <functional>
#include <memory>

#include "actors/host.hpp"
#include "domain/partition.hpp"
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

}  // namespace bestow::actors
