// Views: where they stand, and their rebuild.
#include <fmt/format.h>

#include "apps/http/handlers.hpp"
#include "apps/http/input.hpp"
#include "apps/http/view_json.hpp"
#include "config/suggest.hpp"

namespace bestow::http {
namespace {

auto word_of(projections::view_life life) -> std::string_view {
  switch (life) {
    case projections::view_life::following:
      return "following";
    case projections::view_life::rebuilding:
      return "rebuilding";
    case projections::view_life::stopped:
      return "stopped";
  }
  return "";
}

}  // namespace

void write_view(json_writer& w, const projections::view_status& v) {
  w.begin_object()
      .field("name", v.name)
      .count("version", v.version)
      .field("state", word_of(v.life))
      .count("position", v.at.value)
      .count("lag", v.lag)
      .text_or_null("problem", v.problem)
      .end_object();
}

auto list_views(const http_parts& parts, const request&) -> answer {
  json_writer w;
  w.begin_object().key("views").begin_array();
  for (const auto& v : parts.views->status()) write_view(w, v);
  w.end_array().count("as_of_position", parts.log->head().last.value).end_object();
  return json_response(w.take());
}

auto rebuild_view(const http_parts& parts, const request& in) -> answer {
  auto fields = body_fields(in);
  if (!fields) return tl::unexpected(std::move(fields.error()));
  if (auto p = fields->finish()) return tl::unexpected(std::move(*p));
  const auto& name = in.params[0];
  const auto started = parts.engine->rebuild_view(name);
  if (!started) return tl::unexpected(problem_of(started.error()));
  const auto names = parts.views->names();
  if (!*started)
    return tl::unexpected(
        problem_of(request_error::view_not_found,
                   fmt::format("there is no view '{}'.{} Views: {}", shown(name),
                               config::did_you_mean(name, names), fmt::join(names, ", "))));
  json_writer w;
  for (const auto& v : parts.views->status())
    if (v.name == name) write_view(w, v);
  return json_response(w.take(), 202);
}

}  // namespace bestow::http
