#include "apps/measure/world.hpp"

#include <algorithm>

#include "apps/measure/stopwatch.hpp"
#include "apps/system/data_layout.hpp"
#include "events/limits.hpp"
#include "store/files.hpp"

namespace bestow::measure {
namespace {

constexpr std::size_t piece_bytes = 1U << 20U;

/// Puts what was opened where it belongs.
template <class T>
auto take(result<T> from, T& to) -> result<void> {
  if (!from) return tl::unexpected<fault>{std::move(from.error())};
  to = std::move(*from);
  return {};
}

auto make_folders(const apps::data_layout& at) -> result<void> {
  for (const auto* folder : {&at.log, &at.views, &at.snapshots, &at.lists, &at.unique, &at.rejects,
                             &at.nats})
    if (auto made = store::make_directory(*folder); !made) return made;
  return {};
}

auto open_log(const std::string& directory, std::uint64_t seed)
    -> result<std::unique_ptr<store::event_log>> {
  store::log_options o;
  o.directory = directory;
  o.map_bytes = limits::log_map_bytes_default;
  return store::open_lmdb_log(o, seed);
}

}  // namespace

auto world::open(const world_options& options) -> result<std::unique_ptr<world>> {
  auto w = std::make_unique<world>(opening{});
  auto done = w->open_stores(options);
  if (done) done = w->start_engine(options);
  if (!done) return tl::unexpected<fault>{std::move(done.error())};
  return w;
}

auto world::open_stores(const world_options& options) -> result<void> {
  const apps::data_layout at{options.directory};
  return make_folders(at)
      .and_then([&]() -> result<void> {
        if (!options.broker) return {};
        return take(bus::start_embedded_server({at.nats, options.server}, random), broker);
      })
      .and_then([&] { return take(open_log(at.log, random.next()), log); })
      .and_then([&] { return take(store::make_file_snapshots(at.snapshots), snapshots); })
      .and_then([&] { return take(store::make_target_lists(at.lists), lists); })
      .and_then([&] {
        return take(store::make_lmdb_view_stores(at.views, limits::view_map_bytes_default),
                    view_stores);
      })
      .and_then([&] { return take(projections::open_views(*view_stores, *log, *lists), views); });
}

auto world::start_engine(const world_options& options) -> result<void> {
  answers = std::make_unique<projections::queries>(*views, *log, *lists);
  if (broker) {
    if (auto up = take(bus::connect_nats(broker->client_options()), messages); !up) return up;
  }
  actors::engine_options settings;
  settings.grants = options.grants;
  settings.grants.complete_when_published = options.complete_when_published;
  settings.delivery.fence = options.fence;
  settings.on_fatal = [this](const fault& f) {
    const std::scoped_lock lock{mutex_};
    if (!gave_up_) gave_up_ = f;
  };
  return take(actors::engine::start({log.get(), snapshots.get(), lists.get(), views.get(),
                                     messages.get(), &time, &random,
                                     apps::data_layout{options.directory}.unique},
                                    std::move(settings)),
              engine);
}

world::~world() {
  engine.reset();  // Its actors use all the rest.
}

auto world::import(promotion_id id, std::string_view csv) -> outcome<imported> {
  imported out;
  importing::import_options options;
  options.promotion = id;
  options.batch = "bench";
  options.on_progress = [&](const importing::import_progress&) {
    out.anonymous_peak = std::max(out.anonymous_peak, anonymous_bytes());
  };
  importing::import_driver driver{*engine, *log, options};
  for (std::size_t at = 0; at < csv.size(); at += piece_bytes)
    if (auto pushed = driver.push(csv.substr(at, piece_bytes)); !pushed) return ended(pushed);
  auto answer = driver.finish();
  if (!answer) return ended(answer);
  out.answer = std::move(*answer);
  return out;
}

auto world::sound() const -> outcome<void> {
  const std::scoped_lock lock{mutex_};
  if (gave_up_) return tl::unexpected<trouble>{*gave_up_};
  return {};
}

auto check_chain(const std::string& directory) -> outcome<void> {
  const auto report = store::verify(apps::data_layout{directory}.log, {});
  if (!report) return ended(report);
  if (!report->clean) return void_because("the log does not verify: " + report->problem);
  return {};
}

}  // namespace bestow::measure
