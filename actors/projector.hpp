// One projector per view: moves it along behind the log, a bounded batch per transaction.
#pragma once

#include <caf/all.hpp>
#include <string>

#include "actors/host.hpp"

namespace bestow::actors {

struct projector_state {
  static constexpr const char* name = "projector";
  context_ptr context;
  std::string view;
  bool step_due{false};
  bool stopped{false};
};

/// Blocks on its view's fsync: spawned detached outside the simulator. A poisoned view stops here
/// and says so in its status; it is not restarted in a loop.
[[nodiscard]] auto run_projector(caf::stateful_actor<projector_state>* self, context_ptr context,
                                 std::string view) -> caf::behavior;

}  // namespace bestow::actors
