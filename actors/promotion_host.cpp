#include "actors/promotion_host.hpp"

#include <utility>

#include "domain/target_row.hpp"
#include "events/limits.hpp"

namespace bestow::actors {

namespace {

using host = promotion_actor_host;
using domain::promotion_state;

auto is_active(promotion_state s) -> bool {
  return s == promotion_state::running || s == promotion_state::stopping;
}

auto start_run(host* self, const start_request& r) -> caf::result<command_reply> {
  if (auto no = refused_while_ahead(self->state)) return answer_refused(self, *no, r.by);
  const domain::start_run command{run_settings(self->state, r.run_date, r.by.principal), r.resume};
  return answer_command(self, r.resume ? "resume" : "start", command, r.by, [self] {
    if (self->state.durable.state == promotion_state::running) on_run_started(self);
  });
}

}  // namespace

auto refused_while_ahead(const promotion_host_state& s) -> std::optional<domain::refusal> {
  const auto type = s.facts.created.type;
  if (!s.context->ahead(type)) return std::nullopt;
  const auto& grants = s.context->options.grants;
  return domain::refusal{domain::rejection::stream_must_be_adopted,
                         "stream " + (type == promotion_type::voucher ? grants.voucher_stream
                                                                      : grants.point_stream)};
}

auto answer_refused(host* self, const domain::refusal& why, const caller& by)
    -> caf::result<command_reply> {
  auto promise = self->make_response_promise();
  answer_decided(self, why, by, [] {}, promise);
  return promise;
}

void answer_stop_waiters(host* self, const outcome<command_receipt>& answer) {
  for (auto& w : self->state.stop_waiters) w.deliver(command_reply{answer});
  self->state.stop_waiters.clear();
}

namespace {

/// Only `stopped` is acknowledged as done; `stopping` with a fault when the broker stays silent.
auto stop_run(host* self, const stop_request& r) -> caf::result<command_reply> {
  auto promise = self->make_response_promise();
  if (auto known = known_key(self->state, "stop", r.by);
      known && std::holds_alternative<domain::refusal>(*known)) {
    answer_decided(self, std::get<domain::refusal>(std::move(*known)), r.by, [] {}, promise);
    return promise;
  }
  auto decided =
      domain::decide(domain::stop_run{r.reason, r.by.principal}, self->state.facts);
  std::vector<promotion_event> events;
  std::optional<domain::refusal> refusal;
  if (auto* no = std::get_if<domain::refusal>(&decided))
    refusal = std::move(*no);
  else
    events = std::move(std::get<std::vector<promotion_event>>(decided));
  append_promotion(
      self, std::move(events), metadata_of(r.by),
      [self, promise, refusal](const store::append_receipt& receipt) mutable {
        auto& s = self->state;
        if (refusal) {
          promise.deliver(command_reply{tl::unexpected<trouble>{*refusal}});
        } else if (s.durable.state != promotion_state::stopping) {
          promise.deliver(command_reply{receipt_of(s, receipt.last, true)});
        } else {
          s.stop_waiters.push_back(promise);
          self->delayed_send(self, limits::stop_within, stop_timeout{s.durable.run.run});
          tell_partitions(self, run_end{s.durable.run});
        }
      },
      [promise](const fault& f) mutable {
        promise.deliver(command_reply{tl::unexpected<trouble>{f}});
      });
  return promise;
}

void on_quiet(host* self, const partition_quiet& q) {
  auto& s = self->state;
  if (s.facts.state != promotion_state::stopping || q.run != s.facts.run.run) return;
  s.quiet.insert(q.partition.value);
  if (s.quiet.size() < s.facts.created.partition_count) return;
  auto decided = domain::decide(domain::confirm_stopped{q.run}, s.facts);
  auto* events = std::get_if<std::vector<promotion_event>>(&decided);
  if (events == nullptr || events->empty()) return;
  append_promotion(
      self, std::move(*events), {},
      [self](const store::append_receipt& r) {
        answer_stop_waiters(self, receipt_of(self->state, r.last, false));
      },
      [self](const fault& f) { answer_stop_waiters(self, tl::unexpected<trouble>{f}); });
}

void on_finished(host* self, const partition_finished& f) {
  auto& s = self->state;
  if (f.facts.run != s.facts.run.run) return;
  // A host that was started by this report knows nothing of the others: they say it again.
  const auto known = s.durable.state;
  if ((known == promotion_state::stopped || known == promotion_state::failed) &&
      !abandons(s.durable) && s.finished.empty())
    tell_partitions(self, run_end{s.durable.run});
  s.finished[f.partition.value] = f.facts;
  if (s.finished.size() < s.facts.created.partition_count) return;
  domain::complete_promotion command;
  command.run = s.facts.run.run;
  for (const auto& [k, done] : s.finished) {
    command.success_count += done.success_count;
    command.fail_count += done.fail_count;
    command.success_amount.value += done.success_amount.value;
  }
  auto decided = domain::decide(command, s.facts);
  auto* events = std::get_if<std::vector<promotion_event>>(&decided);
  if (events == nullptr || events->empty()) return;
  append_promotion(
      self, std::move(*events), {},
      [self](const store::append_receipt& r) {
        answer_stop_waiters(self, receipt_of(self->state, r.last, false));
      },
      [](const fault&) {});
}

/// What a partition must know of where its promotion stands. Repeating it is harmless.
template <class Tell>
void tell_standing(const promotion_host_state::standing& p, Tell&& tell) {
  if (p.state == promotion_state::running) tell(run_begin{p.run});
  // Stopped: it may still conclude by late results, and says so when it knows the run.
  if (abandons(p))
    tell(abandon_begin{p.run});
  else if (p.state == promotion_state::stopping || p.state == promotion_state::stopped ||
           p.state == promotion_state::failed)
    tell(run_end{p.run});
  if (p.recall_open) tell(recall_begin{p.recall, p.run});
}

void on_hello(host* self, const partition_hello& h) {
  self->state.broken.erase(h.partition.value);
  tell_standing(self->state.durable,
                [&](const auto& message) { self->send(h.host, message); });
}

void on_stop_timeout(host* self, const stop_timeout& t) {
  auto& s = self->state;
  if (s.facts.state != promotion_state::stopping || s.facts.run.run != t.run) return;
  const auto now = s.context->parts.messages != nullptr && s.context->parts.messages->connected()
                       ? "the broker has not confirmed every released message yet"
                       : "the broker is not connected";
  answer_stop_waiters(
      self, tl::unexpected<trouble>{fault{
                fault_code::broker_unavailable, fault_action::retry_later, "stop",
                std::string{now} + "; the promotion is stopping and becomes stopped by itself"}});
}

/// After the seal the import facts no longer matter for the rules: they are skipped undecoded, so
/// a promotion of millions of targets is ready in milliseconds.
auto replay(promotion_host_state& s) -> result<void> {
  auto& log = *s.context->parts.log;
  const auto stream = stream_of(s.id);
  result<void> outcome{};
  const auto fold_one = [&](const store::stored_event& stored) {
    auto event = decode_promotion(stored.type, stored.payload);
    if (!event) {
      outcome = tl::unexpected{event.error()};
      return false;
    }
    domain::fold(s.facts, *event);
    if (auto metadata = decode_metadata(stored.metadata)) remember_key(s, *event, *metadata);
    s.last = stored.at;
    return true;
  };
  store::read_options few;
  for (const auto type : all_event_types())
    if (type != event_type::targets_imported) few.types.push_back(type);
  auto seen = log.read_stream(stream, stream_version{}, few, fold_one);
  if (!seen || !outcome) return seen ? outcome : tl::unexpected{seen.error()};
  if (s.facts.list) {
    s.facts.version = *seen;
    return {};
  }
  s.facts = {};
  seen = log.read_stream(stream, stream_version{}, {}, fold_one);
  return seen ? outcome : tl::unexpected{seen.error()};
}

void start(host* self) {
  auto& s = self->state;
  auto replayed = replay(s);
  if (!replayed) {
    s.context->faults.note(stream_of(s.id), replayed.error(), s.context->parts.time->steady());
    if (replayed.error().action == fault_action::stop_process)
      self->send(s.context->book.directory(), fatal{replayed.error()});
    return self->quit(replay_needed);
  }
  s.context->faults.clear(stream_of(s.id));
  s.durable = standing_of(s.facts);
  tell_standing(s.durable, [&](const auto& message) { tell_partitions(self, message); });
  if (s.durable.state == promotion_state::scheduled) tell_start(self);
}

void retire_when_idle(host* self, const idle_tick& tick) {
  auto& s = self->state;
  const bool idle = tick.seen == s.activity && s.appends.empty() && s.imports.empty() &&
                    !s.sealing && !is_active(s.facts.state) && !s.facts.recall_open;
  if (idle && !s.retiring) {
    s.retiring = true;
    self->send(s.context->book.directory(), retiring{caf::actor{self}});
    return self->quit();
  }
  self->delayed_send(self, limits::idle_after, idle_tick{s.activity});
}

/// A promise dies silently with its actor, so everyone who waits is answered before it ends.
void answer_everyone(host* self, const fault& why) {
  auto& s = self->state;
  const auto no = tl::unexpected<trouble>{why};
  for (const auto& append : std::exchange(s.appends, {})) append.failed(why);
  for (auto& waiting : std::exchange(s.imports, {})) waiting.reply.deliver(import_reply{no});
  if (s.sealing) std::get<0>(*s.sealing).deliver(command_reply{no});
  s.sealing.reset();
  answer_stop_waiters(self, no);
}

/// While a run is on, partitions that have not reported are told again: a message to one that was
/// just resting must not be lost for good. And an append that is not answered is no longer waited
/// for.
void nudge(host* self) {
  auto& s = self->state;
  if (!s.appends.empty() &&
      s.context->parts.time->steady() - s.appends.front().since >= limits::append_timeout)
    return end_for_replay(self, {fault_code::outcome_unknown,
                                 action_for(fault_code::outcome_unknown), "append",
                                 "the log writer has not answered"});
  const auto& known = s.durable;
  if (is_active(known.state)) {
    for (std::uint32_t k = 0; k < s.facts.created.partition_count; ++k) {
      const auto number = static_cast<std::uint16_t>(k);
      if (known.state == promotion_state::running && !s.finished.contains(number))
        tell_partition(self, partition_no{number}, run_begin{known.run});
      if (known.state == promotion_state::stopping && !s.quiet.contains(number))
        tell_partition(self, partition_no{number}, run_end{known.run});
    }
  }
  if (known.recall_open)
    for (std::uint32_t k = 0; k < s.facts.created.partition_count; ++k)
      if (const auto number = static_cast<std::uint16_t>(k); !s.recall_shares.contains(number))
        tell_partition(self, partition_no{number}, recall_begin{known.recall, known.run});
  self->delayed_send(self, limits::nudge_interval, nudge_tick{});
}

}  // namespace

void answer_decided(host* self, domain::promotion_decision decided, const caller& by,
                    std::function<void()> done, caf::response_promise promise) {
  std::vector<promotion_event> events;
  std::optional<domain::refusal> refusal;
  if (auto* no = std::get_if<domain::refusal>(&decided))
    refusal = std::move(*no);
  else
    events = std::move(std::get<std::vector<promotion_event>>(decided));
  const bool repeated = events.empty();
  append_promotion(
      self, std::move(events), metadata_of(by),
      [self, promise, refusal, repeated, done = std::move(done)](
          const store::append_receipt& r) mutable {
        if (refusal) {
          promise.deliver(command_reply{tl::unexpected<trouble>{*refusal}});
          return;
        }
        promise.deliver(command_reply{receipt_of(self->state, r.last, repeated)});
        done();
      },
      [promise](const fault& f) mutable {
        promise.deliver(command_reply{tl::unexpected<trouble>{f}});
      });
}

auto run_settings(const promotion_host_state& s, std::uint32_t run_date, const std::string& by)
    -> run_started {
  const auto& grants = s.context->options.grants;
  run_started wanted;
  wanted.run_date = run_date;
  wanted.chunk = grants.chunk;
  wanted.topic = s.facts.created.type == promotion_type::voucher ? grants.voucher_topic
                                                                 : grants.point_topic;
  wanted.partition_token = grants.partition_token;
  wanted.extra_fields = grants.extra_fields;
  if (grants.wire == grant_wire::batch) {
    wanted.wire = grants.wire;
    wanted.format = grants.batch_format;
    wanted.batch_size = grants.batch_size;
  }
  wanted.complete_when_published = grants.complete_when_published;
  wanted.started_by = by;
  // Who sends no results is not waited for.
  if (!grants.complete_when_published)
    wanted.result_deadline_ms = static_cast<std::uint64_t>(grants.result_deadline.count());
  return wanted;
}

void on_run_started(host* self) {
  self->state.finished.clear();
  self->state.quiet.clear();
  self->state.broken.clear();
  tell_partitions(self, run_begin{self->state.durable.run});
  tell_start(self);
}

void end_for_replay(host* self, const fault& why) {
  answer_everyone(self, why);
  self->quit(replay_needed);
}

void append_promotion(host* self, std::vector<promotion_event> events,
                      const event_metadata& metadata, promotion_durable then,
                      std::function<void(const fault&)> failed) {
  auto& s = self->state;
  auto request = make_append(stream_of(s.id), s.facts.version, events, metadata);
  for (const auto& e : events) domain::fold(s.facts, e);
  if (!events.empty()) remember_key(s, events.front(), metadata);
  ++s.activity;
  s.appends.push_back({s.context->parts.time->steady(), std::move(failed)});
  // No timer for each: nudge() looks at the oldest.
  self->request(s.context->book.log_writer(), caf::infinite, std::move(request))
      .then(
          [self, then = std::move(then), now = standing_of(s.facts)](const append_reply& r) {
            if (!r.answer) return end_for_replay(self, r.answer.error());
            auto& state = self->state;
            state.durable = now;
            state.appends.pop_front();
            state.last = r.answer->last;
            then(*r.answer);
            if (!state.imports.empty() && !state.retiring) next_import(self);
            if (!state.retiring || !state.appends.empty()) return;
            answer_everyone(self,
                            {fault_code::shutting_down, fault_action::retry_later, "retire", ""});
            self->quit();
          },
          [self](const caf::error& e) { end_for_replay(self, unknown_outcome(e, "append")); });
}

auto receipt_of(const promotion_host_state& s, position at, bool repeated) -> command_receipt {
  return {s.id, at, repeated, s.durable.state, s.durable.run.run,
          s.facts.list ? s.facts.list->split_customers : 0};
}

auto run_promotion(host* self, context_ptr context, promotion_id id) -> caf::behavior {
  use_host_defaults(self);
  self->state.context = std::move(context);
  self->state.id = id;
  self->request(self->state.context->book.log_writer(), limits::append_timeout, barrier_request{})
      .await([self](const barrier_reply&) { start(self); },
             [self](const caf::error&) { self->quit(replay_needed); });
  self->delayed_send(self, limits::idle_after, idle_tick{0});
  self->delayed_send(self, limits::nudge_interval, nudge_tick{});
  return {
      [=](const open_batch_request& r) { return open_batch(self, r); },
      [=](const import_request& r) { return import_rows(self, r); },
      [=](const probe_request& r) { return probe_rows(self, r); },
      [=](const close_batch_request& r) { return close_batch(self, r); },
      [=](const abandon_batch_request& r) { return abandon_batch(self, r); },
      [=](const seal_request& r) { return seal(self, r); },
      [=](const approve_request& r) { return approve(self, r); },
      [=](const schedule_request& r) { return schedule(self, r); },
      [=](const cancel_request& r) { return cancel(self, r); },
      [=](const close_request& r) { return close(self, r); },
      [=](const retry_request& r) { return retry(self, r); },
      [=](const recall_request& r) { return recall(self, r); },
      [=](const start_due&) { on_start_due(self); },
      [=](const recall_share& r) { on_recall_share(self, r); },
      [=](const partition_broken& b) { on_partition_broken(self, b); },
      [=](const start_request& r) { return start_run(self, r); },
      [=](const stop_request& r) { return stop_run(self, r); },
      [=](const stop_timeout& t) { on_stop_timeout(self, t); },
      [=](const partition_quiet& q) { on_quiet(self, q); },
      [=](const partition_finished& f) { on_finished(self, f); },
      [=](const partition_hello& h) { on_hello(self, h); },
      [=](const idle_tick& t) { retire_when_idle(self, t); },
      [=](const nudge_tick&) { nudge(self); },
      [=](const retire&) {
        self->state.retiring = true;
        if (!self->state.appends.empty()) return;
        answer_everyone(self, {fault_code::shutting_down, fault_action::retry_later, "retire", ""});
        self->quit();
      },
  };
}

}  // namespace bestow::actors
