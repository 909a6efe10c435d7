#include "actors/directory.hpp"

#include <algorithm>

#include "actors/partition_host.hpp"
#include "actors/promotion_host.hpp"
#include "events/limits.hpp"

namespace bestow::actors {

namespace {

auto live_promotions(const directory_state& s) -> std::size_t {
  return static_cast<std::size_t>(std::count_if(s.hosts.begin(), s.hosts.end(), [](const auto& h) {
    return h.first.kind == aggregate::promotion;
  }));
}

auto host_of(directory_host* self, const stream_id& stream) -> caf::actor {
  auto& s = self->state;
  if (const auto it = s.hosts.find(stream); it != s.hosts.end()) return it->second;
  const auto& created = s.catalog.promotions.at(stream.id).created;
  const promotion_id id{stream.id};
  caf::actor host;
  if (stream.kind == aggregate::promotion)
    host = self->spawn<caf::linked>(run_promotion, s.context, id);
  else
    host = self->spawn<caf::linked>(
        run_partition, s.context,
        partition_key{id, partition_no{static_cast<std::uint16_t>(stream.part)}, created.type});
  s.hosts[stream] = host;
  if (stream.kind == aggregate::promotion) s.context->awake.set(id, host);
  s.restarts.started(to_string(stream), s.context->parts.time->steady());
  s.stream_of_host[host.address()] = stream;
  self->monitor(host);
  s.context->counters.live_promotions = live_promotions(s);
  return host;
}

/// The fault of a host that could not be started and waits for its next attempt.
auto resting_fault(const directory_state& s, const stream_id& stream) -> std::optional<fault> {
  const auto noted = s.context->faults.find(stream);
  if (!noted) return std::nullopt;
  const bool waits = std::any_of(s.due.begin(), s.due.end(),
                                 [&](const auto& d) { return d.second == stream; });
  if (!waits) return std::nullopt;
  auto why = noted->why;
  why.action = fault_action::retry_later;
  return why;
}

auto find_host(directory_host* self, const stream_id& stream) -> found {
  auto& s = self->state;
  const auto it = s.catalog.promotions.find(stream.id);
  if (it == s.catalog.promotions.end()) return {};
  const bool partition = stream.kind == aggregate::partition;
  if (partition && stream.part >= it->second.created.partition_count) return {};
  if (partition && !s.hosts.contains(stream)) {
    const auto sealed = is_sealed(*s.context->parts.log, promotion_id{stream.id});
    if (!sealed) return {{}, sealed.error()};
    if (!*sealed) return {};
  }
  if (s.stopping)
    return {{}, fault{fault_code::shutting_down, fault_action::retry_later, "find", ""}};
  if (!partition && !s.hosts.contains(stream) &&
      live_promotions(s) >= limits::live_promotions_max)
    return {{}, fault{fault_code::overloaded, fault_action::retry_later, "find",
                      "too many promotions are at work; one that rests for 30 s makes room"}};
  if (!s.hosts.contains(stream))
    if (auto why = resting_fault(s, stream)) return {{}, std::move(why)};
  return {host_of(self, stream), {}};
}

void end_process(directory_host* self, const fault& why) {
  if (self->state.context->options.on_fatal) self->state.context->options.on_fatal(why);
}

/// An append failed: the catalog may be ahead of the log. Read it anew behind what is queued;
/// nothing else is handled meanwhile.
void reload_catalog(directory_host* self) {
  self->request(self->state.context->book.log_writer(), limits::append_timeout, barrier_request{})
      .await(
          [self](const barrier_reply&) {
            self->state.catalog = {};
            if (auto read = read_catalog(self->state); !read) end_process(self, read.error());
          },
          [self](const caf::error& e) { end_process(self, unknown_outcome(e, "reload_catalog")); });
}

auto create(directory_host* self, const create_request& r) -> caf::result<command_reply> {
  auto& s = self->state;
  auto promise = self->make_response_promise();
  const domain::create_promotion command{r.wanted, s.context->parts.time->wall(),
                                         s.context->options.grants.named_tokens};
  const auto metadata = metadata_of(r.by);
  auto decided = domain::decide_create(command, metadata, s.catalog);
  std::vector<promotion_event> events;
  std::optional<domain::refusal> refusal;
  command_receipt receipt;
  if (auto* no = std::get_if<domain::refusal>(&decided)) {
    refusal = std::move(*no);
  } else {
    const auto& answer = std::get<domain::catalog_answer>(decided);
    receipt.promotion = answer.promotion;
    receipt.repeated = answer.already_existed;
    receipt.state = domain::promotion_state::draft;
    if (!answer.already_existed) events.emplace_back(r.wanted);
  }
  // A refusal or a repeat rests on facts that may still be in flight: it is answered behind them.
  if (events.empty()) {
    self->request(s.context->book.log_writer(), limits::append_timeout, barrier_request{})
        .then(
            [promise, refusal, receipt](const barrier_reply& b) mutable {
              receipt.at = b.head;
              if (refusal)
                promise.deliver(command_reply{tl::unexpected<trouble>{*refusal}});
              else
                promise.deliver(command_reply{receipt});
            },
            [promise](const caf::error& e) mutable {
              promise.deliver(command_reply{tl::unexpected<trouble>{unknown_outcome(e, "create")}});
            });
    return promise;
  }
  domain::fold(s.catalog, r.wanted, metadata);
  self->request(s.context->book.log_writer(), limits::append_timeout,
                make_append(stream_of(r.wanted.promotion), stream_version{0}, events, metadata))
      .then(
          [self, promise, receipt](const append_reply& a) mutable {
            if (!a.answer) {
              promise.deliver(command_reply{tl::unexpected<trouble>{a.answer.error()}});
              return reload_catalog(self);
            }
            receipt.at = a.answer->last;
            promise.deliver(command_reply{receipt});
          },
          [self, promise](const caf::error& e) mutable {
            promise.deliver(command_reply{tl::unexpected<trouble>{unknown_outcome(e, "create")}});
            reload_catalog(self);
          });
  return promise;
}

/// How long to wait before `who` is started again; nullopt when the process gave up because of it.
auto restart_wait(directory_host* self, const std::string& who, ending how)
    -> std::optional<std::chrono::milliseconds> {
  auto& s = self->state;
  ++s.context->counters.restarts;
  auto wait = s.restarts.ended(who, s.context->parts.time->steady(), how);
  if (!wait)
    end_process(self, {fault_code::internal, fault_action::stop_process, "supervise",
                       who + " ended more than " + std::to_string(limits::restarts_max) +
                           " times within a minute"});
  return wait;
}

/// Names of singletons repeat: there are two publishers and many projectors.
auto ledger_name(const directory_state& s, const directory_state::singleton& one) -> std::string {
  return one.name + " " + std::to_string(&one - s.singletons.data() + 1);
}

void start_singleton(directory_host* self, directory_state::singleton& one) {
  auto& s = self->state;
  one.address = one.spawn();
  s.restarts.started(ledger_name(s, one), s.context->parts.time->steady());
  self->monitor(one.address);
}

void watch_starts(directory_host* self) {
  auto& s = self->state;
  if (s.starts.empty() || s.start_ticking) return;
  s.start_ticking = true;
  self->delayed_send(self, limits::start_tick_every, start_tick{});
}

void set_start(directory_host* self, const start_set& c) {
  if (c.at == timestamp{})
    self->state.starts.erase(c.promotion.value);
  else
    self->state.starts[c.promotion.value] = c.at;
  watch_starts(self);
}

/// A promotion that is due is told so until it says that it has started, or will not.
void start_what_is_due(directory_host* self) {
  auto& s = self->state;
  s.start_ticking = false;
  if (s.stopping) return;
  const auto now = s.context->parts.time->wall();
  for (const auto& [id, at] : s.starts)
    if (at <= now) self->send(host_of(self, stream_of(promotion_id{id})), start_due{});
  watch_starts(self);
}

constexpr std::uint64_t singleton_slot = 1ULL << 63U;

void finish_shutdown(directory_host* self);

void on_down(directory_host* self, const caf::down_msg& down) {
  auto& s = self->state;
  if (down.source == s.log_writer) {
    if (!s.stopping)
      end_process(self, {fault_code::internal, fault_action::stop_process, "supervise",
                         "the log writer ended: " + caf::to_string(down.reason)});
    return;
  }
  for (std::size_t i = 0; i < s.singletons.size(); ++i) {
    auto& one = s.singletons[i];
    if (one.address.address() != down.source) continue;
    one.address = nullptr;
    if (s.stopping) return finish_shutdown(self);
    const auto how = down.reason == replay_needed ? ending::replays : ending::failed;
    if (const auto wait = restart_wait(self, ledger_name(s, one), how))
      self->delayed_send(self, *wait, restart_due{singleton_slot | i});
    return;
  }
  const auto it = s.stream_of_host.find(down.source);
  if (it == s.stream_of_host.end()) return;
  const auto stream = it->second;
  s.stream_of_host.erase(it);
  const bool intended = s.leaving.erase(down.source) > 0;
  if (const auto h = s.hosts.find(stream); h != s.hosts.end() && h->second.address() == down.source) {
    s.hosts.erase(h);
    if (stream.kind == aggregate::promotion) s.context->awake.erase(promotion_id{stream.id});
  }
  s.context->counters.live_promotions = live_promotions(s);
  if (s.stopping) return finish_shutdown(self);
  if (intended) return s.restarts.forget(to_string(stream));
  const auto how = down.reason != replay_needed          ? ending::failed
                   : s.context->faults.find(stream) ? ending::faulted
                                                    : ending::replays;
  const auto wait = restart_wait(self, to_string(stream), how);
  if (!wait) return;
  s.due[s.next_due] = stream;
  self->delayed_send(self, *wait, restart_due{s.next_due++});
}

void restart(directory_host* self, const restart_due& r) {
  auto& s = self->state;
  if (s.stopping) return;
  if ((r.slot & singleton_slot) != 0)
    return start_singleton(self, s.singletons[r.slot & ~singleton_slot]);
  const auto it = s.due.find(r.slot);
  if (it == s.due.end()) return;
  const auto stream = it->second;
  s.due.erase(it);
  if (!s.catalog.promotions.contains(stream.id)) return;  // Its create was never durable.
  static_cast<void>(host_of(self, stream));  // It greets or wakes whom it concerns itself.
}

void tell_partitions_of(directory_host* self, const delivery_restarted& d) {
  for (const auto& [stream, host] : self->state.hosts)
    if (stream.kind == aggregate::partition) self->send(host, d);
}

/// Hosts first (they append and snapshot), then the singletons, then the answer.
auto shut_down(directory_host* self) -> caf::result<shutdown_done> {
  auto& s = self->state;
  s.stopping = true;
  s.stopped = self->make_response_promise();
  for (const auto& [stream, host] : s.hosts) self->send(host, retire{});
  finish_shutdown(self);
  return *s.stopped;
}

void finish_shutdown(directory_host* self) {
  auto& s = self->state;
  if (!s.hosts.empty() || !s.stopped) return;
  bool all_ended = true;
  for (auto& one : s.singletons) {
    if (!one.address) continue;
    all_ended = false;
    if (!one.told) self->send(one.address, shutdown{});
    one.told = true;
  }
  if (!all_ended) return;
  s.stopped->deliver(shutdown_done{});
  s.stopped.reset();
  self->quit();
}

void set_up(directory_host* self) {
  auto& s = self->state;
  s.context->book.set(address_book::entry::directory, caf::actor{self});
  const auto writer = s.context->book.log_writer();
  if (!writer) return self->quit();  // The engine is gone before it began.
  s.log_writer = writer.address();
  self->monitor(writer);
  if (auto read = read_catalog(s); !read) {
    end_process(self, read.error());
    return self->quit(replay_needed);
  }
  if (s.singletons.empty()) list_singletons(self);
  for (auto& one : s.singletons) start_singleton(self, one);
  for (const auto& [id, entry] : s.catalog.promotions) {
    const auto standing = standing_of(*s.context->parts.log, promotion_id{id});
    if (is_active(standing)) static_cast<void>(host_of(self, stream_of(promotion_id{id})));
    if (standing && standing->state == domain::promotion_state::scheduled)
      s.starts[id] = standing->start_at;
  }
  watch_starts(self);
}

}  // namespace

auto run_directory(directory_host* self, context_ptr context) -> caf::behavior {
  use_host_defaults(self);
  self->state.context = std::move(context);
  self->set_down_handler([self](caf::down_msg& down) { on_down(self, down); });
  // Children are linked so that they end with us; that one of them ended is on_down's business.
  self->set_exit_handler([](caf::exit_msg&) {});
  set_up(self);
  return {
      [=](const create_request& r) { return create(self, r); },
      [=](const find_promotion& f) { return find_host(self, stream_of(f.promotion)); },
      [=](const find_partition& f) { return find_host(self, stream_of(f.promotion, f.partition)); },
      [=](const retiring& r) { self->state.leaving[r.host.address()] = true; },
      [=](const delivery_restarted& d) { tell_partitions_of(self, d); },
      [=](const restart_due& r) { restart(self, r); },
      [=](const poke_projectors&) {
        for (const auto& one : self->state.singletons)
          if (one.name == "projector" && one.address) self->send(one.address, step_tick{});
      },
      [=](const start_set& c) { set_start(self, c); },
      [=](const start_tick&) { start_what_is_due(self); },
      [=](const fatal& f) { end_process(self, f.why); },
      [=](const shutdown&) { return shut_down(self); },
  };
}

}  // namespace bestow::actors
