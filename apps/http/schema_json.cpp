#include "apps/http/schema_json.hpp"

#include <fmt/format.h>

#include "apps/http/schema.hpp"

namespace bestow::http {
namespace {

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

}  // namespace

void write_ref(json_writer& w, std::string_view name) {
  w.begin_object().field("$ref", fmt::format("#/components/schemas/{}", name)).end_object();
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

}  // namespace bestow::http
