#include "actors/projector.hpp"

namespace bestow::actors {

namespace {

using projector = caf::stateful_actor<projector_state>;
/// Between two transactions of a view that follows: many small commits share one fsync, and views
/// stay far below a second behind.
constexpr auto pause_between_steps = std::chrono::milliseconds{15};
/// After a failed step.
constexpr auto look_again = std::chrono::milliseconds{500};

void schedule(projector* self, std::chrono::milliseconds after) {
  auto& s = self->state;
  if (s.step_due || s.stopped) return;
  s.step_due = true;
  self->delayed_send(self, after, step_tick{});
}

void step(projector* self) {
  auto& s = self->state;
  s.step_due = false;
  auto report = s.context->parts.views->step(s.view);
  if (!report) {
    // Poisoned: it stands where it stopped until it is rebuilt. Anything else is tried again.
    return schedule(self, look_again);
  }
  if (report->caught_up) {
    self->send(s.context->book.log_writer(), head_seen{caf::actor{self}});
    return;
  }
  schedule(self, std::chrono::milliseconds{0});
}

}  // namespace

auto run_projector(projector* self, context_ptr context, std::string view) -> caf::behavior {
  use_host_defaults(self);
  self->state.context = std::move(context);
  self->state.view = std::move(view);
  self->send(self->state.context->book.log_writer(), follow_head{caf::actor{self}});
  schedule(self, std::chrono::milliseconds{0});
  return {
      [=](const head_moved&) { schedule(self, pause_between_steps); },
      [=](const step_tick&) { step(self); },
      [=](const shutdown&) { self->quit(); },
  };
}

}  // namespace bestow::actors
