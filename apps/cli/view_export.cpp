// bestow view export: a whole view as CSV, NDJSON or an SQLite file.
#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "apps/cli/commands.hpp"
#include "apps/cli/sqlite_export.hpp"
#include "apps/cli/whole_file.hpp"
#include "apps/http/export_rows.hpp"
#include "events/limits.hpp"

namespace bestow::cli {
namespace {

struct export_options {
  std::string view;
  std::string format{"csv"};
  std::string out;
  std::string promotion;
  std::string as_of;
};

/// Where the rows go. `take` answers "" or why it failed.
using row_sink = std::function<std::string(std::string_view)>;

/// Done, or the exit code after a complaint.
auto fetch(const context& ctx, const export_options& o, const row_sink& take, reply& head)
    -> exit_code {
  api_client api{ctx};
  api.wait_at_most(
      std::chrono::duration_cast<std::chrono::seconds>(2 * limits::as_of_within));
  const auto path =
      with_query("/api/v1/views/" + url_escape(o.view) + "/export",
                 {"format", "promotion", "as_of"},
                 {o.format == "csv" ? "csv" : "ndjson", o.promotion, o.as_of});
  std::string problem;
  head = api.download(path, [&](std::string_view piece) {
    problem = take(piece);
    return problem.empty();
  });
  if (!head.good()) return report(ctx, head);
  if (!problem.empty()) {
    ctx.complain(fmt::format("file_unwritable: {}", problem));
    return exit_code::fault;
  }
  if (head.error.empty()) return exit_code::done;
  ctx.complain(fmt::format("unavailable: the export broke off ({}); nothing of it was kept",
                           head.error));
  return exit_code::unavailable;
}

void say_done(const context& ctx, const export_options& o, const reply& head) {
  ctx.note(fmt::format("{}: {} at position {} of log {}", o.out, o.view,
                       head.header("Bestow-Position"), head.header("Bestow-Log-Id")));
}

auto to_stdout(const context& ctx, const export_options& o) -> exit_code {
  reply head;
  const auto code = fetch(
      ctx, o,
      [&](std::string_view piece) -> std::string {
        ctx.with.out.write(piece.data(), static_cast<std::streamsize>(piece.size()));
        return ctx.with.out.good() ? "" : "standard output takes no more";
      },
      head);
  ctx.with.out.flush();
  return code;
}

auto to_file(const context& ctx, const export_options& o) -> exit_code {
  const auto file = whole_file::create(ctx, o.out);
  if (!file) return exit_code::usage;
  reply head;
  const auto code = fetch(
      ctx, o, [&](std::string_view piece) { return file->write(piece); }, head);
  if (code != exit_code::done) return code;
  if (const auto problem = file->keep(); !problem.empty()) {
    ctx.complain("file_unwritable: " + problem);
    return exit_code::fault;
  }
  say_done(ctx, o, head);
  return exit_code::done;
}

auto facts_of(const export_options& o, const reply& head) -> export_facts {
  return {{"view_name", o.view},
          {"log_id", head.header("Bestow-Log-Id")},
          {"position", head.header("Bestow-Position")},
          {"frame_hash", head.header("Bestow-Frame-Hash")},
          {"as_of", head.header("Bestow-As-Of")},
          {"promotion_id", o.promotion},
          {"exported_at", head.header("Bestow-Exported-At")},
          {"bestow_version", version()}};
}

auto to_sqlite(const context& ctx, const export_options& o) -> exit_code {
  const auto fields = http::export_fields(o.view);
  // An unknown view has no columns; the server says so before the first row.
  const auto file = whole_file::create(ctx, o.out);
  if (!file) return exit_code::usage;
  sqlite_export rows{file->scratch_path(), o.view, fields};
  reply head;
  const auto code =
      fetch(ctx, o, [&](std::string_view piece) { return rows.take(piece); }, head);
  if (code != exit_code::done) return code;
  auto problem = rows.finish(facts_of(o, head));
  if (problem.empty()) problem = file->keep();
  if (!problem.empty()) {
    ctx.complain("file_unwritable: " + problem);
    return exit_code::fault;
  }
  say_done(ctx, o, head);
  return exit_code::done;
}

auto run_export(const context& ctx, const export_options& o) -> exit_code {
  const bool to_standard_output = o.out.empty() || o.out == "-";
  if (o.format == "sqlite" && to_standard_output) {
    ctx.complain("an SQLite export needs --out FILE");
    return exit_code::usage;
  }
  if (o.format == "sqlite") return to_sqlite(ctx, o);
  return to_standard_output ? to_stdout(ctx, o) : to_file(ctx, o);
}

}  // namespace

void add_view_export(CLI::App& noun, context& ctx) {
  auto* c = noun.add_subcommand("export", "Every row of a view, at one log position");
  auto o = std::make_shared<export_options>();
  c->add_option("name", o->view, "View")->required();
  c->add_option("--format", o->format, "csv, ndjson or sqlite")
      ->check(CLI::IsMember({"csv", "ndjson", "sqlite"}));
  c->add_option("--out", o->out, "File; standard output when absent. Appears whole or not at all")
      ->check(path_check());
  c->add_option("--promotion", o->promotion, "Only this promotion")->check(id_check());
  add_as_of(*c, o->as_of);
  c->callback([&ctx, o] { ctx.action = [&ctx, o] { return run_export(ctx, *o); }; });
}

}  // namespace bestow::cli
