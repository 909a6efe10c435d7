// How a publisher and its broker agree: ownership, tail comparison, and what each kind of
// disagreement means.
#include <algorithm>
#include <utility>

#include "actors/grant_content.hpp"
#include "actors/publisher.hpp"
#include "events/assert.hpp"
#include "events/limits.hpp"

namespace bestow::actors {

namespace {

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
    try_later(s, delivery_life::connecting, stored.error());
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
  halt(self, {fault_code::broker_stream_differs, fault_action::call_operator, "synchronise",
              s.stream + " sequence " + std::to_string(last) +
                  " does not hold the message the log plans there"});
  return false;
}

/// After a refusal: the first missing message alone, awaited: its error names the cause.
/// True: go on behind `last`, which counts the message that was sent.
auto probe_refusal(publisher_host* self, std::uint64_t& last) -> bool {
  auto& s = self->state;
  const auto* owner = release_at(s, last + 1);
  if (!s.refused || owner == nullptr) return true;
  auto one = encode_planned(s, *owner, static_cast<std::uint32_t>(last + 1 - owner->first_seq), 1);
  if (!one) {
    give_up(self, one.error());
    return false;
  }
  auto sent = s.context->parts.messages->publish(one->subject, one->message(0), last,
                                                 one->event_type, {s.writer, false});
  if (sent) {
    s.refused = false;
    s.chained = true;
    ++last;
    return true;
  }
  if (sent.error().code != fault_code::broker_stream_full) {
    try_later(s, delivery_life::connecting, sent.error());
    return false;
  }
  if (s.life != delivery_life::full && !std::exchange(s.paused, true))
    append_delivery(self, stream_paused{s.stream, std::string{name_of(sent.error().code)},
                                        sent.error().detail});
  try_later(s, delivery_life::full, sent.error());
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
  auto lost_to = std::max(s.acked, covered ? std::uint64_t{0} : known - 1);
  for (const auto& r : s.plan.open())
    if (r.recorded) lost_to = std::max(lost_to, r.last_seq());
  // A generation that is being filled lost nothing: it was never whole.
  if (lost_to <= last || last < s.plan.base() || !s.plan.generation().whole) return true;
  append_delivery(self, stream_tail_republished{s.stream, last + 1, lost_to});
  s.republished += lost_to - last;
  s.lost_to = std::max(s.lost_to, lost_to);
  return true;
}

}  // namespace

void halt(publisher_host* self, const fault& why) {
  auto& s = self->state;
  if (s.life == delivery_life::halted) return;
  s.life = delivery_life::halted;
  s.trouble = why;
  ++s.epoch;
  s.chained = false;
  if (why.code == fault_code::broker_stream_ahead) s.context->ahead(s.type) = true;
  append_delivery(self, stream_halted{s.stream, std::string{name_of(why.code)}, why.detail});
}

void give_up(publisher_host* self, const fault& why) {
  if (why.action == fault_action::stop_process) return halt(self, why);
  lose_link(self->state, why);
  try_later(self->state, delivery_life::connecting, why);
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

namespace {

/// Reads the log up to its end and makes sure that the log knows the stream. False: the state says
/// why and when to go on.
auto know_plan(publisher_host* self) -> bool {
  auto& s = self->state;
  const auto generation = s.plan.generation().number;
  auto read = s.plan.catch_up(*s.context->parts.log, [&](const planned_release& r) {
    s.credits.settle(r.facts.promotion, r.facts.partition);
  });
  if (!read) {
    give_up(self, read.error());
    return false;
  }
  if (s.plan.generation().number != generation) s.acked = 0;
  if (s.plan.generation().number != 0) return true;
  claim_stream(self);
  return false;
}

void become_ready(publisher_host* self, std::uint64_t last) {
  auto& s = self->state;
  for (const auto& r : s.plan.open())
    if (r.last_seq() <= last && !r.recorded) tell_published(self, r);
  s.acked = last;
  s.plan.stored_up_to(last);
  s.life = delivery_life::ready;
  s.trouble.reset();
  s.context->ahead(s.type) = false;
  s.backoff = {};
  s.progress_at = s.context->parts.time->steady();
  s.stored_grants = 0;  // What was found is not what was published since the last tick.
  if (std::exchange(s.paused, false)) append_delivery(self, stream_resumed{s.stream, last});
  self->send(self, head_moved{});
}

}  // namespace

void synchronise(publisher_host* self) {
  auto& s = self->state;
  auto* messages = s.context->parts.messages;
  if (s.life == delivery_life::halted) return;
  s.chained = false;
  if (messages == nullptr || !messages->connected())
    return try_later(s, delivery_life::connecting,
                     {fault_code::broker_unavailable, fault_action::retry_later, "synchronise",
                      "the broker is not connected"});
  if (!know_plan(self)) return;
  ++s.epoch;
  auto found = messages->inspect(stream_config_of(s));
  if (!found) return try_later(s, delivery_life::connecting, found.error());
  if (!own_stream(self, *found)) return;
  s.owned = true;
  std::uint64_t last = std::max(found->state.last_seq, s.plan.base());
  if (last > s.plan.last_planned())
    return halt(self, {fault_code::broker_stream_ahead, fault_action::call_operator, "synchronise",
                       s.stream + " ends at sequence " + std::to_string(last) +
                           ", the log plans up to " + std::to_string(s.plan.last_planned())});
  if (!mend_lost_tail(self, last) || !tail_matches(self, last)) return;
  if (!probe_refusal(self, last)) return;
  become_ready(self, last);
}

}  // namespace bestow::actors
