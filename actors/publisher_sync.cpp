// How a publisher and its broker agree: ownership, tail comparison, and what each kind of
// disagreement means.
#include <algorithm>

#include "actors/grant_content.hpp"
#include "actors/publisher.hpp"
#include "events/assert.hpp"
#include "events/limits.hpp"

namespace bestow::actors {

namespace {

using bus::stem_of;

auto config_of(const publisher_state& s) -> bus::stream_config {
  const auto stem = stem_of(s.topic);
  bus::stream_config c;
  c.name = s.stream;
  c.subjects = {s.topic, s.topic + ".*", stem + ".recall.*", stem + ".log"};
  return c;
}

auto identity_of(const publisher_state& s) -> std::string {
  return R"({"log_id":")" + s.context->parts.log->log_id() + R"(","generation":1})";
}

void try_later(publisher_state& s, delivery_life life, std::string why) {
  s.life = life;
  s.problem = std::move(why);
  s.backoff = std::clamp<std::chrono::milliseconds>(s.backoff * 2, limits::broker_retry_min,
                                                    limits::broker_retry_max);
  s.retry_at = s.context->parts.time->steady() + s.backoff;
}

void append_delivery(publisher_host* self, delivery_event event) {
  auto& s = self->state;
  const auto stream = delivery_stream_of(s.type);
  auto version = s.context->parts.log->version_of(stream);
  if (!version) return;
  // A conflict means a twin wrote the same finding; nothing depends on the answer.
  self->request(s.context->book.log_writer(), limits::append_timeout,
                make_append(stream, *version, std::vector<delivery_event>{std::move(event)}))
      .then([](const append_reply&) {}, [](const caf::error&) {});
}

/// The generation fact comes before the identity message: nothing is published that the log does
/// not know. Asks for it and synchronises again when it is durable.
void claim_stream(publisher_host* self) {
  auto& s = self->state;
  try_later(s, delivery_life::connecting, "claiming the stream");
  const auto head = s.context->parts.log->head().last;
  const delivery_event fact =
      stream_generation_started{s.stream, 1, 1, position{head.value + 1}};
  self->request(s.context->book.log_writer(), limits::append_timeout,
                make_append(delivery_stream_of(s.type), stream_version{0},
                            std::vector<delivery_event>{fact}))
      .then(
          [self](const append_reply& r) {
            // A conflict: the fact stands already. Any other trouble: the next try is due later.
            if (r.answer || r.answer.error().code == fault_code::version_conflict)
              synchronise(self);
            else
              self->state.problem = to_string(r.answer.error());
          },
            [self](const caf::error& e) {
              try_later(self->state, delivery_life::connecting, caf::to_string(e));
            });
}

/// The first message names the log the stream belongs to.
/// True: it is ours. Otherwise the state says why and when to go on.
auto check_identity(publisher_host* self, const bus::stream_state& found) -> bool {
  auto& s = self->state;
  auto& messages = *s.context->parts.messages;
  if (found.last_seq == 0) {
    if (s.plan.last_planned() > s.plan.base()) {
      halt(self, {fault_code::broker_stream_damaged, fault_action::call_operator, "synchronise",
                  s.stream + " is empty, the log has planned up to sequence " +
                      std::to_string(s.plan.last_planned())});
      return false;
    }
    auto sent = messages.publish(stem_of(s.topic) + ".log", identity_of(s), 0, "");
    if (!sent) {
      try_later(s, delivery_life::connecting, to_string(sent.error()));
      return false;
    }
    return true;
  }
  if (found.first_seq != 1 || found.messages != found.last_seq) {
    halt(self, {fault_code::broker_stream_damaged, fault_action::call_operator, "synchronise",
                s.stream + " holds " + std::to_string(found.messages) + " messages in sequences " +
                    std::to_string(found.first_seq) + ".." + std::to_string(found.last_seq)});
    return false;
  }
  auto first = messages.read(s.stream, 1);
  if (!first) {
    try_later(s, delivery_life::connecting, to_string(first.error()));
    return false;
  }
  if (!*first || (*first)->payload != identity_of(s)) {
    halt(self, {fault_code::broker_stream_foreign, fault_action::call_operator, "synchronise",
                s.stream + " belongs to another log: its first message is " +
                    (*first ? (*first)->payload.substr(0, 120) : std::string{"missing"})});
    return false;
  }
  return true;
}

/// The planned release that holds `seq`; nullptr for the identity message.
auto release_at(publisher_state& s, std::uint64_t seq) -> const planned_release* {
  const auto& settled = s.plan.settled();
  if (settled && seq >= settled->first_seq && seq <= settled->last_seq()) return &*settled;
  for (const auto& r : s.plan.open())
    if (seq >= r.first_seq && seq <= r.last_seq()) return &r;
  return nullptr;
}

/// Is the stream's last message the one the log plans there?
auto tail_matches(publisher_host* self, std::uint64_t last) -> bool {
  auto& s = self->state;
  if (last <= s.plan.base()) return true;  // The identity message was compared already.
  const auto* owner = release_at(s, last);
  BESTOW_ASSERT(owner != nullptr);
  auto stored = s.context->parts.messages->read(s.stream, last);
  if (!stored) {
    try_later(s, delivery_life::connecting, to_string(stored.error()));
    return false;
  }
  auto planned = encode_planned(s, *owner, static_cast<std::uint32_t>(last - owner->first_seq), 1);
  if (!planned) {
    give_up(self, planned.error());
    return false;
  }
  if (*stored && (*stored)->payload == planned->message(0) &&
      (*stored)->subject == planned->subject)
    return true;
  halt(self, {fault_code::broker_stream_foreign, fault_action::call_operator, "synchronise",
              s.stream + " sequence " + std::to_string(last) +
                  " does not hold the message the log plans there"});
  return false;
}

/// After a refusal: the first missing message alone, awaited: its error names the cause.
auto probe_refusal(publisher_host* self, std::uint64_t last) -> bool {
  auto& s = self->state;
  const auto* owner = release_at(s, last + 1);
  if (!s.refused || owner == nullptr) return true;
  auto one = encode_planned(s, *owner, static_cast<std::uint32_t>(last + 1 - owner->first_seq), 1);
  if (!one) {
    give_up(self, one.error());
    return false;
  }
  auto sent = s.context->parts.messages->publish(one->subject, one->message(0), last,
                                                 one->event_type);
  if (sent) {
    s.refused = false;
    return true;
  }
  const bool full = sent.error().code == fault_code::broker_stream_full;
  try_later(s, full ? delivery_life::full : delivery_life::connecting, to_string(sent.error()));
  return false;
}

/// The stream ends before what was once acknowledged: plan again from the log and say so.
auto mend_lost_tail(publisher_host* self, std::uint64_t last) -> bool {
  auto& s = self->state;
  const auto known = s.plan.open().empty() ? s.plan.last_planned() + 1
                                           : s.plan.open().front().first_seq;
  const bool covered = last + 1 >= known;
  if (!covered) {
    if (auto read = s.plan.rescan(*s.context->parts.log, last); !read) {
      give_up(self, read.error());
      return false;
    }
  }
  const auto lost_to = std::max(s.acked, covered ? std::uint64_t{0} : known - 1);
  if (lost_to > last && last >= s.plan.base())
    append_delivery(self, stream_tail_republished{s.stream, last + 1, lost_to});
  return true;
}

}  // namespace

void halt(publisher_host* self, const fault& why) {
  auto& s = self->state;
  if (s.life == delivery_life::halted) return;
  s.life = delivery_life::halted;
  s.problem = to_string(why);
  ++s.epoch;
  append_delivery(self, stream_halted{s.stream, std::string{name_of(why.code)}, why.detail});
}

void give_up(publisher_host* self, const fault& why) {
  if (why.action == fault_action::stop_process) return halt(self, why);
  ++self->state.epoch;
  try_later(self->state, delivery_life::connecting, to_string(why));
}

auto list_of(publisher_state& s, promotion_id promotion)
    -> result<std::shared_ptr<const store::target_list>> {
  if (s.lists.size() >= limits::publisher_lists_max && !s.lists.contains(promotion.value))
    s.lists.clear();  // Opening one that is mapped costs little.
  auto& cached = s.lists[promotion.value];
  if (!cached) {
    auto opened = s.context->parts.lists->open(*s.context->parts.log, promotion);
    if (!opened) return opened;
    cached = std::move(*opened);
  }
  return cached;
}

auto encode_planned(publisher_state& s, const planned_release& r, std::uint32_t first,
                    std::uint32_t count) -> result<bus::outgoing_chunk> {
  auto list = list_of(s, r.facts.promotion);
  if (!list) return tl::unexpected{list.error()};
  return encode_release(r.facts, **list, first, count);
}

void tell_published(publisher_host* self, const planned_release& r) {
  const chunk_published said{r.at, r.first_seq};
  self->request(self->state.context->book.directory(), limits::request_timeout,
                find_partition{r.facts.promotion, r.facts.partition})
      .then([self, said](const found& f) { if (f.host) self->send(f.host, said); },
            // The partition asks for its open releases when it starts.
            [](const caf::error&) {});
}

void synchronise(publisher_host* self) {
  auto& s = self->state;
  auto* messages = s.context->parts.messages;
  if (s.life == delivery_life::halted) return;
  if (messages == nullptr || !messages->connected())
    return try_later(s, delivery_life::connecting, "the broker is not connected");
  auto version = s.context->parts.log->version_of(delivery_stream_of(s.type));
  if (!version) return give_up(self, version.error());
  if (version->value == 0) return claim_stream(self);
  ++s.epoch;
  auto found = messages->ensure_stream(config_of(s));
  if (!found) {
    if (found.error().code == fault_code::broker_stream_foreign) return halt(self, found.error());
    return try_later(s, delivery_life::connecting, to_string(found.error()));
  }
  auto read = s.plan.catch_up(*s.context->parts.log, [&](const planned_release& r) {
    s.credits.settle(r.facts.promotion, r.facts.partition);
  });
  if (!read) return give_up(self, read.error());
  if (!check_identity(self, *found)) return;
  s.owned = true;
  std::uint64_t last = std::max(found->last_seq, s.plan.base());
  if (last > s.plan.last_planned())
    return halt(self, {fault_code::broker_stream_ahead, fault_action::call_operator, "synchronise",
                       s.stream + " ends at sequence " + std::to_string(last) +
                           ", the log plans up to " + std::to_string(s.plan.last_planned())});
  if (!mend_lost_tail(self, last) || !tail_matches(self, last)) return;
  const bool probed = s.refused;
  if (!probe_refusal(self, last)) return;
  if (probed && last < s.plan.last_planned()) ++last;  // The probe stored one message.
  for (const auto& r : s.plan.open())
    if (r.last_seq() <= last && !r.recorded) tell_published(self, r);
  s.acked = last;
  s.plan.stored_up_to(last);
  s.life = delivery_life::ready;
  s.problem.clear();
  s.backoff = {};
  s.progress_at = s.context->parts.time->steady();
  s.stored_grants = 0;  // What was found is not what was published since the last tick.
  self->send(self, head_moved{});
}

}  // namespace bestow::actors
