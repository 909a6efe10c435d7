// OpenAPI 3.1, generated from the route table and the schema table.
#include <algorithm>

#include <fmt/format.h>

#include "apps/http/handlers.hpp"
#include "apps/http/json_writer.hpp"
#include "apps/http/route.hpp"
#include "apps/http/schema.hpp"

namespace bestow::http {
namespace {

void write_ref(json_writer& w, std::string_view name) {
  w.begin_object().field("$ref", fmt::format("#/components/schemas/{}", name)).end_object();
}

auto json_type(shape s) -> std::string_view {
  switch (s) {
    case shape::count:
      return "integer";
    case shape::flag:
      return "boolean";
    case shape::object:
      return "object";
    case shape::list:
    case shape::ids:
      return "array";
    case shape::id:
    case shape::money:
    case shape::text:
    case shape::time:
    case shape::date:
      return "string";
  }
  return "string";
}

/// In bodies ids, money and counts may be text or integers; in answers each has one type.
void write_field_schema(json_writer& w, const schema_field& f, bool body) {
  const bool number = f.type == shape::id || f.type == shape::money || f.type == shape::count;
  if (f.type == shape::object && !f.of.empty()) {
    write_ref(w, f.of);
    return;
  }
  w.begin_object().key("type").begin_array().text(json_type(f.type));
  if (body && number) w.text(f.type == shape::count ? "string" : "integer");
  if (f.nullable) w.text("null");
  w.end_array();
  if (f.type == shape::id || f.type == shape::money) w.field("pattern", "^[0-9]+$");
  if (f.type == shape::count) w.count("minimum", 0);
  if (f.type == shape::time) w.field("format", "date-time");
  if (f.type == shape::list) write_ref(w.key("items"), f.of);
  if (f.type == shape::ids) {
    w.key("items").begin_object().key("type").begin_array();
    w.text("string").text("integer").end_array().end_object();
  }
  if (!f.meaning.empty()) w.field("description", f.meaning);
  w.end_object();
}

void write_schemas(json_writer& w) {
  w.key("schemas").begin_object();
  for (const auto& s : schema_table()) {
    w.key(s.name).begin_object().field("type", "object").key("properties").begin_object();
    for (const auto& f : s.fields) write_field_schema(w.key(f.name), f, s.body);
    w.end_object();
    if (!s.required.empty()) {
      w.key("required").begin_array();
      for (const auto name : s.required) w.text(name);
      w.end_array();
    }
    if (s.body) w.flag("additionalProperties", false);
    w.end_object();
  }
  w.end_object();
}

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
