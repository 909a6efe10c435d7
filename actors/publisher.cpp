#include "actors/publisher.hpp"

#include <utility>

#include "actors/grant_content.hpp"
#include "events/limits.hpp"

namespace bestow::actors {

namespace {

constexpr std::uint32_t mark_version = 1;

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
  if (s.life != delivery_life::ready) return;
  while (s.credits.waiting()) {
    const auto used = unacked_grants(s) + s.credits.granted_messages();
    const auto size = s.window.size();
    const auto room = size > used ? size - used : 0;
    const auto chunk = s.credits.next_chunk();
    if (chunk > room && used != 0) return;
    // The bucket is charged for a whole chunk; a short last chunk only makes the rate lower.
    if (!s.window.admit(chunk, now_of(s))) return;
    auto next = s.credits.grant(room, used == 0);
    if (!next) return;
    self->send(next->host, release_credit{});
  }
}

void lose_link(publisher_state& s, std::string why) {
  if (s.life == delivery_life::halted) return;
  s.life = delivery_life::connecting;
  s.problem = std::move(why);
  ++s.epoch;
}

/// Sends every planned release that is not yet in the pipeline, oldest first.
void send_planned(publisher_host* self) {
  auto& s = self->state;
  if (s.life != delivery_life::ready) return;
  for (auto& r : s.plan.open()) {
    if (r.sent || r.acked) continue;
    const auto first = s.acked >= r.first_seq
                           ? static_cast<std::uint32_t>(s.acked - r.first_seq + 1)
                           : 0U;
    auto chunk = encode_planned(s, r, first, r.facts.message_count - first);
    if (!chunk) return give_up(self, chunk.error());
    auto sent = s.context->parts.messages->publish_chunk(
        *chunk, 0, r.first_seq + first - 1, make_token(s.type, s.epoch, r.last_seq()));
    if (!sent) return lose_link(s, to_string(sent.error()));
    if (s.plan.last_planned() == s.acked || s.progress_at.count() == 0) s.progress_at = now_of(s);
    r.sent = true;
  }
}

void read_log(publisher_host* self) {
  auto& s = self->state;
  const bool was_idle = unacked(s) == 0;
  auto read = s.plan.catch_up(*s.context->parts.log, [&](const planned_release& r) {
    s.credits.settle(r.facts.promotion, r.facts.partition);
  });
  if (!read) return give_up(self, read.error());
  if (was_idle) s.progress_at = now_of(s);
  send_planned(self);
}

void on_ack(publisher_host* self, const bus::chunk_ack& ack) {
  auto& s = self->state;
  const auto epoch = static_cast<std::uint32_t>((ack.token >> 40U) & 0x3FFFFFU);
  if (epoch != (s.epoch & 0x3FFFFFU) || s.life != delivery_life::ready) return;
  const auto wanted = ack.token & ((1ULL << 40U) - 1);
  if (ack.error_code != 0 || ack.seq != wanted) {
    s.refused = ack.error_code > 0;
    lose_link(s, ack.error.empty() ? "the acknowledgement names another sequence" : ack.error);
    return synchronise(self);
  }
  s.progress_at = now_of(s);
  // The chain makes every earlier message stored too.
  for (const auto& r : s.plan.open()) {
    if (r.last_seq() > ack.seq) break;
    if (r.acked) continue;
    s.stored_grants += r.facts.ordinals.size();
    if (!r.recorded) tell_published(self, r);
  }
  s.acked = std::max(s.acked, ack.seq);
  s.plan.acked_up_to(ack.seq);
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

void on_tick(publisher_host* self) {
  auto& s = self->state;
  const auto now = now_of(s);
  if (s.stored_grants > 0 && s.tick_at.count() != 0)
    s.window.measured(std::exchange(s.stored_grants, 0), now - s.tick_at);
  s.tick_at = now;
  const bool waits = s.life == delivery_life::connecting || s.life == delivery_life::full;
  if (s.life == delivery_life::ready && unacked(s) > 0 &&
      now - s.progress_at > limits::publish_ack_timeout) {
    lose_link(s, "no acknowledgement in time");
    synchronise(self);
  } else if (waits && now >= s.retry_at) {
    synchronise(self);
  }
  // Failed attempts are spaced out; a link notice tries at once.
  send_planned(self);
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

auto status_of(const publisher_state& s) -> delivery_status {
  delivery_status d{s.stream, s.plan.last_planned(), s.acked, {}};
  switch (s.life) {
    case delivery_life::connecting: d.state = "connecting: " + s.problem; break;
    case delivery_life::ready: d.state = "ready"; break;
    case delivery_life::full: d.state = "full: " + s.problem; break;
    case delivery_life::halted: d.state = "halted: " + s.problem; break;
  }
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

void set_up(publisher_host* self, context_ptr context, promotion_type type) {
  auto& s = self->state;
  s.context = std::move(context);
  s.type = type;
  const auto& grants = s.context->options.grants;
  const bool voucher = type == promotion_type::voucher;
  s.stream = voucher ? grants.voucher_stream : grants.point_stream;
  s.topic = voucher ? grants.voucher_topic : grants.point_topic;
  s.window = release_window{grants.rate_per_second};
  s.problem = "not yet connected";
  s.plan = delivery_plan{type, 1, load_mark(s)};
  self->send(s.context->book.log_writer(), follow_head{caf::actor{self}});
  self->send(s.context->book.directory(), delivery_restarted{type});
  self->send(self, publisher_tick{});
}

}  // namespace

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
        lose_link(s, l.connected ? "synchronising" : "disconnected");
        s.backoff = {};
        s.retry_at = {};
        if (l.connected) synchronise(self);
      },
      [=](const publisher_tick&) { on_tick(self); },
      [=](const delivery_query&) { return delivery_reply{status_of(self->state)}; },
      [=](const shutdown&) {
        save_mark(self->state);
        self->quit();
      },
  };
}

}  // namespace bestow::actors
