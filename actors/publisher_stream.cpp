// Whose a stream is: claiming it for this log, opening its generations, and what each kind of
// stranger or damage means.
#include <algorithm>
#include <variant>

#include <fmt/format.h>

#include "actors/publisher.hpp"
#include "actors/stream_audit.hpp"
#include "events/limits.hpp"

namespace bestow::actors {

namespace {

auto tag_of(const publisher_state& s) -> stream_tag {
  return {s.context->parts.log->log_id(), std::max(s.plan.generation().number, 1U)};
}

auto stop(publisher_host* self, fault_code code, std::string detail) -> bool {
  halt(self, {code, action_for(code), "synchronise", std::move(detail)});
  return false;
}

auto wait(publisher_host* self, const fault& why) -> bool {
  try_later(self->state, delivery_life::connecting, why);
  return false;
}

/// An empty stream may be filled while nothing was published into its generation, or while the
/// generation is being published again. Otherwise it was whole and is not any more.
auto may_be_filled(const publisher_state& s) -> bool {
  return !s.plan.generation().whole || s.plan.last_planned() == s.plan.base();
}

auto say_whose(publisher_host* self, bus::stream_inspection& found) -> bool {
  auto& s = self->state;
  auto sent = s.context->parts.messages->publish(identity_subject(s.context->options, s.type), identity_message(tag_of(s)), 0,
                                                 "", {});
  if (!sent) return wait(self, sent.error());
  found.state = {*sent, *sent, 1};
  return true;
}

auto create(publisher_host* self, bus::stream_inspection& found) -> bool {
  auto& s = self->state;
  if (!may_be_filled(s))
    return stop(self, fault_code::broker_stream_missing,
                fmt::format("{} does not exist, the log has planned up to sequence {}", s.stream,
                            s.plan.last_planned()));
  auto made = s.context->parts.messages->ensure_stream(stream_config_of(s));
  if (made) return say_whose(self, found);
  if (made.error().code == fault_code::broker_stream_misconfigured)
    return stop(self, made.error().code, made.error().detail);
  return wait(self, made.error());
}

/// Takes an older generation away, with its consumers. The log knows every message of it.
auto replace(publisher_host* self, bus::stream_inspection& found) -> bool {
  auto& s = self->state;
  if (found.state.last_seq > std::max(s.plan.last_planned(), s.plan.base()))
    return stop(self, fault_code::broker_stream_ahead,
                fmt::format("{} ends at sequence {}, the log plans up to {}: it is not replaced",
                            s.stream, found.state.last_seq, s.plan.last_planned()));
  auto gone = s.context->parts.messages->remove_stream(s.stream);
  if (gone) return create(self, found);
  auto why = gone.error();
  why.detail += "; or delete stream " + s.stream + " by hand: bestow goes on by itself";
  return wait(self, why);
}

/// The stream is there and empty.
auto fill(publisher_host* self, bus::stream_inspection& found) -> bool {
  auto& s = self->state;
  if (!may_be_filled(s))
    return stop(self, fault_code::broker_stream_missing,
                fmt::format("{} is empty, the log has planned up to sequence {}", s.stream,
                            s.plan.last_planned()));
  if (s.plan.last_planned() > s.plan.base()) {
    // Whoever was given more than the stream holds would not be given it again.
    const auto beyond = s.context->parts.messages->consumers_beyond(s.stream, found.state.last_seq);
    if (!beyond || !beyond->empty()) return replace(self, found);
  }
  return say_whose(self, found);
}

/// Whose the stream is, as its first message says or, without one, its description. nullopt:
/// neither names a log.
auto read_tag(publisher_state& s, const bus::stream_inspection& found)
    -> result<std::optional<stream_tag>> {
  if (found.state.messages > 0 && found.state.first_seq == 1) {
    auto first = s.context->parts.messages->read(s.stream, 1);
    if (!first) return tl::unexpected{first.error()};
    return *first ? parse_identity((*first)->payload) : std::nullopt;
  }
  return parse_description(found.description);
}

auto check_whole(publisher_host* self, const bus::stream_inspection& found) -> bool {
  auto& s = self->state;
  const auto& state = found.state;
  if (state.first_seq != 1)
    return stop(self, fault_code::broker_stream_purged,
                fmt::format("{} begins at sequence {} and ends at {}: what was before is gone",
                            s.stream, state.first_seq, state.last_seq));
  if (state.messages != state.last_seq)
    return stop(self, fault_code::broker_stream_damaged,
                fmt::format("{} holds {} messages in sequences 1..{}: {} are missing", s.stream,
                            state.messages, state.last_seq, state.last_seq - state.messages));
  return true;
}

}  // namespace

auto stream_config_of(const publisher_state& s) -> bus::stream_config {
  const auto tag = tag_of(s);
  return grant_stream_config(s.context->options, s.type, tag.log_id, tag.generation);
}

void append_delivery(publisher_host* self, delivery_event event) {
  auto& s = self->state;
  const auto stream = delivery_stream_of(s.type);
  auto version = s.context->parts.log->version_of(stream);
  if (!version) return;
  self->request(s.context->book.log_writer(), limits::append_timeout,
                make_append(stream, *version, std::vector<delivery_event>{std::move(event)}))
      .then([](const append_reply&) {}, [](const caf::error&) {});
}

void try_later(publisher_state& s, delivery_life life, fault why) {
  s.life = life;
  s.trouble = std::move(why);
  s.backoff = std::clamp<std::chrono::milliseconds>(s.backoff * 2, limits::broker_retry_min,
                                                    limits::broker_retry_max);
  s.retry_at = s.context->parts.time->steady() + s.backoff;
}

void claim_stream(publisher_host* self) {
  auto& s = self->state;
  try_later(s, delivery_life::connecting,
            {fault_code::broker_unavailable, fault_action::retry_later, "synchronise",
             "claiming the stream"});
  auto version = s.context->parts.log->version_of(delivery_stream_of(s.type));
  if (!version) return give_up(self, version.error());
  const auto head = s.context->parts.log->head().last;
  const delivery_event fact = stream_generation_started{s.stream, 1, 1, position{head.value + 1}};
  self->request(s.context->book.log_writer(), limits::append_timeout,
                make_append(delivery_stream_of(s.type), *version, std::vector{fact}))
      .then(
          [self](const append_reply& r) {
            // A conflict: the fact stands already. Any other trouble: the next try is due later.
            if (r.answer || r.answer.error().code == fault_code::version_conflict)
              synchronise(self);
            else
              self->state.trouble = r.answer.error();
          },
          [self](const caf::error& e) {
            try_later(self->state, delivery_life::connecting, unknown_outcome(e, "claim"));
          });
}

auto own_stream(publisher_host* self, bus::stream_inspection& found) -> bool {
  auto& s = self->state;
  if (!found.exists) return create(self, found);
  auto tag = read_tag(s, found);
  if (!tag) return wait(self, tag.error());
  const auto ours = tag_of(s);
  const bool named = tag->has_value();
  if (named && (*tag)->log_id != ours.log_id)
    return stop(self, fault_code::broker_stream_foreign,
                fmt::format("{} belongs to log {}, this one is {}", s.stream, (*tag)->log_id,
                            ours.log_id));
  if (named && (*tag)->generation > ours.generation)
    return stop(self, fault_code::broker_stream_ahead,
                fmt::format("{} is generation {}, the log knows {}", s.stream, (*tag)->generation,
                            ours.generation));
  if (named && (*tag)->generation < ours.generation) return replace(self, found);
  if (!named && found.state.messages > 0 && found.state.first_seq == 1)
    return stop(self, fault_code::broker_stream_foreign,
                fmt::format("the first message of {} names no log", s.stream));
  if (!found.differences.empty())
    return stop(self, fault_code::broker_stream_misconfigured,
                fmt::format("{} has other settings: {}", s.stream, found.differences));
  if (found.state.last_seq == 0) return fill(self, found);
  // Emptied remains that name nobody, while the log wants the stream filled: nothing is lost.
  if (!named && found.state.messages == 0 && !s.plan.generation().whole)
    return replace(self, found);
  return check_whole(self, found);
}

auto begin_generation(publisher_host* self, const generation_request& r)
    -> caf::result<generation_reply> {
  auto& s = self->state;
  auto promise = self->make_response_promise();
  const auto current = s.plan.generation().number;
  auto version = s.context->parts.log->version_of(delivery_stream_of(s.type));
  if (!version || current != r.seen || current == 0) {
    promise.deliver(generation_reply{
        fail(fault_code::version_conflict, "rebuild", "the stream moved on; look again")});
    return promise;
  }
  const delivery_event fact =
      stream_generation_started{s.stream, current + 1, 1, position{1}};
  self->request(s.context->book.log_writer(), limits::append_timeout,
                make_append(delivery_stream_of(s.type), *version, std::vector{fact},
                            metadata_of(r.by)))
      .then(
          [self, promise](const append_reply& a) mutable {
            if (!a.answer) return promise.deliver(generation_reply{tl::unexpected{a.answer.error()}});
            promise.deliver(generation_reply{a.answer->last});
            lose_link(self->state, {fault_code::broker_unavailable, fault_action::retry_later,
                                    "rebuild", "a new generation"});
            look_again(self);
          },
          [promise](const caf::error& e) mutable {
            promise.deliver(generation_reply{tl::unexpected{unknown_outcome(e, "rebuild")}});
          });
  return promise;
}

void look_again(publisher_host* self) {
  auto& s = self->state;
  if (s.life == delivery_life::ready) return;  // Nothing to mend, or it is being mended.
  s.life = delivery_life::connecting;
  s.backoff = {};
  synchronise(self);
}

}  // namespace bestow::actors
