// Imports over HTTP: the body goes piece by piece into the import driver.
#include <fstream>
#include <memory>

#include <fmt/format.h>

#include "apps/http/handlers.hpp"
#include "apps/http/input.hpp"
#include "apps/http/json_writer.hpp"
#include "apps/http/render.hpp"
#include "apps/import/import_driver.hpp"
#include "apps/import/rejects_file.hpp"
#include "events/limits.hpp"

namespace bestow::http {
namespace {

auto format_of(const request& in) -> checked_value<import_format> {
  const auto wanted = in.query_value("format");
  if (wanted == "csv") return import_format::csv;
  if (wanted == "ndjson") return import_format::ndjson;
  if (in.has_query("format"))
    return tl::unexpected(problem_of(
        request_error::query_invalid,
        fmt::format("format is '{}'; allowed are csv, ndjson", shown(wanted)), "format"));
  const auto type = in.header("Content-Type");
  const bool ndjson =
      type.find("ndjson") != std::string_view::npos || type.find("jsonl") != std::string_view::npos;
  return ndjson ? import_format::ndjson : import_format::csv;
}

auto answer_json(promotion_id id, const importing::import_answer& a) -> std::string {
  json_writer w;
  w.begin_object()
      .id("promotion_id", id.value)
      .field("batch", a.batch)
      .count("rows", a.rows)
      .count("accepted", a.accepted)
      .count("rejected", a.rejected)
      .field("sha256", to_hex(a.sha256))
      .flag("repeated", a.repeated)
      .key("rejects")
      .begin_array();
  for (const auto& r : a.rejects)
    w.begin_object()
        .count("line", r.line)
        .field("field", r.field)
        .field("code", r.code)
        .field("detail", r.detail)
        .end_object();
  w.end_array().count("position", a.at.value).end_object();
  return w.take();
}

/// Feeds the whole body. After a refusal the rest is read and dropped, so that the client, which is
/// still sending, gets to read why.
auto feed(const http_parts& parts, const request& in, importing::import_driver& driver)
    -> actors::outcome<bool> {
  actors::outcome<void> state;
  const bool whole = !in.has_body || in.read_body([&](std::string_view piece) {
    parts.state->imported_bytes.fetch_add(piece.size(), std::memory_order_relaxed);
    if (state) state = driver.push(piece);
    return !parts.state->stopping.load();
  });
  if (!state) return tl::unexpected(state.error());
  return whole;
}

/// Path of the batch's committed rejects file.
auto rejects_file_of(const http_parts& parts, const request& in, promotion_id id) -> std::string {
  return importing::rejects_path(parts.settings->data.dir, id, in.params[1]);
}

}  // namespace

auto import_targets(const http_parts& parts, const request& in) -> answer {
  auto id = path_id(in, 0);
  if (!id) return tl::unexpected(std::move(id.error()));
  auto format = format_of(in);
  if (!format) return tl::unexpected(std::move(format.error()));
  auto by = caller_of(in);
  if (!by) return tl::unexpected(std::move(by.error()));
  importing::import_options options;
  options.promotion = {*id};
  options.batch = std::string{in.query_value("batch")};
  options.format = *format;
  options.by = std::move(*by);
  options.directory = parts.settings->data.dir;
  importing::import_driver driver{*parts.engine, *parts.log, std::move(options)};
  const auto whole = feed(parts, in, driver);
  if (!whole) return tl::unexpected(problem_of(whole.error()));
  if (!*whole)
    return tl::unexpected(problem_of(request_error::body_interrupted,
                                     "the batch stays open; send it again to go on"));
  const auto done = driver.finish();
  if (!done) return tl::unexpected(problem_of(done.error()));
  return json_response(answer_json({*id}, *done));
}

auto read_rejects(const http_parts& parts, const request& in) -> answer {
  auto id = path_id(in, 0);
  if (!id) return tl::unexpected(std::move(id.error()));
  auto file = std::make_shared<std::ifstream>(rejects_file_of(parts, in, {*id}), std::ios::binary);
  if (!*file)
    return tl::unexpected(problem_of(request_error::rejects_not_found,
                                     fmt::format("batch '{}'", shown(in.params[1]))));
  response out;
  out.content_type = "text/csv; charset=utf-8";
  out.stream = [file](const body_sink& put) {
    std::string piece(64 * 1024, '\0');
    file->read(piece.data(), static_cast<std::streamsize>(piece.size()));
    piece.resize(static_cast<std::size_t>(file->gcount()));
    return !piece.empty() && put(piece);
  };
  return out;
}

auto abandon_batch(const http_parts& parts, const request& in) -> answer {
  auto id = path_id(in, 0);
  if (!id) return tl::unexpected(std::move(id.error()));
  auto by = caller_of(in);
  if (!by) return tl::unexpected(std::move(by.error()));
  domain::abandon_batch wish{in.params[1], std::string{in.query_value("reason")}};
  constexpr std::size_t reason_bytes_max = 4 * limits::reason_chars_max;
  if (wish.reason.size() > reason_bytes_max)
    return tl::unexpected(problem_of(request_error::query_invalid, "reason is too long", "reason"));
  const auto done = parts.engine->abandon_batch({*id}, std::move(wish), *by);
  if (!done) return tl::unexpected(problem_of(done.error()));
  return json_response(receipt_json(*done));
}

}  // namespace bestow::http
