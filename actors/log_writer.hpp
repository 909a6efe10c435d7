// The log writer: the only actor that appends. Natural batching: while one commit is on its way to
// the disk, the next group gathers in the mailbox; each commit answers many.
#pragma once

#include <caf/all.hpp>
#include <chrono>
#include <deque>
#include <vector>

#include "actors/host.hpp"

namespace bestow::actors {

struct log_writer_state {
  static constexpr const char* name = "log_writer";
  struct waiting {
    std::shared_ptr<store::append_batch> batch;
    caf::response_promise reply;
    bool barrier{false};
  };
  struct follower {
    caf::actor listener;
    bool notified{false};  ///< It has not yet said head_seen.
    position told{};
  };
  context_ptr context;
  std::deque<waiting> queue;
  bool tick_scheduled{false};
  /// The log was full: when (steady clock) it is looked at next. 0 = it is not.
  std::chrono::nanoseconds next_look{0};
  std::vector<follower> followers;
};

/// Blocks its thread for each fsync: spawned detached outside the simulator.
/// Answers append_request, barrier_request; understands follow_head, head_seen, shutdown.
[[nodiscard]] auto run_log_writer(caf::stateful_actor<log_writer_state>* self, context_ptr context)
    -> caf::behavior;

}  // namespace bestow::actors
