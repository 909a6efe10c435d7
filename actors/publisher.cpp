#include "actors/publisher.hpp"

#include <fmt/format.h>

#include <utility>

#include "actors/grant_content.hpp"
#include "events/limits.hpp"

namespace bestow::actors {

namespace {

constexpr std::uint32_t mark_version = 2;

auto now_of(const publisher_state& s) -> std::chrono::nanoseconds {
  return s.context->parts.time->steady();
}

auto unacked(const publisher_state& s) -> std::uint64_t {
  return s.plan.last_planned() > s.acked ? s.plan.last_planned() - s.acked : 0;
}

/// Grants in the messages that are not yet stored: what window and rate are measured in.
auto unacked_grants(const publisher_state& s) -> std::uint64_t {
  std::uint64_t grants = 0;
  for (const auto& r : s.plan.open())
    if (!r.acked) grants += r.facts.ordinals.size();
  return grants;
}

void grant_credits(publisher_host* self) {
  auto& s = self->state;
  // A generation is whole before anything new is planned behind it.
  if (s.life != delivery_life::ready || !s.plan.generation().whole) return;
  while (s.credits.waiting()) {
    const auto used = unacked_grants(s) + s.credits.granted_messages();
    const auto size = s.window.size();
    const auto room = size > used ? size - used : 0;
    const auto chunk = s.credits.next_chunk();
    if (chunk > room && used != 0) return;
    // Charged for what the want names, which is the most that is released for it.
    if (!s.window.admit(chunk, now_of(s))) return;
    auto next = s.credits.grant(room, used == 0);
    if (!next) return;
    self->send(next->host, release_credit{next->chunk});
  }
}

auto fenced(const publisher_state& s) -> bool { return !s.writer.empty(); }

/// Fence: the first message after any doubt carries its sequence only, alone and awaited; those
/// behind it name it. @returns the number of messages of the release that are stored now.
auto open_chain(publisher_state& s, const planned_release& r, std::uint32_t first)
    -> result<std::uint32_t> {
  if (!fenced(s) || s.chained) return first;
  auto one = encode_planned(s, r, first, 1);
  if (!one) return tl::unexpected{one.error()};
  auto sent = s.context->parts.messages->publish(one->subject, one->message(0),
                                                 r.first_seq + first - 1, one->event_type,
                                                 {s.writer, false});
  if (!sent) return tl::unexpected{sent.error()};
  s.chained = true;
  return first + 1;
}

/// Sends one release from its first missing message on. False: the state says why not.
auto send_release(publisher_host* self, planned_release& r) -> bool {
  auto& s = self->state;
  auto first = s.acked >= r.first_seq ? static_cast<std::uint32_t>(s.acked - r.first_seq + 1) : 0U;
  const auto opened = open_chain(s, r, first);
  if (!opened) {
    s.refused = opened.error().code == fault_code::broker_stream_full;
    try_later(s, delivery_life::connecting, opened.error());
    ++s.epoch;
    return false;
  }
  first = *opened;
  if (first > 0) s.acked = std::max(s.acked, r.first_seq + first - 1);
  if (first == r.facts.message_count) return true;  // on_stored() takes it from here.
  auto chunk = encode_planned(s, r, first, r.facts.message_count - first);
  if (!chunk) {
    give_up(self, chunk.error());
    return false;
  }
  auto sent = s.context->parts.messages->publish_chunk(
      *chunk, 0, r.first_seq + first - 1, make_token(s.type, s.epoch, r.last_seq()),
      {s.writer, fenced(s)});
  if (!sent) {
    lose_link(s, sent.error());
    return false;
  }
  r.sent = true;
  return true;
}

/// Everything up to `seq` is stored: say so to whom it concerns.
void on_stored(publisher_host* self, std::uint64_t seq) {
  auto& s = self->state;
  s.progress_at = now_of(s);
  for (const auto& r : s.plan.open()) {
    if (r.last_seq() > seq) break;
    if (r.acked) continue;
    s.stored_grants += r.facts.ordinals.size();
    if (!r.recorded) tell_published(self, r);
  }
  s.acked = std::max(s.acked, seq);
  s.plan.acked_up_to(seq);
}

/// Sends every planned release that is not yet in the pipeline, oldest first. After a rebuild or a
/// lost tail these can be many: no more than a window of them is unacknowledged.
void send_planned(publisher_host* self) {
  auto& s = self->state;
  if (s.life != delivery_life::ready) return;
  std::uint64_t stored = 0;
  for (auto& r : s.plan.open()) {
    if (r.first_seq > s.acked + limits::window_grants_max) break;
    if (r.sent || r.acked) continue;
    if (unacked(s) == 0 || s.progress_at.count() == 0) s.progress_at = now_of(s);
    if (!send_release(self, r)) break;
    if (s.acked >= r.last_seq()) stored = r.last_seq();
  }
  if (stored > 0) on_stored(self, stored);
}

/// A new generation is whole once all that was planned is stored again.
void conclude_generation(publisher_host* self) {
  auto& s = self->state;
  const auto& g = s.plan.generation();
  if (s.life != delivery_life::ready || g.whole || s.completing || unacked(s) > 0) return;
  auto version = s.context->parts.log->version_of(delivery_stream_of(s.type));
  if (!version) return;
  s.completing = true;
  const delivery_event fact = stream_generation_completed{s.stream, g.number, s.acked};
  self->request(s.context->book.log_writer(), limits::append_timeout,
                make_append(delivery_stream_of(s.type), *version, std::vector{fact}))
      .then([self](const append_reply&) { self->state.completing = false; },
            [self](const caf::error&) { self->state.completing = false; });
}

void read_log(publisher_host* self) {
  auto& s = self->state;
  const bool was_idle = unacked(s) == 0;
  const auto generation = s.plan.generation().number;
  auto read = s.plan.catch_up(*s.context->parts.log, [&](const planned_release& r) {
    s.credits.settle(r.facts.promotion, r.facts.partition);
  });
  if (!read) return give_up(self, read.error());
  if (s.plan.generation().number != generation) {
    s.acked = 0;
    lose_link(s, {fault_code::broker_unavailable, fault_action::retry_later, "synchronise",
                  "a new generation"});
    return synchronise(self);
  }
  if (was_idle) s.progress_at = now_of(s);
  send_planned(self);
  grant_credits(self);  // Those who asked may have waited for the generation to be whole.
}

void on_ack(publisher_host* self, const bus::chunk_ack& ack) {
  auto& s = self->state;
  const auto epoch = static_cast<std::uint32_t>((ack.token >> 40U) & 0x3FFFFFU);
  if (epoch != (s.epoch & 0x3FFFFFU) || s.life != delivery_life::ready) return;
  const auto wanted = ack.token & ((1ULL << 40U) - 1);
  if (ack.error_code != 0 || ack.seq != wanted) {
    s.refused = ack.error_code > 0;
    lose_link(s, {fault_code::broker_unavailable, fault_action::retry_later, "publish_chunk",
                  ack.error.empty() ? "the acknowledgement names another sequence" : ack.error});
    return synchronise(self);
  }
  // The chain makes every earlier message stored too.
  on_stored(self, ack.seq);
  send_planned(self);
  conclude_generation(self);
  grant_credits(self);
}

void save_mark(publisher_state& s) {
  const auto mark = s.plan.mark();
  if (!s.owned || mark.after == s.saved.after || mark.after.value == 0) return;
  auto hash = s.context->parts.log->frame_hash_at(mark.after);
  if (!hash) return;
  store::snapshot snap{stream_version{}, mark.after, *hash, mark_version, encode_mark(mark)};
  if (s.context->parts.snapshots->save(delivery_stream_of(s.type), snap)) s.saved = mark;
}

auto load_mark(const publisher_state& s) -> plan_mark {
  auto snap = s.context->parts.snapshots->load(delivery_stream_of(s.type), mark_version);
  if (!snap) return {};
  const auto hash = s.context->parts.log->frame_hash_at(snap->at);
  if (!hash || *hash != snap->frame_hash) return {};
  return decode_mark(snap->state).value_or(plan_mark{});
}

/// A stream that nothing is sent to is looked at from time to time: a wipe is not found out only
/// when the next promotion needs it.
void check_idle_stream(publisher_host* self) {
  auto& s = self->state;
  const auto now = now_of(s);
  if (s.life != delivery_life::ready || unacked(s) > 0) s.looked_at = now;
  if (now - s.looked_at < limits::stream_look_interval) return;
  s.looked_at = now;
  const auto found = s.context->parts.messages->inspect(stream_config_of(s));
  if (!found) return;  // The link's own checks find that out.
  const auto& state = found->state;
  if (found->exists && found->differences.empty() && state.last_seq == s.acked &&
      state.messages == s.acked)
    return;
  lose_link(s, {fault_code::broker_unavailable, fault_action::retry_later, "inspect",
                "the stream is not as it was left"});
  synchronise(self);
}

void on_tick(publisher_host* self) {
  auto& s = self->state;
  const auto now = now_of(s);
  if (s.stored_grants > 0 && s.tick_at.count() != 0)
    s.window.measured(std::exchange(s.stored_grants, 0), now - s.tick_at);
  s.tick_at = now;
  const bool waits = s.life == delivery_life::connecting || s.life == delivery_life::full;
  check_idle_stream(self);
  if (s.life == delivery_life::ready && unacked(s) > 0 &&
      now - s.progress_at > limits::publish_ack_timeout) {
    s.refused = true;  // Or it is not permitted: the next one is awaited alone.
    lose_link(s, {fault_code::broker_unavailable, fault_action::retry_later, "publish_chunk",
                  "no acknowledgement in time"});
    synchronise(self);
  } else if (waits && now >= s.retry_at) {
    synchronise(self);
  }
  // Failed attempts are spaced out; a link notice tries at once.
  send_planned(self);
  conclude_generation(self);
  grant_credits(self);
  if (s.plan.open().empty()) s.lists.clear();
  if (++s.ticks % limits::publisher_reminder_ticks == 0)
    for (const auto& r : s.plan.open())
      if (r.acked && !r.recorded) tell_published(self, r);
  save_mark(s);
  const auto wait =
      s.window.limited() ? limits::publisher_paced_interval : limits::publisher_interval;
  self->delayed_send(self, wait, publisher_tick{});
}

auto state_text(const publisher_state& s) -> std::string {
  const auto why = s.trouble ? to_string(*s.trouble) : std::string{};
  switch (s.life) {
    case delivery_life::connecting: return "connecting: " + why;
    case delivery_life::full: return "full: " + why;
    case delivery_life::halted: return "halted: " + why;
    case delivery_life::ready: break;
  }
  const auto& g = s.plan.generation();
  if (!g.whole)
    return "rebuilding: generation " + std::to_string(g.number) + ", sequence " +
           std::to_string(s.acked) + " of " + std::to_string(s.plan.last_planned());
  if (s.acked < s.lost_to)
    return "republishing: broker_stream_behind: sequences up to " + std::to_string(s.lost_to) +
           " are sent again";
  return "ready";
}

auto status_of(const publisher_state& s) -> delivery_status {
  delivery_status d{s.stream, s.plan.last_planned(), s.acked, state_text(s), {}, {}, {}, {}};
  d.generation = s.plan.generation().number;
  d.base_seq = s.plan.generation().base_seq;
  d.republished = s.republished;
  if (s.life != delivery_life::ready && s.trouble) d.code = std::string{name_of(s.trouble->code)};
  if (s.life == delivery_life::ready && s.acked < s.lost_to)
    d.code = std::string{name_of(fault_code::broker_stream_behind)};
  return d;
}

/// A partition replayed with open releases: repeat what is known of them.
void answer_open(publisher_host* self, const open_releases& o) {
  auto& s = self->state;
  s.credits.forget(o.promotion, o.partition);
  for (const auto& r : s.plan.open()) {
    if (!r.acked || r.facts.promotion != o.promotion || r.facts.partition != o.partition) continue;
    self->send(o.host, chunk_published{r.at, r.first_seq});
  }
}

/// Names this incarnation: no other writer and no earlier one of this data has used it.
auto new_writer(const publisher_state& s) -> std::string {
  return fmt::format("{:016x}{:016x}", s.context->parts.random->next(),
                     s.context->parts.random->next());
}

void set_up(publisher_host* self, context_ptr context, promotion_type type) {
  auto& s = self->state;
  s.context = std::move(context);
  s.type = type;
  const auto& grants = s.context->options.grants;
  const bool voucher = type == promotion_type::voucher;
  s.stream = voucher ? grants.voucher_stream : grants.point_stream;
  s.topic = voucher ? grants.voucher_topic : grants.point_topic;
  s.window = release_window{grants.rate_per_second};
  s.trouble = fault{fault_code::broker_unavailable, fault_action::retry_later, "connect",
                    "not yet connected"};
  s.plan = delivery_plan{type, load_mark(s)};
  if (s.context->options.delivery.fence) s.writer = new_writer(s);
  self->send(s.context->book.log_writer(), follow_head{caf::actor{self}});
  self->send(s.context->book.directory(), delivery_restarted{type});
  self->send(self, publisher_tick{});
}

}  // namespace

void lose_link(publisher_state& s, fault why) {
  if (s.life == delivery_life::halted) return;
  s.life = delivery_life::connecting;
  s.trouble = std::move(why);
  s.chained = false;
  ++s.epoch;
}

auto make_token(promotion_type type, std::uint32_t epoch, std::uint64_t seq) -> std::uint64_t {
  return (static_cast<std::uint64_t>(type) << 62U) |
         (static_cast<std::uint64_t>(epoch & 0x3FFFFFU) << 40U) | (seq & ((1ULL << 40U) - 1));
}

auto type_of_token(std::uint64_t token) -> promotion_type {
  return static_cast<promotion_type>(token >> 62U);
}

auto run_publisher(publisher_host* self, context_ptr context, promotion_type type)
    -> caf::behavior {
  use_host_defaults(self);
  set_up(self, std::move(context), type);
  return {
      [=](const head_moved&) {
        auto& s = self->state;
        if (s.owned && s.life != delivery_life::halted) read_log(self);
        self->send(s.context->book.log_writer(), head_seen{caf::actor{self}});
      },
      [=](const want_release& w) {
        self->state.credits.want(w);
        grant_credits(self);
      },
      [=](const decline_release& d) {
        self->state.credits.settle(d.promotion, d.partition);
        grant_credits(self);
      },
      [=](const open_releases& o) { answer_open(self, o); },
      [=](const ack_arrived& a) { on_ack(self, a.ack); },
      [=](const link_changed& l) {
        auto& s = self->state;
        if (s.life == delivery_life::halted) return;
        lose_link(s, {fault_code::broker_unavailable, fault_action::retry_later, "link",
                      l.connected ? "synchronising" : "disconnected"});
        s.backoff = {};
        s.retry_at = {};
        if (l.connected) synchronise(self);
      },
      [=](const publisher_tick&) { on_tick(self); },
      [=](const generation_request& r) { return begin_generation(self, r); },
      [=](const recheck_stream&) { look_again(self); },
      [=](const delivery_query&) { return delivery_reply{status_of(self->state)}; },
      [=](const shutdown&) {
        save_mark(self->state);
        self->quit();
      },
  };
}

}  // namespace bestow::actors
