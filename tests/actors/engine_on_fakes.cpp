#include "tests/actors/engine_on_fakes.hpp"

#include "domain/target_row.hpp"
#include "events/limits.hpp"

namespace bestow::tests {

namespace {
constexpr timestamp world_start{1'768'959'000'000};  // 2026-01-21T01:30:00Z
}

world::world(std::uint64_t s)
    : seed{s},
      log{std::make_unique<store::memory_log>(s)},
      view_stores{store::make_memory_view_stores()},
      snapshots{store::make_memory_snapshots()},
      broker{std::make_shared<bus::memory_broker>()},
      time{world_start},
      random{s} {}

process::process(world& world_in, actors::grant_settings grants,
                 actors::delivery_settings delivery)
    : w{world_in} {
  bus = std::make_unique<bus::memory_bus>(w.broker);
  lists = *store::make_target_lists("");
  views = *projections::open_views(*w.view_stores, *w.log, *lists);
  context = std::make_shared<actors::engine_context>();
  context->parts = {w.log.get(), w.snapshots.get(), lists.get(), views.get(),
                    bus.get(),   &w.time,           &w.random,   ""};
  context->options.grants = std::move(grants);
  context->options.delivery = delivery;
  context->options.on_fatal = [this](const fault& f) { fatal.push_back(f); };
  context->detach = false;
  config.set("scheduler.policy", caf::atom("testing"));
  system = std::make_unique<caf::actor_system>(config);
  system->await_actors_before_shutdown(false);
  scheduler = &dynamic_cast<caf::scheduler::test_coordinator&>(system->scheduler());
  core = actors::spawn_core(*system, context);
  actors::connect_bus(*bus, context);
}

process::~process() {
  context->stopping = true;
  context->book.clear();
  caf::anon_send_exit(core.directory, caf::exit_reason::kill);
  caf::anon_send_exit(core.log_writer, caf::exit_reason::kill);
  scheduler->run();
  core = {};
  context->options.on_fatal = nullptr;
  system.reset();
}

void process::drive() {
  for (;;) {
    const auto jobs = scheduler->run();
    if (jobs == 0 && bus->deliver_all() == 0) return;
  }
}

auto process::step(std::uint64_t choice) -> bool {
  auto& jobs = scheduler->jobs;
  if (!jobs.empty() && choice % 8 != 0) {
    std::swap(jobs.front(), jobs[(choice >> 8U) % jobs.size()]);
    return scheduler->try_run_once();
  }
  if (bus->deliver(1) > 0) return true;
  if (!jobs.empty()) return scheduler->try_run_once();
  return false;
}

void process::pass(std::chrono::milliseconds by) {
  w.time.advance(by);
  scheduler->advance_time(by);
}

auto process::drive_until(const std::function<bool()>& done, unsigned rounds) -> bool {
  for (unsigned i = 0; i < rounds; ++i) {
    drive();
    if (done()) return true;
    pass(std::chrono::milliseconds{20});
  }
  return done();
}

auto process::create(promotion_created wanted) -> actors::outcome<actors::command_receipt> {
  return ask<actors::command_reply>(core.directory, actors::create_request{std::move(wanted), {}})
      .answer;
}

auto process::import_points(promotion_id id, const std::string& batch, std::uint64_t first_uid,
                            std::uint32_t count, std::uint64_t amount, bool twice)
    -> actors::outcome<actors::batch_receipt> {
  auto opened = command<actors::batch_reply>(
      id, actors::open_batch_request{{batch, import_format::csv, w.time.wall()}, {}});
  if (!opened) return opened;
  std::uint64_t row = opened->batch.rows;
  while (row < count) {
    const auto rows = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(count - row, limits::import_chunk_rows));
    auto chunk = std::make_shared<actors::import_chunk>();
    chunk->batch = batch;
    auto& f = chunk->facts;
    f.batch = batch;
    f.first_row = row + 1;
    f.row_count = rows;
    f.byte_end = (row + rows) * 10;
    f.customer_uids = u64_column::arithmetic(first_uid + row, 1, rows);
    std::vector<std::uint64_t> partitions;
    for (std::uint32_t i = 0; i < rows; ++i) {
      chunk->row_numbers.push_back(row + i + 1);
      partitions.push_back(
          domain::default_partition(customer_uid{first_uid + row + i}, opened->partition_count)
              .value);
    }
    f.partitions = u64_column::of(std::move(partitions));
    f.amounts = u64_column::constant(amount, rows);
    f.expiries = u64_column::constant(1'800'000'000'000, rows);
    f.reasons = string_column::constant("welcome", rows);
    const auto twin = std::make_shared<actors::import_chunk>(*chunk);
    auto imported = command<actors::import_reply>(id, actors::import_request{chunk});
    if (!imported) return tl::unexpected{imported.error()};
    if (twice) {
      const auto again = command<actors::import_reply>(id, actors::import_request{twin});
      if (!again) return tl::unexpected{again.error()};
      if (again->accepted != imported->accepted || again->refused.size() != imported->refused.size())
        return tl::unexpected<actors::trouble>{fault{fault_code::internal, fault_action::stop_process,
                                                     "import", "a chunk got another answer"}};
    }
    row += rows;
  }
  return command<actors::batch_reply>(
      id, actors::close_batch_request{{batch, count, std::uint64_t{count} * 10, {}}, {}});
}

auto process::seal(promotion_id id) -> actors::outcome<actors::command_receipt> {
  return command<actors::command_reply>(id, actors::seal_request{});
}
auto process::approve(promotion_id id) -> actors::outcome<actors::command_receipt> {
  return command<actors::command_reply>(id, actors::approve_request{});
}
auto process::start(promotion_id id) -> actors::outcome<actors::command_receipt> {
  return command<actors::command_reply>(id, actors::start_request{20'260'121, false, {}});
}
auto process::stop(promotion_id id) -> actors::outcome<actors::command_receipt> {
  return command<actors::command_reply>(id, actors::stop_request{"test", {}});
}
auto process::resume(promotion_id id) -> actors::outcome<actors::command_receipt> {
  return command<actors::command_reply>(id, actors::start_request{20'260'121, true, {}});
}

auto process::row(promotion_id id) -> projections::promotion_row {
  const auto head = w.log->head().last;
  drive_until([&] { return views->wait_for("promotion_summary", head, {}); });
  const projections::queries questions{*views, *w.log, *lists};
  auto answer = questions.promotion(id);
  return answer && answer->value ? *answer->value : projections::promotion_row{};
}

auto point_promotion(std::uint64_t id, std::uint32_t partitions) -> promotion_created {
  promotion_created p;
  p.promotion = promotion_id{id};
  p.type = promotion_type::point;
  p.currency = "KRW";
  p.partition_count = partitions;
  p.created_by = "local";
  return p;
}

auto small_wallet::answer_new(std::uint64_t fail_every, std::size_t count_max) -> std::size_t {
  bus::memory_bus link{w_.broker};
  const auto state = link.state_of("GRANTS_POINT");
  if (!state) return 0;
  std::vector<bus::message_bus::simple_message> answers;
  for (; seen_ < state->last_seq && answers.size() < count_max; ++seen_) {
    const auto stored = link.read("GRANTS_POINT", seen_ + 1);
    if (!stored || !*stored) break;
    std::vector<bus::decoded_grant> grants;
    if (!bus::decode_grants((*stored)->payload, grants).empty()) continue;
    for (const auto& grant : grants) {
      bus::decoded_result r;
      r.type = grant.type;
      r.promotion = grant.promotion;
      r.id = grant.id;
      r.customer = grant.customer;
      r.partition = grant.partition;
      r.attempt = grant.attempt;
      const bool fails = fail_every != 0 && grant.id.value % fail_every == 0;
      r.status = fails ? process_status::failed : process_status::success;
      r.transaction_key = fails ? "" : "tx-" + grant.idempotency_key;
      r.error_message = fails ? "account closed" : "";
      const std::string topic = "prepay.campaign.point.result";
      std::string json;
      bus::append_result_json(json, r, topic, w_.time.wall());
      answers.push_back({topic + "." + std::to_string(r.partition.value), std::move(json)});
    }
  }
  if (answers.empty() || !link.publish_all(answers)) return 0;
  link.deliver_all();
  return answers.size();
}

}  // namespace bestow::tests
