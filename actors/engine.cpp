#include "actors/engine.hpp"

#include <algorithm>
#include <caf/all.hpp>
#include <chrono>
#include <map>
#include <mutex>

#include <spdlog/spdlog.h>

#include "actors/core.hpp"
#include "actors/courier.hpp"
#include "actors/direct_results.hpp"
#include "actors/engine_requests.hpp"
#include "actors/event_audit.hpp"
#include "actors/host.hpp"
#include "actors/stream_adoption.hpp"
#include "actors/stream_audit.hpp"
#include "domain/target_row.hpp"
#include "events/limits.hpp"

namespace bestow::actors {

namespace {

/// Ascending, each once.
auto ordered(std::vector<std::uint64_t> ids) -> std::vector<std::uint64_t> {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

class caf_engine final : public engine, private engine_requests {
 public:
  caf_engine(engine_parts parts, engine_options options) {
    context_->parts = std::move(parts);
    context_->options = std::move(options);
    // Never parse(): it would load caf-application.ini from the working directory.
    config_.set("scheduler.max-threads",
                std::max<std::size_t>(2, context_->options.worker_threads));
    config_.set("scheduler.max-throughput", std::size_t{300});
    // Workers wait for a queue they share. CAF's default, work stealing, polls in sleeps of 50 us,
    // which cost a lone command half its time and the machine its idle cores.
    config_.set("scheduler.policy", caf::atom("sharing"));
    system_ = std::make_unique<caf::actor_system>(config_);
    asker_.emplace(*system_);
    core_ = spawn_core(*system_, context_);
    courier_ = system_->spawn(run_courier, context_);
    end_process_with(context_, courier_, "the courier");
    if (context_->parts.messages != nullptr) connect_bus(*context_->parts.messages, context_);
  }
  ~caf_engine() override { caf_engine::stop(); }

  auto create(promotion_created wanted, const caller& by) -> outcome<command_receipt> override {
    if (wanted.promotion.value == 0) wanted.promotion = new_promotion_id();
    return reply_of<command_reply>(context_->book.directory(), limits::request_timeout,
                                   create_request{std::move(wanted), by});
  }
  auto open_batch(promotion_id id, std::string batch, import_format format, const caller& by)
      -> outcome<batch_receipt> override {
    const domain::open_batch command{std::move(batch), format, context_->parts.time->wall()};
    return ask<batch_reply>(id, limits::request_timeout, open_batch_request{command, by});
  }
  auto import(promotion_id id, import_chunk chunk) -> outcome<chunk_receipt> override {
    return ask<import_reply>(id, limits::claim_timeout,
                             import_request{std::make_shared<import_chunk>(std::move(chunk))});
  }
  void import_async(promotion_id id, import_chunk chunk,
                    std::function<void(outcome<chunk_receipt>)> done) override {
    if (!courier_) {
      return done(tl::unexpected<trouble>{fault{fault_code::shutting_down,
                                                fault_action::retry_later, "import", ""}});
    }
    caf::anon_send(courier_, carry_import{id, std::make_shared<import_chunk>(std::move(chunk)),
                                          std::move(done)});
  }
  auto probe(promotion_id id, import_chunk chunk) -> outcome<probe_receipt> override {
    return ask<probe_reply>(id, limits::claim_timeout,
                            probe_request{std::make_shared<import_chunk>(std::move(chunk))});
  }
  auto close_batch(promotion_id id, domain::close_batch c, const caller& by)
      -> outcome<batch_receipt> override {
    return ask<batch_reply>(id, limits::request_timeout, close_batch_request{std::move(c), by});
  }
  auto abandon_batch(promotion_id id, domain::abandon_batch c, const caller& by)
      -> outcome<command_receipt> override {
    return ask<command_reply>(id, limits::request_timeout,
                              abandon_batch_request{std::move(c), by});
  }
  auto seal(promotion_id id, const caller& by) -> outcome<command_receipt> override {
    return ask<command_reply>(id, limits::seal_timeout, seal_request{by});
  }
  auto approve(promotion_id id, const caller& by) -> outcome<command_receipt> override {
    return ask<command_reply>(id, limits::request_timeout, approve_request{by});
  }
  auto start_run(promotion_id id, std::uint32_t run_date, const caller& by)
      -> outcome<command_receipt> override {
    if (run_date == 0) run_date = domain::seoul_date(context_->parts.time->wall());
    return ask<command_reply>(id, limits::request_timeout, start_request{run_date, false, by});
  }
  auto stop_run(promotion_id id, std::string reason, const caller& by)
      -> outcome<command_receipt> override {
    return ask<command_reply>(id, limits::request_timeout, stop_request{std::move(reason), by});
  }
  auto resume(promotion_id id, const caller& by) -> outcome<command_receipt> override {
    const auto today = domain::seoul_date(context_->parts.time->wall());
    return ask<command_reply>(id, limits::request_timeout, start_request{today, true, by});
  }
  auto schedule(promotion_id id, timestamp at, const caller& by)
      -> outcome<command_receipt> override {
    return ask<command_reply>(id, limits::request_timeout, schedule_request{at, by});
  }
  auto cancel(promotion_id id, std::string reason, const caller& by)
      -> outcome<command_receipt> override {
    return ask<command_reply>(id, limits::request_timeout, cancel_request{std::move(reason), by});
  }
  auto close(promotion_id id, std::string reason, const caller& by)
      -> outcome<command_receipt> override {
    return ask<command_reply>(id, limits::request_timeout, close_request{std::move(reason), by});
  }
  auto retry(promotion_id id, retry_scope scope, std::vector<std::uint64_t> targets,
             const caller& by) -> outcome<command_receipt> override {
    return ask<command_reply>(id, limits::request_timeout,
                              retry_request{scope, ordered(std::move(targets)), by});
  }
  auto recall(promotion_id id, std::string reason, std::vector<std::uint64_t> targets,
              const caller& by) -> outcome<command_receipt> override {
    return ask<command_reply>(
        id, limits::request_timeout,
        recall_request{std::move(reason), ordered(std::move(targets)), by});
  }
  auto record_results(std::shared_ptr<const std::vector<bus::decoded_result>> results)
      -> outcome<results_receipt> override {
    if (stopped_)
      return tl::unexpected<trouble>{fault{fault_code::shutting_down, fault_action::retry_later,
                                           "record_results", "the engine has stopped"}};
    context_->counters.results_received += results->size();
    return record_directly(*system_, *context_, results);
  }
  auto rebuild_stream(promotion_type type, const caller& by) -> outcome<stream_receipt> override;
  auto adopt_stream(promotion_type type, const caller& by) -> outcome<adoption_receipt> override;
  auto rebuild_events(const caller& by) -> outcome<stream_receipt> override;
  auto rebuild_view(std::string_view name) -> result<bool> override {
    auto started = context_->parts.views->start_rebuild(name);
    if (started && *started) caf::anon_send(context_->book.directory(), poke_projectors{});
    return started;
  }
  auto status() -> engine_status override;
  void stop() override;

 private:
  /// Time-seeded, below 2^53: the wall's milliseconds and ten random bits. The catalog refuses a
  /// collision.
  auto new_promotion_id() -> promotion_id {
    const auto ms = static_cast<std::uint64_t>(context_->parts.time->wall().value);
    return promotion_id{((ms << 10U) | (context_->parts.random->next() & 1023U)) &
                        limits::promotion_id_assigned_max};
  }

  [[nodiscard]] auto broker_trouble(std::string_view operation) const -> std::optional<trouble>;
  /// Sends releases to their partition; refused, or the position they rest on.
  auto adopt_in(promotion_id promotion, partition_no partition,
                std::vector<targets_released> releases, bool dry) -> outcome<position>;
  /// Proves first that every partition takes its releases one after the other.
  auto take_in(const adoption& found) -> std::optional<trouble>;

  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  core_actors core_;
  caf::actor courier_;
  std::mutex looking_;  ///< One look through a whole stream at a time.
};

auto caf_engine::broker_trouble(std::string_view operation) const -> std::optional<trouble> {
  if (context_->parts.messages != nullptr && context_->parts.messages->connected())
    return std::nullopt;
  return fault{fault_code::broker_unavailable, fault_action::retry_later, operation,
               "the broker is not connected"};
}

auto already_looking(std::string_view operation) -> tl::unexpected<trouble> {
  return tl::unexpected<trouble>{fault{fault_code::overloaded, fault_action::retry_later,
                                       operation, "a stream is being looked through already"}};
}

auto caf_engine::adopt_in(promotion_id promotion, partition_no partition,
                          std::vector<targets_released> releases, bool dry) -> outcome<position> {
  auto host = request<found>(context_->book.directory(), limits::request_timeout,
                             find_partition{promotion, partition});
  if (!host) return tl::unexpected<trouble>{host.error()};
  if (host->why) return tl::unexpected<trouble>{*host->why};
  if (!host->host) return tl::unexpected<trouble>{not_found(promotion)};
  return reply_of<adopt_reply>(
      host->host, limits::request_timeout,
      adopt_request{std::make_shared<const std::vector<targets_released>>(std::move(releases)),
                    dry});
}

auto caf_engine::take_in(const adoption& found) -> std::optional<trouble> {
  std::map<std::pair<std::uint64_t, std::uint16_t>, std::vector<targets_released>> of_partition;
  for (const auto& r : found.releases)
    of_partition[{r.promotion.value, r.partition.value}].push_back(r);
  for (auto& [key, releases] : of_partition) {
    const auto proved = adopt_in({key.first}, {key.second}, std::move(releases), true);
    if (!proved) return proved.error();
  }
  for (const auto& r : found.releases) {  // In stream order: the plan is the log's order.
    const auto taken = adopt_in(r.promotion, r.partition, {r}, false);
    if (!taken) return taken.error();
  }
  return std::nullopt;
}

auto caf_engine::adopt_stream(promotion_type type, const caller& by) -> outcome<adoption_receipt> {
  if (auto away = broker_trouble("adopt")) return tl::unexpected<trouble>{*away};
  const std::unique_lock lock{looking_, std::try_to_lock};
  if (!lock) return already_looking("adopt");
  auto& log = *context_->parts.log;
  const auto wanted = grant_stream_config(context_->options, type, log.log_id(), 1);
  auto read = read_adoption(context_->parts, type, wanted);
  if (!read) return tl::unexpected<trouble>{read.error()};
  if (const auto* no = std::get_if<domain::refusal>(&*read)) return tl::unexpected<trouble>{*no};
  const auto& found = std::get<adoption>(*read);
  if (auto why = take_in(found)) return tl::unexpected<trouble>{*why};
  const auto stream = delivery_stream_of(type);
  const auto version = log.version_of(stream);
  if (!version) return tl::unexpected<trouble>{version.error()};
  const delivery_event fact = stream_adopted{wanted.name, found.first_seq, found.last_seq,
                                             found.releases.size(), by.principal};
  auto said = request<append_reply>(
      context_->book.log_writer(), limits::append_timeout,
      make_append(stream, *version, std::vector{fact}, metadata_of(by)));
  if (!said) return tl::unexpected<trouble>{said.error()};
  if (!said->answer) return tl::unexpected<trouble>{said->answer.error()};
  caf::anon_send(context_->book.publisher(type), recheck_stream{});
  caf::anon_send(context_->book.intake(), read_results_again{});
  return adoption_receipt{wanted.name, found.first_seq, found.last_seq, found.releases.size(),
                          said->answer->last};
}

auto caf_engine::rebuild_stream(promotion_type type, const caller& by) -> outcome<stream_receipt> {
  if (auto away = broker_trouble("rebuild")) return tl::unexpected<trouble>{*away};
  const std::unique_lock lock{looking_, std::try_to_lock};
  if (!lock) return already_looking("rebuild");
  const auto wanted =
      grant_stream_config(context_->options, type, context_->parts.log->log_id(), 1);
  auto audit = audit_stream(context_->parts, type, wanted);
  if (!audit) return tl::unexpected<trouble>{audit.error()};
  if (audit->refusal) return tl::unexpected<trouble>{*audit->refusal};
  const auto& generation = audit->generation;
  stream_receipt receipt{wanted.name, generation.number,
                         audit->last_planned - generation.base_seq, {}, true,
                         context_->parts.log->head().last};
  const auto publisher = context_->book.publisher(type);
  if (audit->replacing || !generation.whole || !audit->wrong)
    caf::anon_send(publisher, recheck_stream{});
  if (audit->replacing || !generation.whole) return receipt;
  if (!audit->wrong)
    return tl::unexpected<trouble>{domain::refusal{domain::rejection::stream_is_sound,
                                                   wanted.name + " holds what the log plans"}};
  auto reply = request<generation_reply>(publisher, limits::request_timeout,
                                         generation_request{generation.number, by});
  if (!reply) return tl::unexpected<trouble>{reply.error()};
  if (!reply->answer) return tl::unexpected<trouble>{reply->answer.error()};
  receipt.generation = generation.number + 1;
  receipt.reason = to_string(*audit->wrong);
  receipt.repeated = false;
  receipt.at = *reply->answer;
  return receipt;
}

auto caf_engine::rebuild_events(const caller& by) -> outcome<stream_receipt> {
  const auto feed = context_->book.event_feed();
  const auto& grants = context_->options.grants;
  if (!feed)
    return tl::unexpected<trouble>{domain::refusal{domain::rejection::stream_is_sound,
                                                   "facts are not published: "
                                                   "grants.publish_events is off"}};
  if (auto away = broker_trouble("rebuild")) return tl::unexpected<trouble>{*away};
  const std::unique_lock lock{looking_, std::try_to_lock};
  if (!lock) return already_looking("rebuild");
  const auto audit = audit_events(context_->parts, grants);
  if (!audit) return tl::unexpected<trouble>{audit.error()};
  if (audit->refusal) return tl::unexpected<trouble>{*audit->refusal};
  spdlog::warn("{} is made anew for '{}': {}", grants.event_stream, by.principal, audit->wrong);
  if (auto removed = context_->parts.messages->remove_stream(grants.event_stream); !removed)
    return tl::unexpected<trouble>{removed.error()};
  // A feed that dies before it hears this looks at the stream when it starts again.
  caf::anon_send(feed, recheck_stream{});
  const auto head = context_->parts.log->head().last;
  return stream_receipt{grants.event_stream, 0, head.value, audit->wrong, false, head};
}

auto caf_engine::status() -> engine_status {
  engine_status s;
  s.head = context_->parts.log->head().last;
  const auto& c = context_->counters;
  s.log_ready = c.log_ready;
  if (const auto why = c.log_trouble.get()) s.log_trouble = to_string(*why);
  s.appends = c.appends;
  s.commits = c.commits;
  s.restarts = c.restarts;
  s.live_promotions = c.live_promotions;
  s.results_received = c.results_received;
  s.results_dead = c.results_dead;
  s.hosts_faulted = context_->faults.size();
  for (const auto& [stream, noted] : context_->faults.list(limits::faults_named_max))
    s.faulted.push_back({to_string(stream), to_string(noted.why)});
  for (const auto type : {promotion_type::voucher, promotion_type::point}) {
    auto reply = request<delivery_reply>(context_->book.publisher(type), limits::status_within,
                                         delivery_query{});
    if (reply) {
      s.deliveries.push_back(std::move(reply->status));
      continue;
    }
    const auto& grants = context_->options.grants;
    s.deliveries.push_back({type == promotion_type::voucher ? grants.voucher_stream
                                                            : grants.point_stream,
                            0, 0, "busy: no answer within 0.5 s", {}, 0, 1, 0});
  }
  if (const auto feed = context_->book.event_feed()) {
    auto reply = request<delivery_reply>(feed, limits::status_within, delivery_query{});
    s.events = reply ? std::move(reply->status)
                     : delivery_status{context_->options.grants.event_stream, s.head.value, 0,
                                       "busy: no answer within 0.5 s"};
  }
  return s;
}

void caf_engine::stop() {
  if (stopped_.exchange(true)) return;
  context_->stopping = true;
  context_->parts.lists->cancel_builds();
  bool clean = false;
  {
    caf::scoped_actor self{*system_};
    self->request(core_.directory, limits::engine_stop_within, shutdown{})
        .receive([&](shutdown_done&) { clean = true; }, [](caf::error&) {});
    for (const auto* last : {&courier_, &core_.log_writer}) {
      caf::anon_send(*last, shutdown{});
      if (clean) self->wait_for(*last);
    }
  }
  context_->book.clear();
  context_->awake.clear();
  courier_ = nullptr;
  core_ = {};
  // An actor that hangs must not hang the process with it: the caller ends by _exit then.
  if (!clean) static_cast<void>(system_.release());
  system_.reset();
}

}  // namespace

auto engine::start(engine_parts parts, engine_options options)
    -> result<std::unique_ptr<engine>> {
  if (parts.log == nullptr || parts.snapshots == nullptr || parts.lists == nullptr ||
      parts.views == nullptr || parts.time == nullptr || parts.random == nullptr)
    return fail(fault_code::internal, "engine::start", "a part is missing");
  return std::unique_ptr<engine>{std::make_unique<caf_engine>(std::move(parts), std::move(options))};
}

}  // namespace bestow::actors
