// Every fact on BESTOW_EVENTS, in log order: sequence n of the stream is the fact at position n.
//
// Promise: the content of each sequence follows from the log alone and each message says which
// sequence it follows, so a crash, a lost ack or a second feed over the same log cannot double, skip
// or reorder a fact. It goes on where the stream ends; a stream that holds something else at its end
// is left alone and named in status(). Behind the log by what the broker takes; never in its way.
#pragma once

#include <caf/all.hpp>
#include <string>

#include "actors/host.hpp"

namespace bestow::actors {

struct event_feed_state {
  static constexpr const char* name = "event_feed";
  context_ptr context;
  position published{};          ///< The stream's last sequence, once `agreed`.
  bool agreed{false};            ///< The stream's end is this log's fact at that position.
  bool halted{false};
  std::string problem;           ///< "" = following.
  bool step_due{false};
  std::chrono::milliseconds backoff{0};
};

/// Blocks its thread on broker round trips: spawned detached outside the simulator.
[[nodiscard]] auto run_event_feed(caf::stateful_actor<event_feed_state>* self, context_ptr context)
    -> caf::behavior;

}  // namespace bestow::actors
