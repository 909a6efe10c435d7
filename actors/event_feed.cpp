#include "actors/event_feed.hpp"

#include <algorithm>

#include "events/fact_json.hpp"
#include "events/limits.hpp"
#include "store/read_fact.hpp"

namespace bestow::actors {

namespace {

using feed = caf::stateful_actor<event_feed_state>;

auto message_of(const grant_settings& grants, const store::stored_event& e) -> fact_message {
  const auto metadata = decode_metadata(e.metadata);
  const fact_place place{e.at, e.stream, e.version, e.recorded_at,
                         metadata ? std::string_view{metadata->principal} : std::string_view{}};
  std::string subject = grants.event_prefix;
  subject.append(".").append(name_of(e.stream.kind)).append(".").append(name_of(e.type));
  return {std::move(subject), fact_to_json(place, e.type, e.payload)};
}

void schedule(feed* self, std::chrono::milliseconds after) {
  auto& s = self->state;
  if (s.step_due || s.halted) return;
  s.step_due = true;
  self->delayed_send(self, after, step_tick{});
}

void try_later(feed* self, std::string why) {
  auto& s = self->state;
  s.agreed = false;
  s.problem = std::move(why);
  s.backoff = std::clamp<std::chrono::milliseconds>(s.backoff * 2, limits::broker_retry_min,
                                                    limits::broker_retry_max);
  schedule(self, s.backoff);
}

/// What an operator must look at: nothing more is published until the stream is made anew or the
/// process starts again.
void halt(feed* self, fault_code code, std::string why) {
  self->state.halted = true;
  self->state.halted_by = code;
  self->state.problem = "halted: " + std::move(why);
}

auto settings_of(const event_feed_state& s) -> const grant_settings& {
  return s.context->options.grants;
}

/// Finds where the stream ends and whether it is ours.
void agree(feed* self) {
  auto& s = self->state;
  auto& messages = *s.context->parts.messages;
  if (!messages.connected()) return try_later(self, "the broker is not connected");
  const auto wanted = event_stream_config(settings_of(s));
  const auto found = messages.ensure_stream(wanted);
  if (!found) {
    if (found.error().code == fault_code::broker_stream_misconfigured)
      return halt(self, found.error().code, found.error().detail);
    return try_later(self, to_string(found.error()));
  }
  const auto& log = *s.context->parts.log;
  if (const auto head = log.head().last; found->last_seq > head.value)
    return halt(self, fault_code::broker_stream_differs,
                "sequence " + std::to_string(found->last_seq) + " of " + wanted.name +
                    " is not this log's fact at that position: the log ends at " +
                    std::to_string(head.value) + "; `bestow nats rebuild " + wanted.name +
                    "` makes it anew");
  if (found->last_seq > 0 && found->messages > 0) {
    const auto stored = messages.read(wanted.name, found->last_seq);
    if (!stored) return try_later(self, to_string(stored.error()));
    const auto planned =
        fact_message_at(log, settings_of(s), position{found->last_seq});
    if (!planned) return try_later(self, to_string(planned.error()));
    const bool same = *stored && *planned && (*stored)->payload == (*planned)->payload &&
                      (*stored)->subject == (*planned)->subject;
    if (!same)
      return halt(self, fault_code::broker_stream_differs,
                  "sequence " + std::to_string(found->last_seq) + " of " + wanted.name +
                      " is not this log's fact at that position; `bestow nats rebuild " +
                      wanted.name + "` makes it anew");
  }
  s.published = position{found->last_seq};
  s.agreed = true;
  s.problem.clear();
  s.backoff = {};
}

/// A bounded number of facts, then the mailbox again.
void publish_some(feed* self) {
  auto& s = self->state;
  auto& messages = *s.context->parts.messages;
  store::read_options some;
  some.events_max = limits::event_feed_batch;
  std::vector<std::pair<position, fact_message>> facts;
  const auto seen = s.context->parts.log->read(s.published, some,
                                               [&](const store::stored_event& e) {
                                                 facts.emplace_back(e.at, message_of(settings_of(s), e));
                                                 return true;
                                               });
  if (!seen) return try_later(self, to_string(seen.error()));
  for (const auto& [at, fact] : facts) {
    const auto sent = messages.publish(fact.subject, fact.payload, s.published.value, "", {});
    // An unknown outcome, a refusal, a lost link: the stream's own end says what is there.
    if (!sent) return try_later(self, to_string(sent.error()));
    s.published = at;
  }
  if (s.published < s.context->parts.log->head().last)
    return schedule(self, std::chrono::milliseconds{0});
  self->send(s.context->book.log_writer(), head_seen{caf::actor{self}});
}

void step(feed* self) {
  auto& s = self->state;
  s.step_due = false;
  if (!s.agreed) agree(self);
  if (s.agreed) publish_some(self);
}

/// The stream was made anew, or its settings: look at it again from the beginning.
void look_again(feed* self) {
  auto& s = self->state;
  s.halted = false;
  s.agreed = false;
  s.problem.clear();
  s.backoff = {};
  schedule(self, std::chrono::milliseconds{0});
}

auto status_of(const event_feed_state& s) -> delivery_status {
  delivery_status out;
  out.stream = settings_of(s).event_stream;
  out.planned_seq = s.context->parts.log->head().last.value;
  out.acked_seq = s.published.value;
  out.state = s.problem.empty() ? "ready" : s.halted ? s.problem : "connecting: " + s.problem;
  if (s.halted) out.code = name_of(s.halted_by);
  return out;
}

}  // namespace

auto event_stream_config(const grant_settings& grants) -> bus::stream_config {
  bus::stream_config c;
  c.name = grants.event_stream;
  c.subjects = {grants.event_prefix + ".>"};
  c.deny_delete_and_purge = false;
  return c;
}

auto fact_message_at(const store::event_log& log, const grant_settings& grants, position at)
    -> result<std::optional<fact_message>> {
  std::optional<fact_message> found;
  const auto seen = store::read_fact(
      log, at, [&](const store::stored_event& e) { found = message_of(grants, e); });
  if (!seen) return tl::unexpected{seen.error()};
  return found;
}

auto run_event_feed(feed* self, context_ptr context) -> caf::behavior {
  use_host_defaults(self);
  self->state.context = std::move(context);
  self->send(self->state.context->book.log_writer(), follow_head{caf::actor{self}});
  schedule(self, std::chrono::milliseconds{0});
  return {
      [=](const head_moved&) { schedule(self, limits::event_feed_pause); },
      [=](const step_tick&) { step(self); },
      [=](const recheck_stream&) { look_again(self); },
      [=](const delivery_query&) { return delivery_reply{status_of(self->state)}; },
      [=](const shutdown&) { self->quit(); },
  };
}

}  // namespace bestow::actors
