#include "actors/partition_host.hpp"

#include <algorithm>

#include "events/limits.hpp"

namespace bestow::actors {

namespace {

using host = caf::stateful_actor<partition_state>;

void fold_all(partition_state& s, const std::vector<partition_event>& events) {
  const list_amounts amounts{*s.list, s.key.number};
  for (const auto& e : events) domain::fold(s.facts, e, position{}, amounts);
}

void save_snapshot(partition_state& s) {
  if (s.appends_in_flight > 0 || s.last.value == 0) return;
  auto hash = s.context->parts.log->frame_hash_at(s.last);
  if (!hash) return;  // A snapshot is only an optimisation.
  store::snapshot snap{s.facts.version, s.last, *hash, domain::partition_fold_version,
                       domain::to_snapshot(s.facts)};
  if (s.context->parts.snapshots->save(stream_of(s.key.promotion, s.key.number), snap))
    s.described_since_snapshot = 0;
}

void end_if_retiring(host* self) {
  auto& s = self->state;
  if (!s.retiring || s.appends_in_flight > 0) return;
  save_snapshot(s);
  self->quit();
}

/// Tells the promotion what it waits for, once it is true and durable.
void report_progress(host* self);

/// Memory is ahead of the log. A promise dies silently with its actor, so everyone who waits is
/// answered first.
void end_for_replay(host* self) {
  results_reply failed;
  failed.durable = fail(fault_code::outcome_unknown, "append", "the partition replays");
  for (auto& waiting : self->state.results_waiting) waiting.deliver(failed);
  self->state.results_waiting.clear();
  self->quit(replay_needed);
}

auto pending_left(const partition_state& s) -> bool {
  return s.facts.next < s.facts.states.size();
}

/// Positions of the batch's releases, known only now: the log gives them.
void place_releases(partition_state& s, const std::vector<std::uint64_t>& offsets,
                    const store::append_receipt& r) {
  auto open = s.facts.open.begin();
  for (const auto offset : offsets) {
    while (open != s.facts.open.end() && open->at.value != 0) ++open;
    if (open == s.facts.open.end()) return;
    open->at = position{r.first.value + offset};
  }
}

}  // namespace

void append_partition(host* self, std::vector<partition_event> events, partition_durable then) {
  auto& s = self->state;
  auto request = make_append(stream_of(s.key.promotion, s.key.number), s.facts.version, events);
  fold_all(s, events);
  ++s.appends_in_flight;
  self->request(s.context->book.log_writer(), limits::append_timeout, std::move(request))
      .then(
          [self, then = std::move(then)](const append_reply& r) {
            auto& state = self->state;
            if (!r.answer) return end_for_replay(self);
            --state.appends_in_flight;
            state.last = r.answer->last;
            then(*r.answer);
            if (state.described_since_snapshot >= limits::snapshot_every_events)
              save_snapshot(state);
            report_progress(self);
            end_if_retiring(self);
          },
          [self](const caf::error&) { end_for_replay(self); });
}

void ask_for_credit(host* self) {
  auto& s = self->state;
  if (s.wants || s.retiring) return;
  // No more than it can use: a small partition must not pay for a whole chunk.
  const auto size = s.facts.states.size();
  std::uint64_t most = 0;  // An empty partition has its say in retries and recalls too.
  std::uint64_t chunk = s.run.chunk;
  if (has_recalls(s)) {
    most = std::max<std::uint64_t>(size, 1);
    chunk = s.recall.run.chunk;
  } else if (s.running && has_retries(s)) {
    most = std::max<std::uint64_t>(size, 1);
  } else if (s.running) {
    most = size - s.facts.next;
  }
  if (most == 0) return;
  s.wants = true;
  self->send(s.context->book.publisher(s.key.type),
             want_release{s.key.promotion, s.key.number, caf::actor{self},
                          static_cast<std::uint32_t>(std::min(chunk, most))});
}

namespace {

auto finished_facts(const domain::partition& p, run_no run) -> partition_done {
  return {run, p.release_count, p.counts.success, p.counts.fail, p.counts.success_amount};
}

void conclude(host* self) {
  auto& s = self->state;
  if (s.run.run.value == 0) return;
  auto decided = domain::decide(
      domain::conclude_partition{s.run.run, s.run.complete_when_published, s.run.retry_run},
      s.facts);
  auto* events = std::get_if<std::vector<partition_event>>(&decided);
  if (events == nullptr || events->empty()) return;
  append_partition(self, std::move(*events), [](const store::append_receipt&) {});
}

void report_progress(host* self) {
  auto& s = self->state;
  if (s.appends_in_flight > 0) return;
  if (s.quiet_asked.value != 0 && s.facts.open.empty()) {
    tell_promotion(self, partition_quiet{s.key.number, s.quiet_asked});
    s.quiet_asked = run_no{};
  }
  report_recall(self);
  if (has_retries(s)) return;  // Also while it is stopped: it goes on where it was.
  if (s.facts.done_at_release == s.facts.release_count && s.run.run.value != 0) {
    if (s.finish_told) return;
    s.finish_told = true;
    tell_promotion(self, partition_finished{s.key.number, finished_facts(s.facts, s.run.run)});
    return;
  }
  conclude(self);
}

/// What the next credit releases: recalls and retries before what was never released.
auto next_release(const partition_state& s, std::uint32_t grants) -> std::vector<partition_event> {
  if (has_recalls(s) || (s.running && has_retries(s))) return next_again(s, grants);
  if (!s.running || !pending_left(s)) return {};
  const auto first = s.facts.next;
  auto decided = domain::decide(
      domain::release_next{s.run, grants, s.context->parts.time->wall(),
                           too_large_ones(s, first, std::uint64_t{first} + grants),
                           room_of(s, release_kind::grant, s.run)},
      s.facts);
  auto* events = std::get_if<std::vector<partition_event>>(&decided);
  return events == nullptr ? std::vector<partition_event>{} : std::move(*events);
}

void release(host* self, const release_credit& credit) {
  auto& s = self->state;
  s.wants = false;
  auto events = s.retiring ? std::vector<partition_event>{} : next_release(s, credit.grants);
  std::vector<std::uint64_t> offsets;
  for (std::uint64_t i = 0; i < events.size(); ++i)
    if (std::holds_alternative<targets_released>(events[i])) offsets.push_back(i);
  if (offsets.empty())
    self->send(s.context->book.publisher(s.key.type),
               decline_release{s.key.promotion, s.key.number});
  if (events.empty()) return;
  s.described_since_snapshot += s.run.chunk;
  append_partition(self, std::move(events), [self, offsets](const store::append_receipt& r) {
    place_releases(self->state, offsets, r);
  });
  ask_for_credit(self);
}

void published(host* self, const chunk_published& c) {
  auto decided = domain::decide(
      domain::record_published{c.released_at, c.first_seq, self->state.context->parts.time->wall()},
      self->state.facts);
  auto* events = std::get_if<std::vector<partition_event>>(&decided);
  if (events == nullptr || events->empty()) return;
  append_partition(self, std::move(*events), [](const store::append_receipt&) {});
  arm_deadline(self);
}

void take_run(partition_state& s, const run_started& run) {
  if (s.run.run != run.run) s.named_retries = ordinals_of(s, run.retry_targets);
  s.run = run;
}

void begin_run(host* self, const run_begin& b) {
  auto& s = self->state;
  if (b.run.run < s.run.run) return;  // An older incarnation of the promotion speaks.
  // Whoever says it may be new and knows nothing of what was told to the one before.
  s.finish_told = false;
  take_run(s, b.run);
  s.running = true;
  s.quiet_asked = run_no{};
  ask_for_credit(self);
  arm_deadline(self);
  report_progress(self);
}

void end_run(host* self, const run_end& e) {
  auto& s = self->state;
  if (e.run.run < s.run.run) return;
  take_run(s, e.run);
  s.running = false;
  s.finish_told = false;
  s.quiet_asked = e.run.run;
  arm_deadline(self);
  report_progress(self);
}

void abandon(host* self, const abandon_begin& a) {
  auto& s = self->state;
  if (a.run.run < s.run.run) return;
  auto run = a.run;
  run.retry = retry_scope::none;  // Nothing is retried any more.
  run.retry_run = run_no{};
  take_run(s, run);
  s.running = false;
  s.finish_told = false;
  arm_deadline(self);
  auto decided = domain::decide(domain::abandon_pending{}, s.facts);
  auto* events = std::get_if<std::vector<partition_event>>(&decided);
  if (events == nullptr || events->empty()) return report_progress(self);
  append_partition(self, std::move(*events), [](const store::append_receipt&) {});
}

/// State = snapshot that fits the log, plus the tail.
auto replay(partition_state& s) -> result<void> {
  auto& log = *s.context->parts.log;
  auto list = s.context->parts.lists->open(log, s.key.promotion);
  if (!list) return tl::unexpected{list.error()};
  s.list = std::move(*list);
  const auto stream = stream_of(s.key.promotion, s.key.number);
  const auto size = s.list->size(s.key.number);
  s.facts = domain::make_partition(s.key.promotion, s.key.number, s.key.type, size);
  if (auto snap = s.context->parts.snapshots->load(stream, domain::partition_fold_version)) {
    const auto hash = log.frame_hash_at(snap->at);
    domain::partition loaded;
    if (hash && *hash == snap->frame_hash && domain::from_snapshot(snap->state, loaded) &&
        loaded.states.size() == size) {
      s.facts = std::move(loaded);
      s.last = snap->at;
    }
  }
  const list_amounts amounts{*s.list, s.key.number};
  result<void> outcome{};
  const auto seen = log.read_stream(
      stream, s.facts.version, {}, [&](const store::stored_event& stored) {
        auto event = decode_partition(stored.type, stored.payload);
        if (!event) {
          outcome = tl::unexpected{event.error()};
          return false;
        }
        domain::fold(s.facts, *event, stored.at, amounts);
        s.last = stored.at;
        return true;
      });
  if (!seen) return tl::unexpected{seen.error()};
  return outcome;
}

void ask_again(host* self) {
  auto& s = self->state;
  self->send(s.context->book.publisher(s.key.type),
             open_releases{s.key.promotion, s.key.number, caf::actor{self}});
  ask_for_credit(self);
}

void greet(host* self) {
  auto& s = self->state;
  ask_again(self);
  self->request(s.context->book.directory(), limits::request_timeout, find_promotion{s.key.promotion})
      .then(
          [self](const found& f) {
            if (!f.host) return self->quit(replay_needed);
            self->send(f.host, partition_hello{self->state.key.number, caf::actor{self}});
          },
          [self](const caf::error&) { self->quit(replay_needed); });
}

void start(host* self) {
  auto& s = self->state;
  const auto stream = stream_of(s.key.promotion, s.key.number);
  auto replayed = replay(s);
  if (replayed) {
    s.context->faults.clear(stream);
    return greet(self);
  }
  s.context->faults.note(stream, replayed.error(), s.context->parts.time->steady());
  if (replayed.error().action == fault_action::stop_process)
    self->send(s.context->book.directory(), fatal{replayed.error()});
  const partition_broken broken{s.key.number, replayed.error()};
  self->request(s.context->book.directory(), limits::request_timeout,
                find_promotion{s.key.promotion})
      .await(  // Nothing else is handled: there is no state to handle it with.
          [self, broken](const found& f) {
            if (f.host) self->send(f.host, broken);
            self->quit(replay_needed);
          },
          [self](const caf::error&) { self->quit(replay_needed); });
}

void retire_when_idle(host* self, const idle_tick& tick) {
  auto& s = self->state;
  const bool done = s.facts.done_at_release == s.facts.release_count;
  if (tick.seen == s.activity && done && s.appends_in_flight == 0 && !s.retiring) {
    self->send(s.context->book.directory(), retiring{caf::actor{self}});
    s.retiring = true;
    return end_if_retiring(self);
  }
  self->delayed_send(self, limits::idle_after, idle_tick{s.activity});
}

}  // namespace

auto run_partition(host* self, context_ptr context, partition_key key) -> caf::behavior {
  use_host_defaults(self);
  auto& s = self->state;
  s.context = std::move(context);
  s.key = key;
  // Appends of a former incarnation may still be queued: read only behind them.
  self->request(s.context->book.log_writer(), limits::append_timeout, barrier_request{})
      .await([self](const barrier_reply&) { start(self); },
             [self](const caf::error&) { self->quit(replay_needed); });
  self->delayed_send(self, limits::idle_after, idle_tick{0});
  return {
      [=](const run_begin& b) { begin_run(self, b); },
      [=](const run_end& e) { end_run(self, e); },
      [=](const recall_begin& r) { begin_recall(self, r); },
      [=](const abandon_begin& a) { abandon(self, a); },
      [=](const survey_request& r) { return survey_targets(self->state, r); },
      [=](const deadline_tick&) { on_deadline(self); },
      [=](const release_credit& credit) {
        ++self->state.activity;
        release(self, credit);
      },
      [=](const chunk_published& c) { published(self, c); },
      [=](const delivery_restarted& d) {
        // The new publisher knows neither our request nor what we wait for.
        if (d.type != self->state.key.type) return;
        self->state.wants = false;
        ask_again(self);
      },
      [=](const results_request& r) {
        ++self->state.activity;
        return record_answers(self, r);
      },
      [=](const adopt_request& r) {
        ++self->state.activity;
        return adopt_releases(self, r);
      },
      [=](const idle_tick& tick) { retire_when_idle(self, tick); },
      [=](const retire&) {
        self->state.retiring = true;
        self->state.running = false;
        end_if_retiring(self);
      },
  };
}

}  // namespace bestow::actors
