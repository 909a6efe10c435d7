#include "bench/world.hpp"

#include <algorithm>
#include <filesystem>

#include "apps/system/data_layout.hpp"
#include "bench/harness.hpp"
#include "events/limits.hpp"

namespace bestow::bench {
namespace {

constexpr std::size_t piece_bytes = 1U << 20U;

auto log_at(const std::string& directory) -> store::log_options {
  store::log_options o;
  o.directory = directory;
  o.map_bytes = limits::log_map_bytes_default;
  return o;
}

}  // namespace

world::world(const world_options& options) {
  const apps::data_layout at{options.directory};
  for (const auto* folder : {&at.log, &at.views, &at.snapshots, &at.lists, &at.unique, &at.rejects,
                             &at.nats})
    std::filesystem::create_directories(*folder);
  if (options.broker) broker = must(bus::start_embedded_server({at.nats}, random));
  log = must(store::open_lmdb_log(log_at(at.log), random.next()));
  snapshots = must(store::make_file_snapshots(at.snapshots));
  lists = must(store::make_target_lists(at.lists));
  view_stores = must(store::make_lmdb_view_stores(at.views, limits::view_map_bytes_default));
  views = must(projections::open_views(*view_stores, *log, *lists));
  answers = std::make_unique<projections::queries>(*views, *log, *lists);
  if (broker) messages = must(bus::connect_nats(broker->client_options()));
  actors::engine_options settings;
  settings.grants = options.grants;
  settings.grants.complete_when_published = options.complete_when_published;
  settings.delivery.fence = options.fence;
  settings.on_fatal = [](const fault& f) { give_up("the engine gave up: " + to_string(f)); };
  engine = must(actors::engine::start({log.get(), snapshots.get(), lists.get(), views.get(),
                                       messages.get(), &time, &random, at.unique},
                                      std::move(settings)));
}

world::~world() {
  if (engine) engine->stop();
}

auto world::import(promotion_id id, std::string_view csv) -> imported {
  imported out;
  importing::import_options options;
  options.promotion = id;
  options.batch = "bench";
  options.on_progress = [&](const importing::import_progress&) {
    out.anonymous_peak = std::max(out.anonymous_peak, anonymous_bytes());
  };
  importing::import_driver driver{*engine, *log, options};
  for (std::size_t at = 0; at < csv.size(); at += piece_bytes)
    must(driver.push(csv.substr(at, piece_bytes)));
  out.answer = must(driver.finish());
  return out;
}

}  // namespace bestow::bench
