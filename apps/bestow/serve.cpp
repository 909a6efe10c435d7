#include "apps/bestow/serve.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "actors/engine.hpp"
#include "actors/results_again.hpp"
#include "apps/bestow/logging.hpp"
#include "apps/bestow/wake.hpp"
#include "apps/http/http_server.hpp"
#include "apps/nats/command_service.hpp"
#include "apps/system/data_layout.hpp"
#include "apps/system/system_clock.hpp"
#include "bus/embedded_server.hpp"
#include "bus/server_probe.hpp"
#include "config/settings.hpp"
#include "events/fault_table.hpp"
#include "events/limits.hpp"
#include "projections/past_views.hpp"
#include "projections/queries.hpp"
#include "store/data_lock.hpp"
#include "store/scratch_views.hpp"

namespace bestow::apps {
namespace {

using cli::exit_code;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

/// Everything that lives while the service runs, in the order it is made; destroyed the other way.
struct service {
  config::settings settings;
  system_clock time;
  system_randomness random;
  http::http_state state;
  std::optional<store::data_lock> lock;
  std::unique_ptr<bus::embedded_server> broker;
  std::unique_ptr<store::event_log> log;
  std::unique_ptr<store::snapshot_store> snapshots;
  std::unique_ptr<store::target_lists> lists;
  std::unique_ptr<store::view_store_factory> view_stores;
  std::unique_ptr<projections::view_set> views;
  std::unique_ptr<projections::queries> answers;
  std::unique_ptr<projections::past_views> past;
  std::unique_ptr<bus::message_bus> messages;
  std::unique_ptr<actors::engine> engine;
  std::unique_ptr<http::http_server> http;
  std::unique_ptr<commands::command_service> commands;
};

auto complain(const fault& f) -> exit_code {
  std::cerr << "error: " << to_string(f) << '\n';
  for (const auto& row : fault_table())
    if (row.code == f.code) std::cerr << "  " << row.remedy << '\n';
  return exit_code::fault;
}

auto load_settings(const cli::serve_options& options,
                   const std::vector<std::pair<std::string, std::string>>& environment)
    -> result<config::settings> {
  config::load_request request;
  request.path = options.config;
  request.environment = environment;
  if (!options.data.empty()) request.overrides.push_back({"data.dir", options.data, "--data"});
  if (!options.listen.empty())
    request.overrides.push_back({"http.listen", options.listen, "--listen"});
  if (options.nats == "embedded") {
    request.overrides.push_back({"nats.mode", "embedded", "--nats"});
  } else if (!options.nats.empty()) {
    request.overrides.push_back({"nats.mode", "external", "--nats"});
    request.overrides.push_back({"nats.url", options.nats, "--nats"});
  }
  auto settings = config::load(request);
  if (settings) settings->data.dir = std::filesystem::absolute(settings->data.dir).string();
  return settings;
}

/// Takes a part that may have failed to open.
template <class T, class Slot>
auto keep(result<T> made, Slot& slot) -> result<void> {
  if (!made) return tl::unexpected(made.error());
  slot = std::move(*made);
  return {};
}

auto make_folders(const data_layout& at) -> result<void> {
  std::error_code left;  // What a killed process was working out; making the folder tells.
  std::filesystem::remove_all(at.scratch, left);
  for (const auto* folder : {&at.log, &at.views, &at.snapshots, &at.lists, &at.unique, &at.rejects,
                             &at.nats, &at.scratch}) {
    std::error_code error;
    std::filesystem::create_directories(*folder, error);
    if (!error) std::filesystem::permissions(*folder, std::filesystem::perms::owner_all, error);
    if (error)
      return fail(fault_code::file_io_failed, "create_directories",
                  *folder + ": " + error.message());
  }
  return {};
}

auto open_stores(service& s, const data_layout& at) -> result<void> {
  store::log_options log;
  log.directory = at.log;
  log.map_bytes = s.settings.data.map_size;
  log.segment_bytes = s.settings.data.segment_size;
  log.segment_monthly = s.settings.data.segment_monthly;
  return keep(store::open_lmdb_log(log, s.random.next()), s.log)
      .and_then([&] { return keep(store::make_file_snapshots(at.snapshots), s.snapshots); })
      .and_then([&] { return keep(store::make_target_lists(at.lists), s.lists); })
      .and_then([&] {
        return keep(store::make_lmdb_view_stores(at.views, s.settings.data.view_map_size),
                    s.view_stores);
      })
      .and_then(
          [&] { return keep(projections::open_views(*s.view_stores, *s.log, *s.lists), s.views); })
      .map([&] {
        s.answers = std::make_unique<projections::queries>(*s.views, *s.log, *s.lists);
        s.past = std::make_unique<projections::past_views>(
            *s.log, *s.lists, [folder = at.scratch, bytes = s.settings.data.view_map_size] {
              return store::make_scratch_view_stores(folder, bytes);
            });
      });
}

auto start_broker(service& s, const data_layout& at) -> result<void> {
  if (s.settings.nats.mode == config::nats_mode::external) return {};
  return keep(bus::start_embedded_server({at.nats, s.settings.nats.server}, s.random), s.broker);
}

/// A broker that is late (both were just booted) is waited for.
auto connect(service& s, wake& events) -> result<void> {
  bus::nats_options options;
  if (s.broker) {
    options = s.broker->client_options();
  } else {
    options.url = s.settings.nats.url;
    options.user = s.settings.nats.user;
    options.password = s.settings.nats.password;
    options.credentials_file = s.settings.nats.credentials;
    options.nkey_file = s.settings.nats.nkey;
    options.tls_ca = s.settings.nats.tls_ca;
    options.tls_cert = s.settings.nats.tls_cert;
    options.tls_key = s.settings.nats.tls_key;
  }
  const auto give_up_at = steady_clock::now() + limits::serve_connect_within;
  for (;;) {
    auto done = keep(bus::connect_nats(options), s.messages);
    if (done || steady_clock::now() > give_up_at || events.stop_wanted()) return done;
    // A refusal is an answer: waiting does not mend it.
    if (done.error().code != fault_code::broker_unavailable) return done;
    spdlog::warn("waiting for the broker: {}", to_string(done.error()));
    events.wait(1'000ms);
  }
}

/// Replicas of an older server can differ without a word.
auto check_replicas(service& s) -> result<void> {
  if (s.settings.nats.replicas == 1) return {};
  const auto version = s.messages->server_version();
  if (!bus::version_less(version, bus::replicated_version_min)) return {};
  return fail(fault_code::broker_version_unsupported, "connect",
              fmt::format("nats.replicas is {} and nats-server is {}: replicated streams need {} or "
                          "newer",
                          s.settings.nats.replicas, version, bus::replicated_version_min));
}

/// Results that came after the backup are acknowledged at the broker and lost in the log: they are
/// read again. The mark goes only when that is certain.
auto follow_restore(service& s, const data_layout& at, wake& events) -> result<void> {
  if (!std::filesystem::exists(at.restored_file)) return {};
  spdlog::warn("this log was restored from a backup: results are read again from their beginning");
  const auto give_up_at = steady_clock::now() + limits::serve_connect_within;
  for (;;) {
    const auto again = actors::read_results_from_start(*s.messages, s.settings.grants);
    if (again) break;
    if (again.error().action != fault_action::retry_later || steady_clock::now() > give_up_at ||
        events.stop_wanted())
      return again;
    events.wait(200ms);
  }
  std::error_code error;
  std::filesystem::remove(at.restored_file, error);
  if (error)
    return fail(fault_code::file_io_failed, "remove", at.restored_file + ": " + error.message());
  return {};
}

auto start_engine(service& s, const data_layout& at, wake& events) -> result<void> {
  actors::engine_parts parts;
  parts.log = s.log.get();
  parts.snapshots = s.snapshots.get();
  parts.lists = s.lists.get();
  parts.views = s.views.get();
  parts.messages = s.messages.get();
  parts.time = &s.time;
  parts.random = &s.random;
  parts.directory = at.unique;
  actors::engine_options options;
  options.grants = s.settings.grants;
  options.delivery.fence = s.settings.nats.fenced();
  options.delivery.stream_max_bytes = s.settings.nats.stream_max_bytes;
  options.delivery.replicas = static_cast<unsigned>(s.settings.nats.replicas);
  options.worker_threads = static_cast<unsigned>(s.settings.process.worker_threads);
  options.on_fatal = [&events](const fault& f) { events.give_up(f); };
  options.on_log_trouble = [](const std::optional<fault>& why) {
    if (why) spdlog::error("the log cannot be written: {}", to_string(*why));
    else spdlog::info("the log is written again");
  };
  return keep(actors::engine::start(parts, std::move(options)), s.engine);
}

auto parts_of(service& s) -> http::http_parts {
  http::http_parts parts;
  parts.engine = s.engine.get();
  parts.answers = s.answers.get();
  parts.views = s.views.get();
  parts.past = s.past.get();
  parts.log = s.log.get();
  parts.lists = s.lists.get();
  parts.messages = s.messages.get();
  parts.time = &s.time;
  parts.settings = &s.settings;
  parts.state = &s.state;
  parts.version = cli::version();
  parts.recent_lines = recent_log_lines;
  return parts;
}

/// HTTP last: when it answers, commands over NATS are answered too.
auto start_edges(service& s) -> result<void> {
  if (s.settings.nats.commands)
    s.commands = commands::command_service::start(parts_of(s), s.random);
  return keep(http::http_server::start(parts_of(s)), s.http);
}

/// In order: the lock before anything is opened, what can be wrong outside before anything is made,
/// the broker's child before any thread exists.
auto start_all(service& s, wake& events) -> result<void> {
  const data_layout at{s.settings.data.dir};
  const bool external = s.settings.nats.mode == config::nats_mode::external;
  return keep(store::data_lock::acquire(at.root), s.lock)
      .and_then([&] { return http::check_listen(s.settings.http.listen); })
      .and_then([&] { return external ? connect(s, events) : result<void>{}; })
      .and_then([&] { return make_folders(at); })
      .and_then([&] { return start_broker(s, at); })
      .and_then([&] { return open_stores(s, at); })
      .and_then([&] { return external ? result<void>{} : connect(s, events); })
      .and_then([&] { return check_replicas(s); })
      .and_then([&] { return follow_restore(s, at, events); })
      .and_then([&] { return start_engine(s, at, events); })
      .and_then([&] { return start_edges(s); });
}

/// Starts the broker's child again when it died, with growing pauses.
class broker_keeper {
 public:
  explicit broker_keeper(service& s) : s_{s} {}

  void look() {
    if (!s_.broker || s_.broker->alive()) {
      pause_ = 100ms;
      return;
    }
    if (s_.state.broker_alive.exchange(false)) spdlog::error("nats-server ended unexpectedly");
    if (steady_clock::now() < next_try_) return;
    if (const auto started = s_.broker->restart(); started) {
      spdlog::info("nats-server runs again");
      s_.state.broker_alive = true;
    } else {
      spdlog::error("nats-server cannot be started: {}", to_string(started.error()));
    }
    next_try_ = steady_clock::now() + pause_;
    pause_ = std::min<std::chrono::milliseconds>(pause_ * 2, 5'000ms);
  }

 private:
  service& s_;
  std::chrono::milliseconds pause_{100};
  steady_clock::time_point next_try_{};
};

void announce(const service& s, const data_layout& at) {
  std::ofstream{at.url_file, std::ios::trunc} << s.http->url() << '\n';
  std::cout << "bestow is ready at " << s.http->url() << std::endl;
}

void stop_all(service& s, const data_layout& at) {
  wake::end_within(
      std::chrono::duration_cast<std::chrono::seconds>(limits::serve_stop_within));
  if (s.http) {  // Else the file may belong to another service, which holds the lock.
    std::error_code ignored;
    std::filesystem::remove(at.url_file, ignored);
    s.http->stop();
  }
  if (s.commands) s.commands->stop();
  if (s.engine) s.engine->stop();
}

/// A start that failed before there was a log leaves nothing behind that it made itself.
void forget_directory(service& s, const data_layout& at) {
  s.broker.reset();  // Its store is in there.
  std::error_code ignored;
  std::filesystem::remove_all(at.root, ignored);
}

}  // namespace

auto serve(const cli::serve_options& options,
           const std::vector<std::pair<std::string, std::string>>& environment) -> cli::exit_code {
  auto settings = load_settings(options, environment);
  if (!settings) return complain(settings.error());
  start_logging(settings->log);
  wake events;
  service s;
  s.settings = std::move(*settings);
  const data_layout at{s.settings.data.dir};
  std::error_code unknown;  // Then it is not ours to remove.
  const bool fresh = !std::filesystem::exists(at.root, unknown) && !unknown;
  if (const auto started = start_all(s, events); !started) {
    stop_all(s, at);
    if (fresh && !s.log) forget_directory(s, at);
    return complain(started.error());
  }
  announce(s, at);
  broker_keeper keeper{s};
  while (!events.stop_wanted() && !events.fatal()) {
    keeper.look();
    events.wait(500ms);
  }
  const auto fatal = events.fatal();
  if (!fatal) spdlog::info("stopping");
  stop_all(s, at);
  return fatal ? complain(*fatal) : exit_code::done;
}

}  // namespace bestow::apps
