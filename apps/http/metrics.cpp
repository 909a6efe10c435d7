// Prometheus metrics: figures are taken at the scrape, from the engine, the views and the log.
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "apps/http/handlers.hpp"

namespace bestow::http {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

using labels = std::vector<std::pair<std::string, std::string>>;

/// Collects families; values of one family are added one after the other.
class family_list {
 public:
  void start(MetricType type, std::string name, std::string help) {
    MetricFamily f;
    f.name = std::move(name);
    f.help = std::move(help);
    f.type = type;
    families_.push_back(std::move(f));
  }
  void add(std::uint64_t value, const labels& with = {}) {
    ClientMetric m;
    for (const auto& [name, text] : with) m.label.push_back({name, text});
    m.counter.value = static_cast<double>(value);
    m.gauge.value = static_cast<double>(value);
    families_.back().metric.push_back(std::move(m));
  }
  void one(MetricType type, std::string name, std::string help, std::uint64_t value) {
    start(type, std::move(name), std::move(help));
    add(value);
  }
  [[nodiscard]] auto text() const -> std::string {
    return prometheus::TextSerializer{}.Serialize(families_);
  }

 private:
  std::vector<MetricFamily> families_;
};

void add_engine(family_list& f, const actors::engine_status& s) {
  f.one(MetricType::Gauge, "bestow_log_position", "Position of the log's last event.",
        s.head.value);
  f.one(MetricType::Gauge, "bestow_log_ready", "1 when the log can be appended to.",
        s.log_ready ? 1 : 0);
  f.one(MetricType::Counter, "bestow_log_appends_total", "Appends made durable.", s.appends);
  f.one(MetricType::Counter, "bestow_log_commits_total", "Group commits, one fsync each.",
        s.commits);
  f.one(MetricType::Counter, "bestow_actor_restarts_total", "Actors restarted after a fault.",
        s.restarts);
  f.one(MetricType::Gauge, "bestow_promotions_live", "Promotions with a live actor.",
        s.live_promotions);
  f.one(MetricType::Counter, "bestow_results_received_total", "Results taken in.",
        s.results_received);
  f.one(MetricType::Counter, "bestow_results_dead_total", "Results put aside as unusable.",
        s.results_dead);
  f.one(MetricType::Gauge, "bestow_hosts_faulted",
        "Promotions and partitions that cannot be started: their facts or list cannot be read.",
        s.hosts_faulted);
  f.start(MetricType::Gauge, "bestow_delivery_planned_seq", "Last stream sequence the log plans.");
  for (const auto& d : s.deliveries) f.add(d.planned_seq, {{"stream", d.stream}});
  f.start(MetricType::Gauge, "bestow_delivery_acked_seq",
          "Last stream sequence JetStream confirmed.");
  for (const auto& d : s.deliveries) f.add(d.acked_seq, {{"stream", d.stream}});
  f.start(MetricType::Gauge, "bestow_delivery_halted", "1 when publishing waits for an operator.");
  for (const auto& d : s.deliveries)
    f.add(d.state.starts_with("halted") ? 1 : 0, {{"stream", d.stream}});
  f.start(MetricType::Gauge, "bestow_delivery_full", "1 when the stream takes no message.");
  for (const auto& d : s.deliveries)
    f.add(d.state.starts_with("full") ? 1 : 0, {{"stream", d.stream}});
  f.start(MetricType::Gauge, "bestow_delivery_trouble",
          "1 with the fault's name as code, 0 without a code when all is well.");
  for (const auto& d : s.deliveries)
    f.add(d.code.empty() ? 0 : 1, {{"stream", d.stream}, {"code", d.code}});
  f.start(MetricType::Gauge, "bestow_delivery_generation", "Generation of the stream.");
  for (const auto& d : s.deliveries) f.add(d.generation, {{"stream", d.stream}});
  f.start(MetricType::Counter, "bestow_delivery_republished_total",
          "Messages sent again because the broker had lost them.");
  for (const auto& d : s.deliveries) f.add(d.republished, {{"stream", d.stream}});
}

void add_views(family_list& f, const projections::view_set& views) {
  const auto status = views.status();
  f.start(MetricType::Gauge, "bestow_view_lag_events", "Events between a view and the log's head.");
  for (const auto& v : status) f.add(v.lag, {{"view", v.name}});
  f.start(MetricType::Gauge, "bestow_view_position", "Log position a view has reached.");
  for (const auto& v : status) f.add(v.at.value, {{"view", v.name}});
  f.start(MetricType::Gauge, "bestow_view_stopped", "1 when a view stopped at an event.");
  for (const auto& v : status)
    f.add(v.life == projections::view_life::stopped ? 1 : 0, {{"view", v.name}});
}

void add_log(family_list& f, const store::event_log& log) {
  const auto stat = store::stat_of(log);
  if (!stat) return;
  f.one(MetricType::Gauge, "bestow_log_file_bytes", "Size of the log's files.", stat->file_bytes);
  f.one(MetricType::Gauge, "bestow_log_segments", "Files of the log; all but one are sealed.",
        stat->segments);
  f.one(MetricType::Gauge, "bestow_log_active_bytes",
        "Size of the log's last file; its map is full at bestow_log_map_bytes.",
        stat->active_bytes);
  f.one(MetricType::Gauge, "bestow_log_map_bytes", "Address space reserved for the log's last file.",
        stat->map_bytes);
  f.one(MetricType::Gauge, "bestow_log_readers", "Open read transactions on the log.",
        stat->readers);
  f.one(MetricType::Gauge, "bestow_log_oldest_reader_lag",
        "Transactions the oldest reader is behind.", stat->oldest_reader_lag);
}

void add_http(family_list& f, const http_state& s) {
  f.one(MetricType::Counter, "bestow_http_requests_total", "Requests answered.", s.requests.load());
  f.one(MetricType::Counter, "bestow_http_refused_total", "Requests answered 4xx.",
        s.refused.load());
  f.one(MetricType::Counter, "bestow_http_failed_total", "Requests answered 5xx.", s.failed.load());
  f.one(MetricType::Gauge, "bestow_http_stream_viewers", "Viewers of the event stream.",
        s.viewers.load());
  f.one(MetricType::Counter, "bestow_import_bytes_total", "Bytes of import bodies received.",
        s.imported_bytes.load());
}

void add_commands(family_list& f, const command_counters& c) {
  f.one(MetricType::Counter, "bestow_nats_commands_total", "Commands over NATS answered.",
        c.requests.load());
  f.one(MetricType::Counter, "bestow_nats_commands_refused_total",
        "Commands over NATS answered 4xx.", c.refused.load());
  f.one(MetricType::Counter, "bestow_nats_commands_failed_total",
        "Commands over NATS answered 5xx.", c.failed.load());
  f.one(MetricType::Counter, "bestow_nats_commands_overloaded_total",
        "Of those: turned away without being looked at.", c.overloaded.load());
  f.one(MetricType::Counter, "bestow_nats_commands_ignored_total",
        "Messages without a reply subject below _INBOX: not executed.", c.ignored.load());
}

}  // namespace

auto metrics(const http_parts& parts, const request&) -> answer {
  family_list f;
  f.start(MetricType::Gauge, "bestow_build_info", "Always 1; the version is a label.");
  f.add(1, {{"version", parts.version}});
  add_engine(f, parts.engine->status());
  add_views(f, *parts.views);
  add_log(f, *parts.log);
  const bool connected = parts.messages != nullptr && parts.messages->connected();
  f.one(MetricType::Gauge, "bestow_broker_connected", "1 when NATS is connected.",
        connected ? 1 : 0);
  add_http(f, *parts.state);
  add_commands(f, parts.state->commands);
  response out;
  out.content_type = "text/plain; version=0.0.4; charset=utf-8";
  out.body = f.text();
  return out;
}

}  // namespace bestow::http
