#include "actors/projector.hpp"

#include "events/limits.hpp"

namespace bestow::actors {

namespace {

using projector = caf::stateful_actor<projector_state>;

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
    return schedule(self, limits::projector_retry);
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
      [=](const head_moved&) { schedule(self, limits::projector_pause); },
      [=](const step_tick&) { step(self); },
      [=](const shutdown&) { self->quit(); },
  };
}

}  // namespace bestow::actors
