// bestow doctor: what is wrong on this machine, and what to do about it.
#include <sys/stat.h>
#include <unistd.h>
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/system/command_output.hpp"
#include "apps/system/data_layout.hpp"
#include "bus/server_probe.hpp"
#include "config/settings.hpp"
#include "store/data_lock.hpp"

namespace bestow::cli {
namespace {

using nlohmann::ordered_json;
using namespace std::chrono_literals;

enum class verdict { ok, warn, fail };
struct finding {
  std::string check;
  verdict v{verdict::ok};
  std::string detail;
};
auto word_of(verdict v) -> std::string_view {
  switch (v) {
    case verdict::ok:
      return "ok";
    case verdict::warn:
      return "warn";
    case verdict::fail:
      return "fail";
  }
  return "";
}

auto check_directory(const config::settings& s) -> std::vector<finding> {
  const auto& dir = s.data.dir;
  std::error_code error;
  if (!std::filesystem::exists(dir, error))
    return {{"data directory", verdict::ok, dir + " does not exist yet; serve makes it"}};
  struct stat info {};
  std::vector<finding> found;
  if (stat(dir.c_str(), &info) != 0 || access(dir.c_str(), R_OK | W_OK | X_OK) != 0)
    return {{"data directory", verdict::fail, dir + " cannot be read and written by this user"}};
  const bool open = (info.st_mode & 077U) != 0;
  found.push_back(
      {"data directory", open ? verdict::warn : verdict::ok,
       open ? fmt::format("other users can look into {}: chmod 700 {}", dir, dir) : dir});
  constexpr std::uint64_t enough_bytes = 2ULL << 30U;
  const auto space = std::filesystem::space(dir, error);
  const auto free = error ? 0 : space.available;
  found.push_back({"disk space", free < enough_bytes ? verdict::warn : verdict::ok,
                   fmt::format("{:.1f} GiB free{}", static_cast<double>(free) / (1ULL << 30U),
                               free < enough_bytes ? ": ten million targets need about 2" : "")});
  const auto lock = store::data_lock::acquire(dir);
  const bool running = !lock && lock.error().code == fault_code::log_locked;
  found.push_back({"lock", lock || running ? verdict::ok : verdict::fail,
                   running ? "a service runs on this directory"
                   : lock  ? "free: no service runs on this directory"
                           : to_string(lock.error())});
  return found;
}

auto version_number(const std::string& text) -> std::vector<int> {
  std::vector<int> parts;
  const auto start = text.find_first_of("0123456789");
  if (start == std::string::npos) return parts;
  std::size_t at = start;
  while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0) {
    std::size_t used = 0;
    parts.push_back(std::stoi(text.substr(at, 6), &used));
    at += used + 1;
    if (at > text.size() || text[at - 1] != '.') break;
  }
  return parts;
}

auto check_broker(const config::settings& s) -> finding {
  if (s.nats.mode == config::nats_mode::embedded) {
    auto version = apps::command_output({s.nats.server, "--version"}, 5s);
    if (!version) version = apps::command_output({"/usr/sbin/" + s.nats.server, "--version"}, 5s);
    if (!version)
      return {"nats-server", verdict::fail,
              s.nats.server + " cannot be run: apt install nats-server, or set [nats] server"};
    while (!version->empty() && version->back() == '\n') version->pop_back();
    const bool good = version_number(*version) >= std::vector<int>{2, 9, 10};
    return {"nats-server", good ? verdict::ok : verdict::warn,
            *version + (good ? "" : ": older than 2.9.10, which is the oldest one tried")};
  }
  const auto greeting = bus::read_greeting(bus::address_of(s.nats.url), 3s);
  if (!greeting)
    return {"NATS", verdict::fail,
            to_string(greeting.error()) + ": check [nats] url and the server"};
  if (!greeting->jetstream)
    return {"NATS", verdict::fail,
            "version " + greeting->version + " without JetStream: enable it"};
  return {"NATS", verdict::ok, "version " + greeting->version + " with JetStream"};
}

void check_server(const context& ctx, std::vector<finding>& found) {
  api_client api{ctx};
  const auto alive = api.get("/healthz");
  if (!alive.good()) {
    found.push_back({"service", verdict::warn,
                     fmt::format("{} does not answer: start it with `bestow serve`, or set --url",
                                 ctx.global.url)});
    return;
  }
  const auto health = ordered_json::parse(alive.body, nullptr, false);
  found.push_back(
      {"service", verdict::ok,
       fmt::format("{} answers, version {}", ctx.global.url, health.value("version", "?"))});
  const auto ready = ordered_json::parse(api.get("/readyz").body, nullptr, false);
  if (!ready.is_object() || !ready.contains("checks")) return;
  for (const auto& c : ready["checks"]) {
    const bool good = c.value("ok", false);
    found.push_back({c.value("name", ""), good ? verdict::ok : verdict::fail,
                     cell_text(c.value("detail", ordered_json{}))});
  }
}

auto examine(const context& ctx, const std::string& file, const std::string& data)
    -> std::vector<finding> {
  config::load_request request;
  request.path = file.empty() ? ctx.variable("BESTOW_CONFIG") : file;
  request.environment = ctx.with.environment;
  if (!data.empty()) request.overrides.push_back({"data.dir", data, "--data"});
  const auto settings = config::load(request);
  const bool told = !request.path.empty() || !data.empty() ||
                    !ctx.variable("BESTOW_DATA_DIR").empty();
  std::vector<finding> found;
  if (!settings) {
    found.push_back({"configuration", verdict::fail, settings.error().detail});
  } else {
    found.push_back(
        {"configuration", verdict::ok, request.path.empty() ? "defaults" : request.path});
    // The default directory says nothing about a service that runs elsewhere.
    if (std::error_code error; !told && !std::filesystem::exists(settings->data.dir, error))
      found.push_back({"data directory", verdict::ok,
                       "not looked at: say which with -c FILE or --data DIR"});
    else
      for (auto& f : check_directory(*settings)) found.push_back(std::move(f));
    found.push_back(check_broker(*settings));
  }
  check_server(ctx, found);
  return found;
}

void print(const context& ctx, const std::vector<finding>& found) {
  auto rows = ordered_json::array();
  for (const auto& f : found)
    rows.push_back({{"result", word_of(f.v)}, {"check", f.check}, {"detail", f.detail}});
  if (ctx.output() == output_kind::json)
    ctx.with.out << ordered_json{{"checks", rows}}.dump() << '\n';
  else
    print_rows(ctx, rows,
               {{"result", "", false}, {"check", "CHECK", false}, {"detail", "DETAIL", false}});
}

}  // namespace

void add_doctor(CLI::App& app, context& ctx) {
  auto* c = app.add_subcommand("doctor", "Check configuration, directory, broker and service");
  auto file = std::make_shared<std::string>();
  auto data = std::make_shared<std::string>();
  c->add_option("-c,--config", *file, "Configuration file (BESTOW_CONFIG)");
  c->add_option("--data", *data, "Data directory");
  c->callback([&ctx, file, data] {
    ctx.action = [&ctx, file, data] {
      const auto found = examine(ctx, *file, *data);
      print(ctx, found);
      for (const auto& f : found)
        if (f.v == verdict::fail) return exit_code::fault;
      return exit_code::done;
    };
  });
}

}  // namespace bestow::cli
