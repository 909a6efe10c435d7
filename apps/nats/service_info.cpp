#include "apps/nats/service_info.hpp"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "apps/http/json_writer.hpp"
#include "apps/nats/command_table.hpp"

namespace bestow::commands {
namespace {

using http::json_writer;

constexpr std::string_view root = "$SRV.";
constexpr std::string_view description =
    "Exactly-once mass grants: commands and reads as over HTTP.";

/// Names of endpoints have no dots.
auto endpoint_name(const command& c) -> std::string {
  auto name = c.name;
  std::replace(name.begin(), name.end(), '.', '-');
  return name;
}

void begin_answer(json_writer& w, std::string_view type, const service_identity& who) {
  w.begin_object()
      .field("type", fmt::format("io.nats.micro.v1.{}_response", type))
      .field("name", service_name)
      .field("id", who.id)
      .field("version", who.version)
      .key("metadata")
      .begin_object()
      .end_object();
}

void begin_endpoint(json_writer& w, const command& c, const service_identity& who) {
  w.begin_object()
      .field("name", endpoint_name(c))
      .field("subject", fmt::format("{}.{}", who.prefix, c.name))
      .field("queue_group", queue_group);
}

auto ping(const service_identity& who) -> std::string {
  json_writer w;
  begin_answer(w, "ping", who);
  w.end_object();
  return w.take();
}

auto info(const service_identity& who) -> std::string {
  json_writer w;
  begin_answer(w, "info", who);
  w.field("description", description).key("endpoints").begin_array();
  for (const auto& c : command_table()) {
    begin_endpoint(w, c, who);
    w.key("metadata").begin_object();
    w.field("summary", c.to->summary);
    w.field("http", fmt::format("{} {}", c.to->method, c.to->pattern));
    w.end_object().end_object();
  }
  w.end_array().end_object();
  return w.take();
}

auto stats_of(const service_identity& who, const std::vector<endpoint_stats>& stats)
    -> std::string {
  json_writer w;
  begin_answer(w, "stats", who);
  w.time("started", who.started).key("endpoints").begin_array();
  for (std::size_t i = 0; i < stats.size(); ++i) {
    const auto f = stats[i].read();
    const auto nanoseconds = static_cast<std::uint64_t>(f.processing.count());
    begin_endpoint(w, command_table()[i], who);
    w.count("num_requests", f.requests)
        .count("num_errors", f.errors)
        .field("last_error", f.last_error)
        .count("processing_time", nanoseconds)
        .count("average_processing_time", f.requests == 0 ? 0 : nanoseconds / f.requests)
        .end_object();
  }
  w.end_array().end_object();
  return w.take();
}

}  // namespace

void endpoint_stats::count(std::chrono::nanoseconds took, const std::string& error) {
  const std::lock_guard lock{mutex_};
  ++all_.requests;
  all_.processing += took;
  if (error.empty()) return;
  ++all_.errors;
  all_.last_error = error;
}

auto endpoint_stats::read() const -> figures {
  const std::lock_guard lock{mutex_};
  return all_;
}

auto service_subjects() -> std::vector<bus::request_subject> {
  const auto all = fmt::format("{}*", root);
  const auto named = fmt::format("{}.{}", all, service_name);
  return {{all, ""}, {named, ""}, {named + ".*", ""}};
}

auto service_answer(std::string_view subject, const service_identity& who,
                    const std::vector<endpoint_stats>& stats) -> std::optional<std::string> {
  if (!subject.starts_with(root)) return std::nullopt;
  auto rest = subject.substr(root.size());
  const auto verb = rest.substr(0, rest.find('.'));
  rest.remove_prefix(verb.size());
  const auto named = fmt::format(".{}", service_name);
  if (!rest.empty() && rest != named && rest != fmt::format("{}.{}", named, who.id))
    return std::nullopt;
  if (verb == "PING") return ping(who);
  if (verb == "INFO") return info(who);
  if (verb == "STATS") return stats_of(who, stats);
  return std::nullopt;
}

}  // namespace bestow::commands
