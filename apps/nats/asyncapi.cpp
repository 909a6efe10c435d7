#include "apps/nats/asyncapi.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "apps/http/schema.hpp"
#include "apps/http/schema_json.hpp"
#include "apps/nats/command_request.hpp"
#include "apps/nats/command_table.hpp"
#include "apps/nats/service_info.hpp"
#include "apps/nats/wire_schemas.hpp"
#include "bus/dead_letter.hpp"
#include "bus/grant_wire.hpp"
#include "events/codec.hpp"

namespace bestow::commands {
namespace {

auto reference(std::string_view path) -> ordered_json {
  return {{"$ref", fmt::format("#/{}", path)}};
}
auto schema_ref(std::string_view name) -> ordered_json {
  return reference(fmt::format("components/schemas/{}", name));
}

/// Collects channels, their messages and operations.
class document {
 public:
  explicit document(const config::settings& s) : settings_{s} {
    http::json_writer w;
    http::write_schemas(w.begin_object());
    schemas_ = ordered_json::parse(w.end_object().str())["schemas"];
    const auto wire = wire_schemas();
    for (const auto& [name, schema] : wire.items()) schemas_[name] = schema;
  }

  /// A stream's subject: Bestow sends or receives `message` there.
  void stream(const std::string& id, const std::string& address, std::string_view action,
              std::string_view message, std::string_view summary, std::string_view stream_name,
              ordered_json headers = nullptr) {
    auto m = ordered_json{{"payload", schema_ref(message)}};
    if (!headers.is_null()) m["headers"] = std::move(headers);
    auto& c = channels_[id];
    c["address"] = address;
    c["description"] = fmt::format("{} JetStream stream {}.", summary, stream_name);
    c["messages"][std::string{message}] = std::move(m);
    if (address.ends_with(".{partition}"))
      c["parameters"]["partition"]["description"] = "Number of the partition, from 0.";
    operations_[id] = {{"action", action},
                       {"channel", reference("channels/" + id)},
                       {"summary", summary}};
  }

  /// A request that Bestow answers.
  void question(const std::string& id, const std::string& address, ordered_json request,
                ordered_json answer, std::string_view summary) {
    auto& c = channels_[id];
    c["address"] = address;
    c["messages"]["request"] = std::move(request);
    const auto reply = id + ".reply";
    channels_[reply] = {{"address", nullptr},
                        {"description", "The reply subject of the request."},
                        {"messages", {{"answer", std::move(answer)}}}};
    operations_[id] = {{"action", "receive"},
                       {"channel", reference("channels/" + id)},
                       {"summary", summary},
                       {"reply", {{"channel", reference("channels/" + reply)}}}};
  }
  auto channel(const std::string& id) -> ordered_json& { return channels_[id]; }
  [[nodiscard]] auto schemas() const -> const ordered_json& { return schemas_; }

  [[nodiscard]] auto text(const std::string& version) const -> std::string {
    ordered_json out;
    out["asyncapi"] = "3.0.0";
    out["info"] = {{"title", "Bestow"},
                   {"version", version},
                   {"description",
                    "Every subject of NATS that Bestow speaks or listens on, under its default "
                    "name; [grants] and [nats] of the configuration change them."}};
    out["defaultContentType"] = "application/json";
    const auto& url = settings_.nats.url;
    const bool embedded = settings_.nats.mode == config::nats_mode::embedded;
    out["servers"]["nats"] = {
        {"host", embedded ? "127.0.0.1" : url.substr(url.find("//") + 2)},
        {"protocol", "nats"},
        {"description", "Mode embedded: port and credentials stand in DATA/nats/client.url. Mode "
                        "external: nats.url."}};
    out["channels"] = channels_;
    out["operations"] = operations_;
    out["components"]["schemas"] = schemas_;
    return out.dump(1) + "\n";
  }

 private:
  const config::settings& settings_;
  ordered_json channels_;
  ordered_json operations_;
  ordered_json schemas_;
};

auto text_headers(std::initializer_list<std::pair<std::string_view, std::string_view>> names)
    -> ordered_json {
  ordered_json out{{"type", "object"}};
  for (const auto& [name, meaning] : names)
    out["properties"][std::string{name}] = {{"type", "string"}, {"description", meaning}};
  return out;
}

auto with_partition(const config::settings& s, const std::string& topic) -> std::string {
  return s.grants.partition_token ? topic + ".{partition}" : topic;
}

void add_grants(document& d, const config::settings& s) {
  const auto& g = s.grants;
  struct kind {
    std::string_view word;
    std::string_view name;
    const std::string& topic;
    const std::string& results;
    const std::string& stream;
  };
  for (const auto& k :
       {kind{"voucher", "Voucher", g.voucher_topic, g.voucher_result_topic, g.voucher_stream},
        kind{"point", "Point", g.point_topic, g.point_result_topic, g.point_stream}}) {
    const std::string id{k.word};
    const std::string name{k.name};
    const auto upper = k.word == "voucher" ? "VOUCHER" : "POINT";
    const auto stem = bus::stem_of(k.topic);
    const auto type = [&](std::string_view what) {
      return text_headers({{"Event-Type", fmt::format("CAMPAIGN_{}_{}", upper, what)}});
    };
    d.stream(id + ".grants", with_partition(s, k.topic), "send", name + "Grant",
             fmt::format("{} grants.", k.name), k.stream, type("PUBLISH"));
    d.stream(id + ".recalls", stem + ".recall.{partition}", "send", name + "Recall",
             fmt::format("{} grants to take back.", k.name), k.stream, type("RECALL"));
    d.stream(id + ".identity", stem + ".log", "send", "StreamIdentity",
             "The first message: whose stream it is.", k.stream);
    d.stream(id + ".results", k.results + ".{partition}", "receive", name + "Result",
             fmt::format("What became of {} grants, and of recalls.", k.word), g.result_stream);
  }
  d.stream("results.dead", std::string{bus::dead_letter_subject}, "send", "DeadLetter",
           "Results that could not be used.", g.dead_stream);
}

void add_facts(document& d, const config::settings& s) {
  for (const auto kind : {aggregate::promotion, aggregate::partition, aggregate::delivery}) {
    auto names = ordered_json::array();
    for (const auto type : all_event_types())
      if (aggregate_of(type) == kind) names.push_back(name_of(type));
    const auto id = fmt::format("facts.{}", name_of(kind));
    d.stream(id, fmt::format("{}.{}.{{event}}", s.grants.event_prefix, name_of(kind)), "send",
             "Fact", fmt::format("Every fact of a {}, in log order.", name_of(kind)),
             s.grants.event_stream);
    d.channel(id)["parameters"]["event"] = {{"enum", std::move(names)},
                                            {"description", "docs/reference/events.md"}};
  }
}

/// Fields of path and query, as they stand in a command's JSON.
auto placed_properties(const http::route& to) -> ordered_json {
  auto out = ordered_json::object();
  const auto fields = fields_of(to);
  for (std::size_t i = 0; i < fields.names.size(); ++i) {
    auto types = ordered_json::array({"string", "integer"});
    if (i >= fields.path_count) types.push_back("boolean");
    out[fields.names[i]] = {{"type", std::move(types)}};
  }
  return out;
}

/// The JSON that a command takes.
auto payload_of(const document& d, const http::route& to) -> ordered_json {
  const auto fields = fields_of(to);
  auto required = ordered_json::array();
  for (std::size_t i = 0; i < fields.path_count; ++i) required.push_back(fields.names[i]);
  ordered_json out{{"type", "object"}, {"properties", placed_properties(to)}};
  if (const auto body = d.schemas().find(to.takes); body != d.schemas().end()) {
    for (const auto& [name, value] : (*body)["properties"].items()) out["properties"][name] = value;
    for (const auto& name : body->value("required", ordered_json::array()))
      required.push_back(name);
  }
  if (takes_rows(to)) {
    out["properties"][std::string{rows_field}] = {
        {"type", "string"}, {"description", "The rows: CSV or NDJSON."}};
    required.push_back(rows_field);
  }
  if (!required.empty()) out["required"] = std::move(required);
  out["additionalProperties"] = false;
  return out;
}

auto headers_of(const http::route& to) -> ordered_json {
  auto out = text_headers({{"Authorization", "Bearer TOKEN"}});
  if (to.method == "GET") return out;
  const auto key = text_headers({{"Idempotency-Key", "Makes a repeat safe."}});
  out["properties"].update(key["properties"]);
  return out;
}

/// The other form of a command that takes rows: they are the payload, and headers say the rest.
auto rows_message(const http::route& to) -> ordered_json {
  auto headers = headers_of(to);
  headers["properties"]["Content-Type"] = {{"enum", {"text/csv", "application/x-ndjson"}}};
  for (const auto& name : fields_of(to).names)
    headers["properties"][header_of(name)] = {{"type", "string"}};
  headers["required"] = ordered_json::array({header_of("promotion_id")});
  return {{"contentType", "text/csv"},
          {"headers", std::move(headers)},
          {"payload", {{"type", "string"}, {"description", "CSV or NDJSON."}}}};
}

auto answer_of(const document& d, const http::route& to) -> ordered_json {
  auto headers = text_headers(
      {{"Bestow-Status", "The status that HTTP would answer."},
       {"Nats-Service-Error", "The problem's code; not when done."},
       {"Nats-Service-Error-Code", "The same number as Bestow-Status; not when done."}});
  const bool known = d.schemas().contains(std::string{to.gives});
  auto done = known ? schema_ref(to.gives) : ordered_json{{"type", "string"}};
  return {{"headers", std::move(headers)},
          {"payload",
           {{"oneOf", ordered_json::array({std::move(done), schema_ref("Problem")})}}}};
}

void add_commands(document& d, const config::settings& s) {
  for (const auto& c : command_table()) {
    const auto id = "command." + c.name;
    d.question(id, fmt::format("{}.{}", s.nats.command_prefix, c.name),
               {{"headers", headers_of(*c.to)}, {"payload", payload_of(d, *c.to)}},
               answer_of(d, *c.to), c.to->summary);
    if (takes_rows(*c.to)) d.channel(id)["messages"]["rows"] = rows_message(*c.to);
  }
}

void add_service(document& d) {
  struct place {
    std::string_view id;
    std::string_view end;
  };
  for (const auto& [verb, schema] :
       {std::pair{"PING", "ServicePing"}, {"INFO", "ServiceInfo"}, {"STATS", "ServiceStats"}}) {
    for (const auto& at : {place{"all", ""}, {"named", ".bestow"}, {"one", ".bestow.{id}"}}) {
      const auto id = fmt::format("service.{}.{}", verb, at.id);
      d.question(id, fmt::format("$SRV.{}{}", verb, at.end),
                 {{"payload", {{"description", "Ignored."}}}}, {{"payload", schema_ref(schema)}},
                 "As NATS micro services answer.");
      if (at.end.ends_with("{id}"))
        d.channel(id)["parameters"]["id"]["description"] = "Of the process, from $SRV.PING.";
    }
  }
}

auto role_name(http::access a) -> std::string_view {
  switch (a) {
    case http::access::open:
      return "anyone";
    case http::access::viewer:
      return "viewer";
    case http::access::operate:
      return "operator";
    case http::access::approver:
      return "approver";
    case http::access::admin:
      return "admin";
  }
  return "";
}

/// `a`, `b` (query: c, d) and what the body's schema adds.
auto field_cell(const http::route& to) -> std::string {
  const auto fields = fields_of(to);
  std::string out;
  const auto add = [&out](std::string_view name, bool must) {
    out += fmt::format("{}`{}`{}", out.empty() ? "" : ", ", name, must ? "" : "?");
  };
  for (std::size_t i = 0; i < fields.names.size(); ++i)
    add(fields.names[i], i < fields.path_count);
  if (takes_rows(to)) add(rows_field, true);
  if (const auto* body = http::find_schema(to.takes))
    for (const auto& f : body->fields)
      add(f.name, std::find(body->required.begin(), body->required.end(), f.name) !=
                      body->required.end());
  return out;
}

}  // namespace

auto asyncapi(const config::settings& settings, const std::string& version) -> std::string {
  document d{settings};
  add_grants(d, settings);
  add_facts(d, settings);
  add_commands(d, settings);
  add_service(d);
  return d.text(version);
}

auto commands_page(const config::settings& settings) -> std::string {
  std::string page =
      "# Commands over NATS\n\n"
      "Request and reply over core NATS. A command's fields are those of its HTTP call: "
      "parameters of\n"
      "the path (`{id}` is `promotion_id`) and of the query stand in the JSON beside the body's "
      "own;\n"
      "`?` marks what may be left out. The [guide](../guides/commands-over-nats.md) says how to "
      "send\n"
      "them, [asyncapi.json](asyncapi.json) describes requests and answers in full. The role is "
      "what\n"
      "the bearer of a token, or `[nats] command_role` without one, needs.\n\n"
      "| subject | fields | role | HTTP | what |\n| --- | --- | --- | --- | --- |\n";
  for (const auto& c : command_table())
    page += fmt::format("| `{}.{}` | {} | {} | `{} {}` | {} |\n", settings.nats.command_prefix,
                        c.name, field_cell(*c.to), role_name(c.to->needs), c.to->method,
                        c.to->pattern, c.to->summary);
  return page;
}

}  // namespace bestow::commands
