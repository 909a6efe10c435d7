// Every fact on BESTOW_EVENTS, in log order: sequence n of the stream is the fact at position n.
//
// Promise: the content of each sequence follows from the log alone and each message says which
// sequence it follows, so a crash, a lost ack or a second feed over the same log cannot double, skip
// or reorder a fact. It goes on where the stream ends; a stream that holds something else at its end
// is left alone and named in status() until an operator lets it be made anew. Behind the log by what the broker takes; never in its way.
#pragma once

#include <caf/all.hpp>
#include <optional>
#include <string>

#include "actors/engine.hpp"
#include "actors/host.hpp"
#include "bus/bus.hpp"
#include "store/event_log.hpp"

namespace bestow::actors {

/// A fact as the event stream holds it: a function of the log and the settings.
struct fact_message {
  std::string subject;
  std::string payload;
};
[[nodiscard]] auto event_stream_config(const grant_settings& grants) -> bus::stream_config;
/// The fact at one position, from 1 on; nullopt: the log ends before it. @fault log_corrupt
[[nodiscard]] auto fact_message_at(const store::event_log& log, const grant_settings& grants,
                                   position at) -> result<std::optional<fact_message>>;

struct event_feed_state {
  static constexpr const char* name = "event_feed";
  context_ptr context;
  position published{};          ///< The stream's last sequence, once `agreed`.
  bool agreed{false};            ///< The stream's end is this log's fact at that position.
  bool halted{false};
  std::string problem;           ///< "" = following.
  fault_code halted_by{};        ///< While `halted`.
  bool step_due{false};
  std::chrono::milliseconds backoff{0};
};

/// Blocks its thread on broker round trips: spawned detached outside the simulator.
[[nodiscard]] auto run_event_feed(caf::stateful_actor<event_feed_state>* self, context_ptr context)
    -> caf::behavior;

}  // namespace bestow::actors
