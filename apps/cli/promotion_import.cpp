// bestow promotion import: streams a file to the server. Safe to repeat: the batch id is the
// file's SHA-256, and the server goes on where it stopped.
#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <openssl/evp.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/progress.hpp"
#include "domain/text.hpp"
#include "events/limits.hpp"
#include "events/types.hpp"

namespace bestow::cli {
namespace {

using nlohmann::ordered_json;
using namespace std::chrono_literals;

class sha256 {
 public:
  sha256() : ctx_{EVP_MD_CTX_new(), EVP_MD_CTX_free} {
    EVP_DigestInit_ex(ctx_.get(), EVP_sha256(), nullptr);
  }
  void add(std::string_view bytes) { EVP_DigestUpdate(ctx_.get(), bytes.data(), bytes.size()); }
  auto hex() -> std::string {
    sha256_digest digest{};
    EVP_DigestFinal_ex(ctx_.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
    return to_hex(digest);
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> ctx_;
};

auto read_piece(std::istream& in, std::string& piece) -> bool {
  piece.resize(limits::cli_piece_bytes);
  in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
  piece.resize(static_cast<std::size_t>(in.gcount()));
  return !piece.empty();
}

auto size_of(const std::string& path) -> std::uint64_t {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : size;
}

auto media_type(const import_options& o) -> std::string {
  const bool ndjson =
      o.format == "ndjson" ||
      (o.format.empty() && (o.file.ends_with(".ndjson") || o.file.ends_with(".jsonl")));
  return ndjson ? "application/x-ndjson" : "text/csv";
}

auto batch_path(const import_options& o) -> std::string {
  return fmt::format("/api/v1/promotions/{}/batches/{}", o.promotion, url_escape(o.batch));
}

/// The default beside the file; for stdin named after the batch, whatever characters it has.
auto rejects_file(const import_options& o) -> std::string {
  constexpr std::size_t name_chars_max = 200;
  if (!o.rejects.empty()) return o.rejects;
  if (o.file != "-") return o.file + ".rejects.csv";
  const auto name = url_escape(o.batch);
  return (name.size() <= name_chars_max ? name : sha256_of_text(o.batch)) + ".rejects.csv";
}

/// Fetches the refused rows into the rejects file: whole, or not at all. "" = no file was written.
auto save_rejects(const context& ctx, const import_options& o) -> std::string {
  const auto path = rejects_file(o);
  std::error_code error;
  // A pipe or /dev/stdout is written as it is.
  const bool special = std::filesystem::exists(path, error) &&
                       !std::filesystem::is_regular_file(path, error);
  const auto part = special ? path : path + ".part";
  std::ofstream out{part, std::ios::binary | std::ios::trunc};
  bool saved = out.good();
  if (saved) {
    api_client api{ctx};
    const auto r = api.download(batch_path(o) + "/rejects", [&out](std::string_view piece) {
      out.write(piece.data(), static_cast<std::streamsize>(piece.size()));
      return out.good();
    });
    out.close();
    saved = r.good() && r.error.empty() && out;
  }
  error.clear();
  if (saved && !special) std::filesystem::rename(part, path, error);
  if (saved && !error) return path;
  if (!special) std::filesystem::remove(part, error);
  ctx.complain(fmt::format("the refused rows could not be saved to {}", path));
  ctx.note(fmt::format("  The server keeps them: {}{}/rejects", ctx.global.url, batch_path(o)));
  return "";
}

/// The words of this import's command up to its batch.
auto command_words(const import_options& o) -> std::string {
  auto words =
      fmt::format("bestow promotion import {} {}", o.promotion, domain::shell_word(o.file));
  if (!o.format.empty()) words += " --format " + o.format;
  if (!o.encoding.empty()) words += " --encoding " + o.encoding;
  return words;
}

/// What to type next, when a batch was left open.
void say_ways_out(const context& ctx, const import_options& o, const ordered_json& problem) {
  if (!problem.is_object() || !problem.contains("open_batch")) return;
  const auto batch = domain::shell_word(problem.value("open_batch", ""));
  ctx.note(fmt::format("  The batch is open, and seal waits for it. Go on with it:\n"
                       "    {0} --batch {1}\n"
                       "  or give it up:\n"
                       "    {0} --batch {1} --abandon",
                       command_words(o), batch));
}

auto query_of(const import_options& o) -> std::string {
  auto query = o.dry_run ? std::string{"dry_run=1"} : "batch=" + url_escape(o.batch);
  if (o.strict) query += "&strict=1";
  if (!o.encoding.empty()) query += "&encoding=" + o.encoding;
  return query;
}

auto send(const context& ctx, const import_options& o, std::istream& in) -> reply {
  const auto total = o.file == "-" ? 0 : size_of(o.file);
  progress bar{ctx, "importing", total, "B"};
  std::uint64_t sent = 0;
  api_client api{ctx};
  api.wait_at_most(30min);  // The last rows may wait for the voucher registry and the disk.
  const auto path = fmt::format("/api/v1/promotions/{}/targets?{}", o.promotion, query_of(o));
  auto r = api.upload(path, media_type(o), total, [&](std::string& piece) {
    if (!read_piece(in, piece)) return false;
    sent += piece.size();
    bar.update(sent);
    return true;
  });
  if (r.good()) bar.finish(sent);
  return r;
}

auto report_import(const context& ctx, const import_options& o, const reply& r) -> exit_code {
  const auto code = report(ctx, r);
  const auto problem = ordered_json::parse(r.body, nullptr, false);
  if (r.status == 0 && !o.dry_run)
    ctx.note(fmt::format("  What came is kept: the same command goes on where it stopped.\n    {} "
                         "--batch {}",
                         command_words(o), domain::shell_word(o.batch)));
  say_ways_out(ctx, o, problem);
  if (!problem.is_object() || !problem.contains("import")) return code;
  const auto& found = problem["import"];
  if (const auto where = save_rejects(ctx, o); !where.empty())
    ctx.note(fmt::format("  {} bad rows: {}",
                         grouped(cell_text(found.value("rejected", ordered_json{}))), where));
  return code;
}

/// The bad rows of a dry run, which the server keeps nowhere.
auto save_dry_rejects(const context& ctx, const import_options& o, const ordered_json& rejects)
    -> bool {
  std::ofstream out{o.rejects, std::ios::binary | std::ios::trunc};
  out << "line,field,code,detail\n";
  for (const auto& r : rejects)
    out << cell_text(r.value("line", ordered_json{})) << ',' << csv_cell(r.value("field", ""))
        << ',' << csv_cell(r.value("code", "")) << ',' << csv_cell(r.value("detail", "")) << '\n';
  out.close();
  if (out) return true;
  ctx.complain(fmt::format("the refused rows could not be saved to {}", o.rejects));
  return false;
}

void say_spread(const context& ctx, const ordered_json& done) {
  std::uint64_t most = 0;
  std::uint64_t partition = 0;
  const auto accepted = done.value("accepted", std::uint64_t{0});
  for (const auto& p : done.value("partitions", ordered_json::array())) {
    if (p.value("count", std::uint64_t{0}) <= most) continue;
    most = p.value("count", std::uint64_t{0});
    partition = p.value("partition_key", std::uint64_t{0});
  }
  if (accepted > 0)
    ctx.note(fmt::format("largest partition: {} with {} targets ({:.1f} %)", partition,
                         grouped(fmt::to_string(most)),
                         100.0 * static_cast<double>(most) / static_cast<double>(accepted)));
}

void warn_of_missing(const context& ctx, const ordered_json& done) {
  for (const auto* what : {"amount", "reason", "expiry"})
    if (const auto rows = done.value(fmt::format("without_{}", what), std::uint64_t{0}); rows > 0)
      ctx.note(fmt::format("warning: {} rows have no {} and the promotion no default: seal would "
                           "refuse",
                           grouped(fmt::to_string(rows)), what));
}

auto finish_dry(const context& ctx, const import_options& o, const ordered_json& done)
    -> exit_code {
  ctx.note(fmt::format("dry run: {} would be accepted, {} rejected; nothing was kept",
                       grouped(cell_text(done.value("accepted", ordered_json{}))),
                       grouped(cell_text(done.value("rejected", ordered_json{})))));
  say_spread(ctx, done);
  warn_of_split(ctx, done);
  warn_of_missing(ctx, done);
  const auto rejects = done.value("rejects", ordered_json::array());
  if (!o.rejects.empty() && !rejects.empty() && !save_dry_rejects(ctx, o, rejects))
    return exit_code::fault;
  return exit_code::done;
}

auto finish(const context& ctx, const import_options& o, const reply& r) -> import_outcome {
  if (!r.good()) return {report_import(ctx, o, r), ""};
  const auto done = ordered_json::parse(r.body, nullptr, false);
  if (!done.is_object()) return {exit_code::fault, ""};
  if (done.value("rows", std::uint64_t{0}) == 0)
    ctx.note("warning: the input has no rows");
  if (o.dry_run) return {finish_dry(ctx, o, done), r.body};
  const auto rejected = done.value("rejected", std::uint64_t{0});
  const auto accepted = done.value("accepted", std::uint64_t{0});
  std::string where;
  if (rejected > 0) where = save_rejects(ctx, o);
  ctx.note(fmt::format("{} accepted, {} rejected{}{}", grouped(fmt::to_string(accepted)),
                       grouped(fmt::to_string(rejected)), where.empty() ? "" : ": ", where));
  const bool lost = rejected > 0 && where.empty();
  return {lost ? exit_code::fault : exit_code::done, r.body};
}

auto abandon(const context& ctx, const import_options& given) -> exit_code {
  auto o = given;
  if (o.batch.empty() && (o.file.empty() || o.file == "-")) {
    ctx.complain("--abandon needs FILE or --batch ID");
    return exit_code::usage;
  }
  if (o.batch.empty()) o.batch = sha256_of_file(ctx, o.file);
  if (o.batch.empty()) return exit_code::usage;
  if (!ctx.confirmed(fmt::format("Give up batch {}? None of its rows will count.", o.batch)))
    return exit_code::usage;
  api_client api{ctx};
  return show_reply(ctx, api.remove(batch_path(o)));
}

auto import_and_print(const context& ctx, const import_options& o) -> exit_code {
  if (o.file.empty()) {
    ctx.complain("FILE is missing (- is stdin)");
    return exit_code::usage;
  }
  const auto done = import_file(ctx, o);
  if (done.answer.empty()) return done.code;
  const auto shown = show_reply(ctx, {200, done.answer, ""});
  return done.code == exit_code::done ? shown : done.code;
}

}  // namespace

void warn_of_split(const context& ctx, const ordered_json& totals) {
  const auto split = totals.value("split_customers", std::uint64_t{0});
  if (split > 0)
    ctx.note(fmt::format("warning: {} customers have targets in more than one partition; their "
                         "grants come in no common order",
                         grouped(fmt::to_string(split))));
}

auto sha256_of_text(std::string_view text) -> std::string {
  sha256 hash;
  hash.add(text);
  return hash.hex();
}

auto sha256_of_file(const context& ctx, const std::string& path) -> std::string {
  std::ifstream in{path, std::ios::binary};
  if (!in) {
    ctx.complain(fmt::format("{}: cannot be read", path));
    return "";
  }
  progress bar{ctx, "hashing", size_of(path), "B"};
  sha256 hash;
  std::uint64_t done = 0;
  for (std::string piece; read_piece(in, piece);) {
    hash.add(piece);
    bar.update(done += piece.size());
  }
  if (bar.drawn()) bar.finish(done);
  return hash.hex();
}

auto import_file(const context& ctx, const import_options& given) -> import_outcome {
  auto o = given;
  if (o.file == "-") {
    if (o.batch.empty() && !o.dry_run) {
      ctx.complain("from stdin a batch id is needed: --batch ID");
      return {exit_code::usage, ""};
    }
    return finish(ctx, o, send(ctx, o, ctx.with.in));
  }
  if (!o.dry_run) {
    if (o.batch.empty()) o.batch = sha256_of_file(ctx, o.file);
    if (o.batch.empty()) return {exit_code::usage, ""};
  }
  std::ifstream in{o.file, std::ios::binary};
  if (!in || std::filesystem::is_directory(o.file)) {
    ctx.complain(fmt::format("{}: cannot be read", o.file));
    return {exit_code::usage, ""};
  }
  return finish(ctx, o, send(ctx, o, in));
}

void add_import_command(CLI::App& noun, context& ctx) {
  auto* c = noun.add_subcommand(
      "import", "Import targets from CSV or NDJSON; repeat it to go on after an interruption");
  auto o = std::make_shared<import_options>();
  auto give_up = std::make_shared<bool>(false);
  c->add_option("id", o->promotion, "Promotion")->required()->check(id_check());
  c->add_option("file", o->file, "File (- is stdin)");
  c->add_option("--format", o->format, "csv or ndjson (by the file's name)")
      ->check(CLI::IsMember({"csv", "ndjson"}));
  c->add_option("--batch", o->batch, "Batch id (the file's SHA-256; needed for stdin)");
  c->add_option("--rejects", o->rejects, "Where refused rows go (FILE.rejects.csv)");
  c->add_option("--encoding", o->encoding, "utf-8 (default) or cp949")
      ->check(CLI::IsMember({"utf-8", "cp949"}));
  auto* strict =
      c->add_flag("--strict", o->strict, "One bad row keeps nothing of the batch (exit 3)");
  auto* dry = c->add_flag("--dry-run", o->dry_run,
                          "Keep nothing: count, sum, partitions, split customers, bad rows");
  auto* abandoned = c->add_flag("--abandon", *give_up,
                                "Give up the open batch of FILE, or that of --batch, instead");
  strict->excludes(dry);
  abandoned->excludes(strict)->excludes(dry);
  c->callback([&ctx, o, give_up] {
    ctx.action = [&ctx, o, give_up] {
      return *give_up ? abandon(ctx, *o) : import_and_print(ctx, *o);
    };
  });
}

}  // namespace bestow::cli
