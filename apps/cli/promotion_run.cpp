// reconcile, and run: the whole job in one command.
#include <fstream>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"

#include "events/limits.hpp"

namespace bestow::cli {
namespace {

using nlohmann::ordered_json;
using namespace std::chrono_literals;

auto sum_text(const ordered_json& of, const char* name) -> std::string {
  const auto sum = of.value(name, ordered_json{});
  if (!sum.is_object()) return "";
  const auto amount = cell_text(sum.value("amount", ordered_json{}));
  return fmt::format("{:>14}  {:>20}", grouped(cell_text(sum.value("count", ordered_json{}))),
                     grouped(major_units(amount, of.value("currency", ""))));
}

auto reconcile_with(api_client& api, const context& ctx, const std::string& id,
                    const std::string& ledger) -> reply {
  const auto path = "/api/v1/promotions/" + id + "/reconciliation";
  api.wait_at_most(30min);
  if (ledger.empty()) return api.get(path);
  std::ifstream file;
  if (ledger != "-") file.open(ledger, std::ios::binary);
  std::istream& in = ledger == "-" ? ctx.with.in : file;
  return api.upload(path, "text/csv", 0, [&in](std::string& piece) {
    piece.resize(limits::cli_piece_bytes);
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    piece.resize(static_cast<std::size_t>(in.gcount()));
    return !piece.empty();
  });
}

/// The steps of run after the import, each safe to repeat.
auto walk(const context& ctx, const std::string& id, const std::string& run_date) -> exit_code {
  api_client api{ctx};
  api.wait_at_most(10min);
  ordered_json start = ordered_json::object();
  if (!run_date.empty()) start["run_date"] = run_date;
  const std::vector<std::pair<std::string, std::string>> steps{
      {"seal", "{}"}, {"approve", "{}"}, {"start", start.dump()}};
  for (const auto& [verb, body] : steps) {
    const auto r = api.post("/api/v1/promotions/" + id + "/" + verb, body);
    if (!r.good()) return report(ctx, r);
    const auto done = ordered_json::parse(r.body, nullptr, false);
    ctx.note(fmt::format("{}: {}", verb, done.value("state", "")));
  }
  return exit_code::done;
}

struct run_options {
  std::string file;
  import_options import;
  std::string run_date;
};

/// The promotion's id, or "" with the exit code. The key is made of both files, so running the
/// command again goes on with the same promotion instead of granting twice.
auto create_for_run(const context& ctx, const run_options& o, exit_code& code) -> std::string {
  const auto wanted = read_definition(ctx, o.file);
  code = wanted.code;
  if (code != exit_code::done) return "";
  if (!readable(ctx, o.import.file)) {
    code = exit_code::usage;
    return "";
  }
  const auto targets = sha256_of_file(ctx, o.import.file);
  code = targets.empty() ? exit_code::usage : exit_code::done;
  if (targets.empty()) return "";
  api_client api{ctx};
  const auto key = fmt::format("run-{}-{}", sha256_of_text(wanted.json), targets);
  const auto r = api.post("/api/v1/promotions", wanted.json, key);
  if (!r.good()) {
    code = report_definition(ctx, wanted, r);
    return "";
  }
  const auto done = ordered_json::parse(r.body, nullptr, false);
  auto id = done.value("promotion_id", "");
  ctx.note(fmt::format("{} promotion {}",
                       done.value("repeated", false) ? "going on with" : "created", id));
  return id;
}

auto finish_run(const context& ctx, const std::string& id, const watch_outcome& seen) -> exit_code {
  if (seen.code != exit_code::done) return show_watched(ctx, seen);
  api_client api{ctx};
  const auto fresh = api.get("/api/v1/promotions/" + id);
  const auto compared = reconcile_with(api, ctx, id, "");
  if (!fresh.good()) return report(ctx, fresh);
  if (!compared.good()) return report(ctx, compared);
  if (ctx.output() == output_kind::json) {
    ctx.with.out << "{\"promotion\":" << fresh.body << ",\"reconciliation\":" << compared.body
                 << "}\n";
  } else {
    static_cast<void>(show_reply(ctx, fresh));
    if (ctx.output() == output_kind::table) print_reconciliation(ctx, compared.body);
  }
  return reconcile_exit(ctx, compared.body);
}

auto run_whole(const context& ctx, run_options& o) -> exit_code {
  auto code = exit_code::done;
  const auto id = create_for_run(ctx, o, code);
  if (id.empty()) return code;
  o.import.promotion = id;
  const auto imported = import_file(ctx, o.import);
  if (imported.code != exit_code::done) return imported.code;
  code = walk(ctx, id, o.run_date);
  if (code != exit_code::done) return code;
  return finish_run(ctx, id, watch_promotion(ctx, id));
}

}  // namespace

void print_reconciliation(const context& ctx, const std::string& json) {
  const auto r = ordered_json::parse(json, nullptr, false);
  if (!r.is_object()) return;
  auto& out = ctx.with.out;
  out << fmt::format("{:<22}{:>14}  {:>20}\n", "", "COUNT", "AMOUNT " + r.value("currency", ""));
  out << fmt::format("{:<22}{}\n", "sealed list", sum_text(r, "sealed"));
  out << fmt::format("{:<22}{}\n", "published, by the log",
                     sum_text(r, "published_expected"));
  out << fmt::format("{:<22}{}\n", "published, on stream",
                     sum_text(r, "published"));
  out << fmt::format("{:<22}{}\n", "paid, by the log",
                     sum_text(r, "paid_expected"));
  out << fmt::format("{:<22}{}\n", "paid, by " + r.value("paid_source", ""),
                     sum_text(r, "paid"));
  const auto count = r.value("difference_count", std::uint64_t{0});
  for (const auto& d : r.value("differences", ordered_json::array()))
    out << fmt::format("  {} {} {}\n", cell_text(d.value("target_id", ordered_json{})),
                       d.value("kind", ""), cell_text(d.value("detail", ordered_json{})));
  out << (count == 0 ? "reconciled: nothing is missing, extra or different\n"
                     : fmt::format("NOT reconciled: {} differences\n", count));
}

auto reconcile_exit(const context& ctx, const std::string& json) -> exit_code {
  const auto r = ordered_json::parse(json, nullptr, false);
  if (r.is_object() && r.value("consistent", false)) return exit_code::done;
  const auto count = r.is_object() ? r.value("difference_count", std::uint64_t{0}) : 0;
  ctx.complain(
      fmt::format("not_reconciled: list, stream and payer differ; differences: {}", count));
  return exit_code::fault;
}

void add_reconcile_command(CLI::App& noun, context& ctx) {
  auto* c = noun.add_subcommand(
      "reconcile", "Compare sealed list, published stream and results or the payer's ledger");
  auto id = std::make_shared<std::string>();
  auto ledger = std::make_shared<std::string>();
  c->add_option("id", *id, "Promotion")->required()->check(id_check());
  c->add_option("--ledger", *ledger, "The payer's ledger: CSV target_id,amount (- is stdin)");
  c->callback([&ctx, id, ledger] {
    ctx.action = [&ctx, id, ledger] {
      api_client api{ctx};
      if (!ledger->empty() && !readable(ctx, *ledger)) return exit_code::usage;
      const auto r = reconcile_with(api, ctx, *id, *ledger);
      if (!r.good()) return report(ctx, r);
      if (ctx.output() == output_kind::table)
        print_reconciliation(ctx, r.body);
      else
        static_cast<void>(show_reply(ctx, r));
      return reconcile_exit(ctx, r.body);
    };
  });
}

void add_run_command(CLI::App& noun, context& ctx) {
  auto* c = noun.add_subcommand(
      "run",
      "The whole job: create, import, seal, approve, start, watch, reconcile. Running it "
      "again with the same files goes on with the same promotion");
  auto o = std::make_shared<run_options>();
  c->add_option("file", o->file, "Definition (.toml or .json)")->required();
  c->add_option("targets", o->import.file, "Targets (CSV or NDJSON)")->required();
  c->add_option("--format", o->import.format, "csv or ndjson (by the file's name)")
      ->check(CLI::IsMember({"csv", "ndjson"}));
  c->add_option("--rejects", o->import.rejects, "Where refused rows go (TARGETS.rejects.csv)");
  c->add_option("--encoding", o->import.encoding, "utf-8 or cp949 (utf-8)")
      ->check(CLI::IsMember({"utf-8", "cp949"}));
  c->add_flag("--strict", o->import.strict, "One bad row refuses the file: nothing is granted");
  c->add_option("--run-date", o->run_date, "2026-01-31 or 20260131 (today in Asia/Seoul)");
  c->callback([&ctx, o] { ctx.action = [&ctx, o] { return run_whole(ctx, *o); }; });
}

}  // namespace bestow::cli
