// Starting the engine's actors inside a given actor system. Used by the facade (engine.cpp) and by
// the simulator, which brings its own scheduler.
#pragma once

#include <caf/all.hpp>

#include "actors/host.hpp"

namespace bestow::actors {

struct core_actors {
  caf::actor log_writer;
  caf::actor directory;
};

/// Starts the log writer and the directory, which starts everything else.
[[nodiscard]] auto spawn_core(caf::actor_system& system, const context_ptr& context) -> core_actors;

/// Routes the bus's callbacks to the publishers. The callbacks keep `context` alive and do nothing
/// once its book is cleared.
void connect_bus(bus::message_bus& messages, const context_ptr& context);

}  // namespace bestow::actors
