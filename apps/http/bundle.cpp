// What a bug report needs of a running service, and nothing of its customers.
#include "apps/http/handlers.hpp"
#include "apps/http/json_writer.hpp"
#include "events/limits.hpp"

namespace bestow::http {
namespace {

/// nats://user:password@host is shown as nats://***@host, each of a list. Whatever stands between a
/// scheme and the last @ before the next one is hidden, so that no way of writing a list shows one.
auto without_credentials(const std::string& text) -> std::string {
  constexpr std::string_view mark = "://";
  std::string out;
  for (std::size_t from = 0;;) {
    const auto scheme = text.find(mark, from);
    if (scheme == std::string::npos) return out + text.substr(from);
    const auto begin = scheme + mark.size();
    const auto next = text.find(mark, begin);
    out += text.substr(from, begin - from);
    const auto part = std::string_view{text}.substr(0, next).substr(begin);
    const auto at = part.rfind('@');
    if (at != std::string_view::npos) out += "***";
    from = at == std::string_view::npos ? begin : begin + at;
  }
}

void write_settings(json_writer& w, const config::settings& settings) {
  w.key("settings").begin_object();
  for (const auto& row : config::key_table()) {
    const auto value = config::value_of(settings, row.section, row.name);
    const auto empty = value.empty() || value == "\"\"" || value == "[]";
    const auto shown = row.secret && !empty ? std::string{"(set, not shown)"}
                                            : without_credentials(value);
    w.field(row.section + "." + row.name, shown);
  }
  w.end_object();
}

void write_limits(json_writer& w) {
  w.key("limits").begin_object();
  for (const auto& row : limits::limits_table()) w.count(row.name, row.value);
  w.end_object();
}

/// Streams as the broker has them, with the consumers that were given messages.
void write_broker(json_writer& w, const http_parts& parts) {
  const auto& g = parts.settings->grants;
  w.key("broker").begin_object();
  w.flag("connected", parts.messages != nullptr && parts.messages->connected());
  w.field("server_version", parts.messages != nullptr ? parts.messages->server_version() : "");
  w.count("max_payload", parts.messages != nullptr ? parts.messages->max_payload() : 0);
  w.key("streams").begin_array();
  for (const auto& name : {g.voucher_stream, g.point_stream, g.result_stream, g.dead_stream,
                           g.event_stream}) {
    if (parts.messages == nullptr || !parts.messages->connected()) break;
    w.begin_object().field("name", name);
    if (const auto state = parts.messages->state_of(name)) {
      w.count("first_seq", state->first_seq)
          .count("last_seq", state->last_seq)
          .count("messages", state->messages);
      w.key("consumers").begin_array();
      if (const auto consumers = parts.messages->consumers_beyond(name, 0))
        for (const auto& consumer : *consumers) w.text(consumer);
      w.end_array();
    } else {
      w.field("fault", bestow::name_of(state.error().code));
    }
    w.end_object();
  }
  w.end_array().end_object();
}

void write_lines(json_writer& w, const http_parts& parts) {
  w.key("log_lines").begin_array();
  if (parts.recent_lines)
    for (const auto& line : parts.recent_lines()) w.text(line);
  w.end_array();
}

/// Another route's answer as it is; null when it has none.
void write_answer(json_writer& w, std::string_view name, const answer& of) {
  w.key(name);
  if (of)
    w.raw(of->body);
  else
    w.raw(to_json(of.error()));
}

}  // namespace

auto debug_bundle(const http_parts& parts, const request& in) -> answer {
  json_writer w;
  w.begin_object().field("version", parts.version).time("made_at", parts.time->wall());
  write_settings(w, *parts.settings);
  write_answer(w, "health", readyz(parts, in));
  write_answer(w, "log", stat_log(parts, in));
  write_answer(w, "views", list_views(parts, in));
  write_answer(w, "deliveries", list_streams(parts, in));
  write_broker(w, parts);
  if (const auto figures = metrics(parts, in)) w.field("metrics", figures->body);
  write_limits(w);
  write_lines(w, parts);
  w.end_object();
  return json_response(w.take());
}

}  // namespace bestow::http
