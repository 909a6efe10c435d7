// Liveness and readiness. Liveness asks nothing of anyone: a broker that is away must not get the
// process killed.
#include "apps/http/handlers.hpp"
#include "apps/http/json_writer.hpp"

namespace bestow::http {
namespace {

struct check {
  std::string name;
  bool good{true};
  std::string detail;
};

/// Publishing goes on, or will by itself: a broker that is away has a check of its own.
auto delivers(const actors::delivery_status& d) -> bool {
  return !d.state.starts_with("halted") && !d.state.starts_with("full") &&
         d.code != name_of(fault_code::broker_access_refused) &&
         d.code != name_of(fault_code::broker_version_unsupported);
}

/// A view that only a full disk holds up goes on by itself, but not before someone makes room.
auto follows(const projections::view_status& v) -> bool {
  return v.life != projections::view_life::stopped &&
         !v.problem.starts_with(name_of(fault_code::log_full));
}

auto readiness(const http_parts& parts) -> std::vector<check> {
  std::vector<check> checks;
  const auto status = parts.engine->status();
  checks.push_back({"log", status.log_ready,
                    status.log_ready            ? ""
                    : status.log_trouble.empty() ? "not writable"
                                                 : status.log_trouble});
  const bool connected = parts.messages != nullptr && parts.messages->connected();
  checks.push_back(
      {"broker", connected && parts.state->broker_alive.load(), connected ? "" : "not connected"});
  for (const auto& d : status.deliveries)
    checks.push_back({"delivery " + d.stream, delivers(d), d.state});
  for (const auto& v : parts.views->status())
    checks.push_back({"view " + v.name, follows(v),
                      v.life == projections::view_life::stopped ? "stopped" : v.problem});
  for (const auto& host : status.faulted) checks.push_back({host.stream, false, host.why});
  return checks;
}

}  // namespace

auto healthz(const http_parts& parts, const request&) -> answer {
  json_writer w;
  w.begin_object().field("status", "alive").field("version", parts.version).end_object();
  return json_response(w.take());
}

auto readyz(const http_parts& parts, const request&) -> answer {
  const auto checks = readiness(parts);
  bool ready = !parts.state->stopping.load();
  for (const auto& c : checks) ready = ready && c.good;
  json_writer w;
  w.begin_object().field("status", ready ? "ready" : "not_ready").key("checks").begin_array();
  for (const auto& c : checks)
    w.begin_object()
        .field("name", c.name)
        .flag("ok", c.good)
        .text_or_null("detail", c.detail)
        .end_object();
  w.end_array().end_object();
  return json_response(w.take(), ready ? 200 : 503);
}

}  // namespace bestow::http
