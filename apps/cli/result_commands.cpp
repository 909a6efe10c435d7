// bestow result ...: results files of payers that write tables, and results that could not be used.
#include <filesystem>
#include <fstream>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/progress.hpp"

namespace bestow::cli {
namespace {

using nlohmann::ordered_json;
using namespace std::chrono_literals;

constexpr std::size_t piece_bytes = 256 * 1024;

struct result_file {
  std::string promotion;
  std::string file;
  std::string format;
  std::string rejects;
};

auto is_ndjson(const result_file& o) -> bool {
  return o.format == "ndjson" ||
         (o.format.empty() && (o.file.ends_with(".ndjson") || o.file.ends_with(".jsonl")));
}

auto send(const context& ctx, const result_file& o, std::istream& in, std::uint64_t total)
    -> reply {
  progress bar{ctx, "importing", total, "B"};
  std::uint64_t sent = 0;
  api_client api{ctx};
  api.wait_at_most(30min);  // The last rows may wait for the disk.
  auto r = api.upload(fmt::format("/api/v1/promotions/{}/results", o.promotion),
                      is_ndjson(o) ? "application/x-ndjson" : "text/csv", total,
                      [&](std::string& piece) {
                        piece.resize(piece_bytes);
                        in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
                        piece.resize(static_cast<std::size_t>(in.gcount()));
                        bar.update(sent += piece.size());
                        return !piece.empty();
                      });
  if (r.good()) bar.finish(sent);
  return r;
}

/// The refused rows of the answer as a CSV file. "" = it could not be written.
auto save_rejects(const context& ctx, const result_file& o, const ordered_json& rejects)
    -> std::string {
  const auto path = !o.rejects.empty() ? o.rejects
                    : o.file == "-"    ? "results-" + o.promotion + ".rejects.csv"
                                       : o.file + ".rejects.csv";
  std::ofstream out{path, std::ios::binary | std::ios::trunc};
  out << "line,field,code,detail\n";
  for (const auto& row : rejects) {
    const char* comma = "";
    for (const auto* name : {"line", "field", "code", "detail"}) {
      out << comma << csv_cell(cell_text(row.value(name, ordered_json{})));
      comma = ",";
    }
    out << '\n';
  }
  out.close();
  if (out) return path;
  ctx.complain(fmt::format("the refused rows could not be saved to {}", path));
  return "";
}

auto import_results(const context& ctx, const result_file& o) -> exit_code {
  std::ifstream file;
  std::uint64_t total = 0;
  if (o.file != "-") {
    file.open(o.file, std::ios::binary);
    if (!file || std::filesystem::is_directory(o.file)) {
      ctx.complain(fmt::format("{}: cannot be read", o.file));
      return exit_code::usage;
    }
    std::error_code error;
    total = std::filesystem::file_size(o.file, error);
    if (error) total = 0;
  }
  const auto r = send(ctx, o, o.file == "-" ? ctx.with.in : file, total);
  if (!r.good()) return report(ctx, r);
  const auto done = ordered_json::parse(r.body, nullptr, false);
  if (!done.is_object()) return exit_code::fault;
  const auto count = [&](const char* name) {
    return grouped(fmt::to_string(done.value(name, std::uint64_t{0})));
  };
  std::string where;
  if (done.value("rejected", std::uint64_t{0}) > 0)
    where = save_rejects(ctx, o, done.value("rejects", ordered_json::array()));
  ctx.note(fmt::format("{} recorded, {} known already, {} rejected{}{}", count("recorded"),
                       count("duplicates"), count("rejected"), where.empty() ? "" : ": ", where));
  return show_reply(ctx, r);
}

void add_import(CLI::App& noun, context& ctx) {
  auto* c = noun.add_subcommand("import", "Record results from a CSV or NDJSON file; safe to repeat");
  auto o = std::make_shared<result_file>();
  c->add_option("promotion", o->promotion, "Promotion")->required()->check(id_check());
  c->add_option("file", o->file, "File (- is stdin)")->required();
  c->add_option("--format", o->format, "csv or ndjson (by the file's name)")
      ->check(CLI::IsMember({"csv", "ndjson"}));
  c->add_option("--rejects", o->rejects, "Where refused rows go (FILE.rejects.csv)");
  c->callback([&ctx, o] { ctx.action = [&ctx, o] { return import_results(ctx, *o); }; });
}

void add_dead_list(CLI::App& noun, context& ctx) {
  auto* c = noun.add_subcommand("list", "Results that could not be used, oldest first");
  auto query = std::make_shared<std::vector<std::string>>(2);
  auto open = std::make_shared<bool>(false);
  c->add_option("--after", (*query)[0], "Numbers above this one")->check(id_check());
  c->add_option("--limit", (*query)[1], "Rows of a page (100; at most 1000)");
  c->add_flag("--open", *open, "Only those never tried again");
  c->callback([&ctx, query, open] {
    ctx.action = [&ctx, query, open] {
      auto path = fmt::format("/api/v1/results/dead?open={}", *open ? 1 : 0);
      if (!(*query)[0].empty()) path += "&after=" + url_escape((*query)[0]);
      if (!(*query)[1].empty()) path += "&limit=" + url_escape((*query)[1]);
      static const std::vector<column> columns{{"number", "NUMBER", true},
                                               {"at", "AT", false},
                                               {"state", "STATE", false},
                                               {"subject", "SUBJECT", false},
                                               {"reason", "REASON", false},
                                               {"retry_of", "RETRY OF", true},
                                               {"next_letter", "NEXT", true}};
      api_client api{ctx};
      return show_page(ctx, api.get(path), "letters", columns, fields_of("DeadLetter"));
    };
  });
}

void add_dead_show(CLI::App& noun, context& ctx) {
  auto* c = noun.add_subcommand("show", "One of them with its message and headers");
  auto number = std::make_shared<std::string>();
  c->add_option("number", *number, "Number of the list")->required()->check(id_check());
  c->callback([&ctx, number] {
    ctx.action = [&ctx, number] {
      api_client api{ctx};
      return show_reply(ctx, api.get("/api/v1/results/dead/" + *number));
    };
  });
}

void add_dead_retry(CLI::App& noun, context& ctx) {
  auto* c = noun.add_subcommand("retry", "Try its message again, once what was wrong is mended");
  auto number = std::make_shared<std::string>();
  c->add_option("number", *number, "Number of the list")->required()->check(id_check());
  c->callback([&ctx, number] {
    ctx.action = [&ctx, number] {
      api_client api{ctx};
      return show_reply(ctx, api.post("/api/v1/results/dead/" + *number + "/retry", "{}"));
    };
  });
}

}  // namespace

void add_result(CLI::App& app, context& ctx) {
  auto* noun = app.add_subcommand("result", "What the paying service answered");
  noun->require_subcommand(1);
  add_import(*noun, ctx);
  auto* dead = noun->add_subcommand("dead", "Results that could not be used");
  dead->require_subcommand(1);
  add_dead_list(*dead, ctx);
  add_dead_show(*dead, ctx);
  add_dead_retry(*dead, ctx);
}

}  // namespace bestow::cli
