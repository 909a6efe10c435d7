// Imports over HTTP: the body goes piece by piece into the import driver.
#include <fstream>
#include <memory>

#include <fmt/format.h>

#include "apps/http/handlers.hpp"
#include "apps/http/input.hpp"
#include "apps/http/json_writer.hpp"
#include "apps/http/render.hpp"
#include "apps/import/dry_run.hpp"
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

auto flag_of(const request& in, std::string_view name) -> checked_value<bool> {
  const auto wanted = in.query_value(name);
  if (wanted == "1" || wanted == "true") return true;
  if (!in.has_query(name) || wanted == "0" || wanted == "false") return false;
  return tl::unexpected(problem_of(
      request_error::query_invalid,
      fmt::format("{} is '{}'; allowed are 1, true, 0, false", name, shown(wanted)),
      std::string{name}));
}

/// True for CP949.
auto encoding_of(const request& in) -> checked_value<bool> {
  const auto wanted = in.query_value("encoding");
  if (wanted == "cp949") return true;
  if (wanted == "utf-8" || !in.has_query("encoding")) return false;
  return tl::unexpected(problem_of(
      request_error::query_invalid,
      fmt::format("encoding is '{}'; allowed are utf-8, cp949", shown(wanted)), "encoding"));
}

struct import_target {
  promotion_id promotion{};
  std::string batch;
};

/// How the input is to be read and what for.
struct import_wish {
  import_format format{import_format::csv};
  bool cp949{false};
  bool strict{false};
  bool dry_run{false};
};

auto wish_of(const request& in) -> checked_value<import_wish> {
  import_wish wish;
  const auto format = format_of(in);
  if (!format) return tl::unexpected(format.error());
  wish.format = *format;
  for (auto [slot, value] : {std::pair{&wish.cp949, encoding_of(in)},
                             std::pair{&wish.strict, flag_of(in, "strict")},
                             std::pair{&wish.dry_run, flag_of(in, "dry_run")}}) {
    if (!value) return tl::unexpected(value.error());
    *slot = *value;
  }
  if (wish.strict && wish.dry_run)
    return tl::unexpected(problem_of(request_error::query_invalid,
                                     "strict and dry_run exclude each other: a dry run keeps "
                                     "nothing and lists every bad row",
                                     "strict"));
  return wish;
}

void write_rejects(json_writer& w, const std::vector<importing::rejected_row>& rejects) {
  w.key("rejects").begin_array();
  for (const auto& r : rejects)
    w.begin_object()
        .count("line", r.line)
        .field("field", r.field)
        .field("code", r.code)
        .field("detail", r.detail)
        .end_object();
  w.end_array();
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
      .flag("repeated", a.repeated);
  write_rejects(w, a.rejects);
  w.count("position", a.at.value).end_object();
  return w.take();
}

auto dry_run_json(promotion_id id, const importing::dry_run_answer& a) -> std::string {
  json_writer w;
  w.begin_object()
      .id("promotion_id", id.value)
      .flag("dry_run", true)
      .count("rows", a.rows)
      .count("accepted", a.accepted)
      .count("rejected", a.rejected)
      .money("total_amount", a.amount)
      .flag("total_overflows", a.amount_overflows)
      .field("currency", a.currency)
      .count("without_amount", a.without_amount)
      .count("without_reason", a.without_reason)
      .count("without_expiry", a.without_expiry)
      .count("split_customers", a.split_customers)
      .field("sha256", to_hex(a.sha256))
      .key("partitions")
      .begin_array();
  for (std::size_t k = 0; k < a.partitions.size(); ++k) {
    if (a.partitions[k].count == 0) continue;
    w.begin_object()
        .count("partition_key", k)
        .count("count", a.partitions[k].count)
        .money("amount", a.partitions[k].amount)
        .end_object();
  }
  w.end_array();
  write_rejects(w, a.rejects);
  w.end_object();
  return w.take();
}

/// Feeds the whole body. After a refusal the rest is read and dropped, so that the client, which is
/// still sending, gets to read why.
template <class Driver>
auto feed(const http_parts& parts, const request& in, Driver& driver) -> actors::outcome<bool> {
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

auto run_dry(const http_parts& parts, const request& in, promotion_id id, const import_wish& wish)
    -> answer {
  importing::dry_run_options options;
  options.promotion = id;
  options.format = wish.format;
  options.cp949 = wish.cp949;
  options.now = parts.time->wall();
  if (const auto& root = parts.settings->data.dir; !root.empty())
    options.directory = root + "/unique";
  importing::dry_run driver{*parts.engine, *parts.log, std::move(options)};
  const auto whole = feed(parts, in, driver);
  if (!whole) return tl::unexpected(problem_of(whole.error()));
  if (!*whole)
    return tl::unexpected(problem_of(request_error::body_interrupted, "nothing was kept"));
  const auto done = driver.finish();
  if (!done) return tl::unexpected(problem_of(done.error()));
  return json_response(dry_run_json(id, *done));
}

/// The problem with what the caller can do about the batch.
auto with_batch(problem p, const importing::import_driver& driver, const import_target& to)
    -> problem {
  if (driver.holds_open_batch()) p.open_batch = to.batch;
  if (driver.voided()) p.import = answer_json(to.promotion, *driver.voided());
  return p;
}

auto run_import(const http_parts& parts, const request& in, const import_target& to,
                const import_wish& wish) -> answer {
  auto by = caller_of(in);
  if (!by) return tl::unexpected(std::move(by.error()));
  importing::import_options options;
  options.promotion = to.promotion;
  options.batch = to.batch;
  options.format = wish.format;
  options.cp949 = wish.cp949;
  options.strict = wish.strict;
  options.by = std::move(*by);
  options.directory = parts.settings->data.dir;
  importing::import_driver driver{*parts.engine, *parts.log, std::move(options)};
  const auto whole = feed(parts, in, driver);
  if (!whole) return tl::unexpected(with_batch(problem_of(whole.error()), driver, to));
  if (!*whole)
    return tl::unexpected(with_batch(problem_of(request_error::body_interrupted,
                                                "what came is kept; send it again to go on"),
                                     driver, to));
  const auto done = driver.finish();
  if (!done) return tl::unexpected(with_batch(problem_of(done.error()), driver, to));
  return json_response(answer_json(to.promotion, *done));
}

/// A page of the rejects without their original columns. `after` counts rejects.
auto rejects_page(const std::string& path, const request& in) -> answer {
  const auto after = query_number(in, "after", 0, {0, limits::id_max});
  if (!after) return tl::unexpected(after.error());
  const auto limit = page_limit(in);
  if (!limit) return tl::unexpected(limit.error());
  auto rows = importing::read_rejects(path, *after, *limit + 1);
  if (!rows) return tl::unexpected(problem_of(rows.error()));
  const bool more = rows->size() > *limit;
  if (more) rows->pop_back();
  json_writer w;
  write_rejects(w.begin_object(), *rows);
  w.key("next");
  if (more)
    w.number(*after + *limit);
  else
    w.null();
  w.end_object();
  return json_response(w.take());
}

}  // namespace

auto import_targets(const http_parts& parts, const request& in) -> answer {
  auto id = path_id(in, 0);
  if (!id) return tl::unexpected(std::move(id.error()));
  const auto wish = wish_of(in);
  if (!wish) return tl::unexpected(wish.error());
  if (wish->dry_run) return run_dry(parts, in, {*id}, *wish);
  return run_import(parts, in, {{*id}, std::string{in.query_value("batch")}}, *wish);
}

auto read_rejects(const http_parts& parts, const request& in) -> answer {
  auto id = path_id(in, 0);
  if (!id) return tl::unexpected(std::move(id.error()));
  const auto path = rejects_file_of(parts, in, {*id});
  auto file = std::make_shared<std::ifstream>(path, std::ios::binary);
  if (!*file)
    return tl::unexpected(problem_of(request_error::rejects_not_found,
                                     fmt::format("batch '{}'", shown(in.params[1]))));
  if (in.has_query("after") || in.has_query("limit")) return rejects_page(path, in);
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
