// OpenAPI 3.1, generated from the route table and the schema table.
#include <algorithm>

#include <fmt/format.h>

#include "apps/http/handlers.hpp"
#include "apps/http/json_writer.hpp"
#include "apps/http/route.hpp"
#include "apps/http/schema.hpp"
#include "apps/http/schema_json.hpp"

namespace bestow::http {
namespace {

void write_parameter(json_writer& w, std::string_view name, std::string_view in, bool required) {
  w.begin_object()
      .field("name", name)
      .field("in", in)
      .flag("required", required)
      .key("schema")
      .begin_object()
      .field("type", "string")
      .end_object()
      .end_object();
}

void write_parameters(json_writer& w, const route& r) {
  w.key("parameters").begin_array();
  for (const auto& name : param_names(r.pattern)) write_parameter(w, name, "path", true);
  auto rest = r.query;
  while (!rest.empty()) {
    const auto space = rest.find(' ');
    write_parameter(w, rest.substr(0, space), "query", false);
    rest = space == std::string_view::npos ? "" : rest.substr(space + 1);
  }
  if (r.body == body_kind::json_required) write_parameter(w, "Idempotency-Key", "header", false);
  w.end_array();
}

void write_content(json_writer& w, std::string_view what) {
  const auto* known = find_schema(what);
  w.key("content").begin_object().key(known == nullptr ? what : "application/json").begin_object();
  if (known != nullptr) write_ref(w.key("schema"), what);
  w.end_object().end_object();
}

void write_operation(json_writer& w, const route& r) {
  w.begin_object().field("summary", r.summary);
  write_parameters(w, r);
  if (r.body != body_kind::none) {
    w.key("requestBody").begin_object();
    const bool optional = r.body == body_kind::json;
    w.flag("required", !optional);
    write_content(w, r.takes);
    w.end_object();
  }
  if (r.needs == access::open) w.key("security").begin_array().end_array();
  w.key("responses").begin_object().key("200").begin_object().field("description", "Done.");
  write_content(w, r.gives);
  w.end_object().key("default").begin_object().field("description", "Refused or failed.");
  w.key("content").begin_object().key("application/problem+json").begin_object();
  write_ref(w.key("schema"), "Problem");
  w.end_object().end_object().end_object().end_object().end_object();
}

void write_paths(json_writer& w) {
  w.key("paths").begin_object();
  std::vector<std::string_view> done;
  for (const auto& r : route_table()) {
    if (std::find(done.begin(), done.end(), r.pattern) != done.end()) continue;
    done.push_back(r.pattern);
    w.key(r.pattern).begin_object();
    for (const auto& same : route_table()) {
      if (same.pattern != r.pattern) continue;
      std::string method{same.method};
      for (auto& c : method) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      write_operation(w.key(method), same);
    }
    w.end_object();
  }
  w.end_object();
}

}  // namespace

auto openapi(const http_parts& parts, const request&) -> answer {
  json_writer w;
  w.begin_object().field("openapi", "3.1.0").key("info").begin_object();
  w.field("title", "Bestow").field("version", parts.version);
  w.field("description", "Exactly-once mass grants with a provable log.").end_object();
  w.key("security").begin_array().begin_object().key("token").begin_array().end_array();
  w.end_object().begin_object().end_object().end_array();
  write_paths(w);
  w.key("components").begin_object();
  write_schemas(w);
  w.key("securitySchemes").begin_object().key("token").begin_object();
  w.field("type", "http").field("scheme", "bearer").end_object().end_object();
  w.end_object().end_object();
  return json_response(w.take());
}

}  // namespace bestow::http
