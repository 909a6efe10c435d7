#include "actors/log_writer.hpp"

#include "events/limits.hpp"
#include "store/log_room.hpp"

namespace bestow::actors {

namespace {

using writer = caf::stateful_actor<log_writer_state>;

auto bytes_of(const store::append_batch& batch) -> std::size_t {
  std::size_t sum = 64;
  for (const auto& e : batch.events) sum += e.payload.size() + 64;
  return sum;
}

void schedule_commit(writer* self) {
  if (self->state.tick_scheduled) return;
  self->state.tick_scheduled = true;
  // At the tail of the mailbox: everything that already waits there joins this commit.
  self->send(self, commit_tick{});
}

void notify(writer* self, log_writer_state::follower& f, position head) {
  if (f.notified || f.told >= head) return;
  f.notified = true;
  f.told = head;
  self->send(f.listener, head_moved{head});
}

void notify_followers(writer* self) {
  const auto head = self->state.context->parts.log->head().last;
  for (auto& f : self->state.followers) notify(self, f, head);
}

void note_log(writer* self, std::optional<fault> why) {
  auto& c = *self->state.context;
  c.counters.log_ready = !why;
  if (c.counters.log_trouble.set(why) && c.options.on_log_trouble) c.options.on_log_trouble(why);
}

/// A commit succeeded. In a full log a small one still may, which is no sign of room.
void note_commit(writer* self) {
  const auto& c = *self->state.context;
  const auto why = c.counters.log_trouble.get();
  if (!why || (why->code == fault_code::log_full && !store::has_room(*c.parts.log))) return;
  note_log(self, std::nullopt);
}

void look_later(writer* self) {
  auto& s = self->state;
  s.next_look = s.context->parts.time->steady() + limits::projector_retry;
  self->delayed_send(self, limits::projector_retry, commit_tick{});
}

/// A log that was full is looked at until there is room: nobody may append meanwhile, and who asks
/// whether this process is ready must not wait for an append.
void look_for_room(writer* self) {
  auto& s = self->state;
  if (s.next_look.count() == 0 || s.context->parts.time->steady() < s.next_look) return;
  s.next_look = {};
  const auto why = s.context->counters.log_trouble.get();
  if (!why || why->code != fault_code::log_full) return;
  if (!store::has_room(*s.context->parts.log)) return look_later(self);
  note_log(self, std::nullopt);
}

/// The environment is in an unknown state: everything queued fails, hosts replay behind the reopen.
void fail_group(writer* self, std::vector<log_writer_state::waiting>& group, const fault& why) {
  auto& s = self->state;
  for (auto& w : group) w.reply.deliver(append_reply{tl::unexpected<fault>{why}});
  for (auto& w : s.queue) {
    if (w.barrier) continue;
    w.reply.deliver(append_reply{tl::unexpected<fault>{why}});
  }
  std::erase_if(s.queue, [](const auto& w) { return !w.barrier; });
  note_log(self, why);  // Until a commit succeeds again.
  if (why.code == fault_code::log_full) {  // Nothing was written and the log is intact.
    if (s.next_look.count() == 0) look_later(self);
    return;
  }
  auto reopened = s.context->parts.log->reopen();
  if (reopened) return notify_followers(self);  // The commit may have been done after all.
  if (s.context->options.on_fatal) s.context->options.on_fatal(reopened.error());
  self->quit(caf::make_error(caf::sec::runtime_error, to_string(reopened.error())));
}

void commit(writer* self) {
  auto& s = self->state;
  std::vector<store::append_batch> batches;
  std::vector<log_writer_state::waiting> group;
  std::size_t bytes = 0;
  while (!s.queue.empty() && !s.queue.front().barrier &&
         batches.size() < limits::group_appends_max) {
    const auto next = bytes_of(*s.queue.front().batch);
    if (!batches.empty() && bytes + next > limits::group_bytes_max) break;
    bytes += next;
    batches.push_back(std::move(*s.queue.front().batch));
    group.push_back(std::move(s.queue.front()));
    s.queue.pop_front();
  }
  if (!batches.empty()) {
    auto answers =
        s.context->parts.log->append_group(batches, s.context->parts.time->wall());
    if (!answers) return fail_group(self, group, answers.error());
    for (std::size_t i = 0; i < group.size(); ++i)
      group[i].reply.deliver(append_reply{std::move((*answers)[i])});
    s.context->counters.appends += group.size();
    ++s.context->counters.commits;
    note_commit(self);
    notify_followers(self);
  }
  while (!s.queue.empty() && s.queue.front().barrier) {
    s.queue.front().reply.deliver(barrier_reply{s.context->parts.log->head().last});
    s.queue.pop_front();
  }
}

auto enqueue(writer* self, const append_request& r) -> caf::result<append_reply> {
  auto& s = self->state;
  auto promise = self->make_response_promise();
  if (s.queue.size() >= limits::log_writer_queue_max) {
    promise.deliver(append_reply{fail(fault_code::overloaded, "append",
                                      "the log writer's queue is full; try again")});
    return promise;
  }
  s.queue.push_back({r.batch, promise, false});
  schedule_commit(self);
  return promise;
}

}  // namespace

auto run_log_writer(writer* self, context_ptr context) -> caf::behavior {
  use_host_defaults(self);
  self->state.context = std::move(context);
  self->set_down_handler([self](caf::down_msg& down) {
    std::erase_if(self->state.followers,
                  [&](const auto& f) { return f.listener.address() == down.source; });
  });
  return {
      [=](const append_request& r) { return enqueue(self, r); },
      [=](const barrier_request&) -> caf::result<barrier_reply> {
        auto promise = self->make_response_promise();
        self->state.queue.push_back({nullptr, promise, true});
        schedule_commit(self);
        return promise;
      },
      [=](const commit_tick&) {
        self->state.tick_scheduled = false;
        look_for_room(self);
        commit(self);
        if (!self->state.queue.empty()) schedule_commit(self);
      },
      [=](const follow_head& f) {
        self->monitor(f.listener);
        self->state.followers.push_back({f.listener, false, position{}});
        notify(self, self->state.followers.back(), self->state.context->parts.log->head().last);
      },
      [=](const head_seen& seen) {
        for (auto& f : self->state.followers) {
          if (f.listener != seen.listener) continue;
          f.notified = false;
          notify(self, f, self->state.context->parts.log->head().last);
        }
      },
      [=](const shutdown&) {
        // Every host has ended before this arrives: what is queued is what they left behind.
        while (!self->state.queue.empty()) commit(self);
        self->quit();
      },
  };
}

}  // namespace bestow::actors
