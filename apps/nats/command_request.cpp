#include "apps/nats/command_request.hpp"

#include <algorithm>
#include <cctype>
#include <functional>
#include <optional>

#include <fmt/format.h>

#include "apps/http/flat_json.hpp"
#include "apps/http/header_fields.hpp"
#include "apps/http/input.hpp"
#include "apps/http/json_writer.hpp"
#include "config/suggest.hpp"
#include "events/limits.hpp"

namespace bestow::commands {
namespace {

using http::json_field;
using http::json_kind;
using http::problem;
using http::problem_of;
using http::request_error;

/// As a segment of a path: everything but letters, digits and -._~ as %XX.
auto encoded(std::string_view text) -> std::string {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_' || c == '~')
      out += c;
    else
      out += fmt::format("%{:02X}", byte);
  }
  return out;
}

/// Value of a field that goes into path or query. nullopt: it is not given.
using field_lookup = std::function<tl::expected<std::optional<std::string>, problem>(
    std::string_view name)>;

auto missing(std::string_view field) -> problem {
  return problem_of(request_error::field_required, fmt::format("{} is missing", field),
                    std::string{field});
}

/// Path and query of the route, from wherever the fields stand.
auto place(http::request& out, const http::route& to, const field_lookup& value_of)
    -> std::optional<problem> {
  const auto fields = fields_of(to);
  const auto parameters = http::param_names(to.pattern);
  std::string path{to.pattern};
  for (std::size_t i = 0; i < fields.names.size(); ++i) {
    const auto& name = fields.names[i];
    auto value = value_of(name);
    if (!value) return std::move(value.error());
    const bool in_path = i < fields.path_count;
    if (in_path && (!*value || (*value)->empty())) return missing(name);
    if (!*value) continue;
    if (!in_path) {
      out.query.emplace_back(name, std::move(**value));
      continue;
    }
    const auto hole = "{" + parameters[i] + "}";
    path.replace(path.find(hole), hole.size(), encoded(**value));
  }
  out.path = std::move(path);
  return std::nullopt;
}

auto wrong_type(std::string_view name, std::string_view what) -> problem {
  return problem_of(request_error::field_wrong_type,
                    fmt::format("{} is {}; it wants one text or number", name, what),
                    std::string{name});
}

/// A scalar as the text it stands as; true and false as parameters of a query say them.
auto scalar(const http::flat_object& fields, std::string_view name)
    -> tl::expected<std::optional<std::string>, problem> {
  for (const auto& f : fields) {
    if (f.name != name || f.kind == json_kind::null) continue;
    if (f.kind == json_kind::list) return tl::unexpected(wrong_type(name, "a list"));
    if (f.kind == json_kind::boolean) return f.text == "true" ? "1" : "0";
    return f.text;
  }
  return std::nullopt;
}

/// `true` is no id, though a query would take it for 1.
auto boolean_in_path(const http::flat_object& fields, const http::route& to)
    -> std::optional<problem> {
  const auto placed = fields_of(to);
  for (const auto& f : fields) {
    const auto end = placed.names.begin() + static_cast<std::ptrdiff_t>(placed.path_count);
    if (f.kind == json_kind::boolean && std::find(placed.names.begin(), end, f.name) != end)
      return wrong_type(f.name, f.text);
  }
  return std::nullopt;
}

void write_value(http::json_writer& w, const json_field& f) {
  switch (f.kind) {
    case json_kind::text:
      w.text(f.text);
      return;
    case json_kind::integer:
    case json_kind::fraction:
    case json_kind::boolean:
      w.raw(f.text);
      return;
    case json_kind::null:
      w.null();
      return;
    case json_kind::list:
      w.begin_array();
      for (const auto& item : f.items) w.text(item);
      w.end_array();
      return;
  }
}

/// The fields that are the route's body: what is left of path and query.
auto body_of(const http::flat_object& fields, const std::vector<std::string>& placed)
    -> std::string {
  http::json_writer w;
  w.begin_object();
  for (const auto& f : fields)
    if (std::find(placed.begin(), placed.end(), f.name) == placed.end())
      write_value(w.key(f.name), f);
  w.end_object();
  return w.take();
}

/// A route without a JSON body takes the fields of path and query, and rows, and no others.
auto unknown_field(const http::flat_object& fields, const http::route& to)
    -> std::optional<problem> {
  auto allowed = fields_of(to).names;
  if (takes_rows(to)) allowed.emplace_back(rows_field);
  for (const auto& f : fields) {
    if (std::find(allowed.begin(), allowed.end(), f.name) != allowed.end()) continue;
    const auto name = http::shown(f.name);
    return problem_of(
        request_error::field_unknown,
        allowed.empty() ? fmt::format("unknown field '{}'; this command takes none", name)
                        : fmt::format("unknown field '{}'.{} Allowed: {}", name,
                                      config::did_you_mean(name, allowed),
                                      fmt::join(allowed, ", ")),
        name);
  }
  return std::nullopt;
}

void set_body(http::request& out, std::string body) {
  out.has_body = !body.empty();
  out.read_body = [text = std::move(body)](const http::body_sink& put) { return put(text); };
}

/// Rows as the payload; everything else in headers.
auto fill_from_headers(http::request& out, const http::route& to,
                       const bus::request_message& message) -> std::optional<problem> {
  if (const auto type = http::field_value(message.headers, "Content-Type"); !type.empty())
    out.headers.emplace_back("Content-Type", type);
  set_body(out, message.payload);
  return place(out, to, [&](std::string_view field)
                   -> tl::expected<std::optional<std::string>, problem> {
    const auto value = http::field_value(message.headers, header_of(field));
    if (value.empty()) return std::nullopt;
    return std::string{value};
  });
}

auto fill_from_json(http::request& out, const http::http_parts& parts, const http::route& to,
                    const std::string& payload) -> std::optional<problem> {
  const auto most = parts.settings->http.body_max;
  if (!takes_rows(to) && payload.size() > most)
    return problem_of(request_error::body_too_large, fmt::format("at most {} bytes", most));
  const bool blank = std::all_of(payload.begin(), payload.end(),
                                 [](unsigned char c) { return std::isspace(c) != 0; });
  http::flat_object fields;
  if (!blank) {
    auto parsed = http::parse_flat_json(payload);
    if (!parsed) return std::move(parsed.error());
    fields = std::move(*parsed);
  }
  if (auto flag = boolean_in_path(fields, to)) return flag;
  auto p = place(out, to, [&](std::string_view name) { return scalar(fields, name); });
  if (p) return p;
  const bool json = to.body == http::body_kind::json || to.body == http::body_kind::json_required;
  if (!json)
    if (auto unknown = unknown_field(fields, to)) return unknown;
  if (takes_rows(to)) {
    auto rows = scalar(fields, rows_field);
    if (!rows) return std::move(rows.error());
    if (!*rows) return missing(rows_field);
    set_body(out, std::move(**rows));
  } else if (json && !blank) {
    out.headers.emplace_back("Content-Type", "application/json");
    set_body(out, body_of(fields, fields_of(to).names));
  }
  return std::nullopt;
}

/// The request without path, query and body: enough to know the sender.
auto begin_request(const http::http_parts& parts, const http::route& to,
                   const bus::request_message& message) -> http::request {
  http::request out;
  out.method = to.method;
  out.path = to.pattern;
  out.without_token = parts.settings->nats.role;
  for (const auto* name : {"Authorization", "Idempotency-Key"})
    if (const auto value = http::field_value(message.headers, name); !value.empty())
      out.headers.emplace_back(name, value);
  set_body(out, "");
  return out;
}

/// Reads a streamed answer whole; one that grows beyond `bytes_max` is left where it is.
void gather(http::response& answer, std::size_t bytes_max) {
  const auto next = std::move(answer.stream);
  answer.stream = nullptr;
  const http::body_sink put = [&](std::string_view piece) {
    answer.body += piece;
    return answer.body.size() <= bytes_max;
  };
  while (answer.body.size() <= bytes_max && next(put)) {
  }
}

}  // namespace

auto answer_command(const http::http_parts& parts, const command& what,
                    const bus::request_message& message) -> http::response {
  // A header that was not read could be the one that names the sender.
  if (message.headers.size() > limits::command_headers_max)
    return http::problem_response(
        problem_of(request_error::header_too_large,
                   fmt::format("more than {} headers", limits::command_headers_max)));
  auto in = begin_request(parts, *what.to, message);
  // The sender before the fields: whoever may not ask learns nothing of what was wrong with it. The
  // pattern is a path of its own route.
  if (auto early = http::refuse_early(parts, in)) return http::problem_response(*early);
  const bool by_headers = takes_rows(*what.to) &&
                          !http::field_value(message.headers, header_of("promotion_id")).empty();
  auto wrong = by_headers ? fill_from_headers(in, *what.to, message)
                          : fill_from_json(in, parts, *what.to, message.payload);
  if (wrong) return http::problem_response(*wrong);
  return http::answer_request(parts, in);
}

auto unknown_command(std::string_view name) -> http::response {
  std::vector<std::string> all;
  for (const auto& c : command_table()) all.push_back(c.name);
  const auto said = http::shown(name);
  return http::problem_response(
      problem_of(request_error::command_unknown,
                 fmt::format("there is no command '{}'.{}", said,
                             config::did_you_mean(said, all))));
}

auto overloaded() -> http::response {
  // Made once: making it leaves a line in the program's log.
  static const auto made = http::problem_response(problem_of(fault{
      fault_code::overloaded, action_for(fault_code::overloaded), "command", "the queue is full"}));
  return made;
}

auto reply_of(http::response answer, std::size_t bytes_max) -> bus::reply_message {
  if (answer.stream) gather(answer, bytes_max);
  if (answer.body.size() > bytes_max)
    answer = http::problem_response(
        problem_of(request_error::answer_too_large, fmt::format("at most {} bytes", bytes_max)));
  bus::reply_message out;
  out.headers.emplace_back("Bestow-Status", fmt::to_string(answer.status));
  out.headers.emplace_back("Content-Type", answer.content_type);
  if (!answer.code.empty()) {
    out.headers.emplace_back("Nats-Service-Error", answer.code);
    out.headers.emplace_back("Nats-Service-Error-Code", fmt::to_string(answer.status));
  }
  for (auto& [name, value] : answer.headers)
    if (name == "Location" || name == "Retry-After") out.headers.emplace_back(name, value);
  out.payload = std::move(answer.body);
  return out;
}

}  // namespace bestow::commands
