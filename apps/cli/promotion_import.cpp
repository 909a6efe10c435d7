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

/// Fetches the refused rows into the rejects file. "" = no file was written.
auto save_rejects(const context& ctx, const import_options& o) -> std::string {
  const auto path = !o.rejects.empty() ? o.rejects
                    : o.file == "-"    ? o.batch + ".rejects.csv"
                                       : o.file + ".rejects.csv";
  std::ofstream out{path, std::ios::binary | std::ios::trunc};
  api_client api{ctx};
  const auto r = api.download(batch_path(o) + "/rejects", [&out](std::string_view piece) {
    out.write(piece.data(), static_cast<std::streamsize>(piece.size()));
    return out.good();
  });
  out.close();
  if (r.good() && out) return path;
  ctx.complain(fmt::format("the refused rows could not be saved to {}", path));
  return "";
}

auto send(const context& ctx, const import_options& o, std::istream& in) -> reply {
  const auto total = o.file == "-" ? 0 : size_of(o.file);
  progress bar{ctx, "importing", total, "B"};
  std::uint64_t sent = 0;
  api_client api{ctx};
  api.wait_at_most(30min);  // The last rows may wait for the voucher registry and the disk.
  const auto path =
      fmt::format("/api/v1/promotions/{}/targets?batch={}", o.promotion, url_escape(o.batch));
  auto r = api.upload(path, media_type(o), total, [&](std::string& piece) {
    if (!read_piece(in, piece)) return false;
    sent += piece.size();
    bar.update(sent);
    return true;
  });
  if (r.good()) bar.finish(sent);
  return r;
}

auto finish(const context& ctx, const import_options& o, const reply& r) -> import_outcome {
  if (!r.good()) return {report(ctx, r), ""};
  const auto done = ordered_json::parse(r.body, nullptr, false);
  if (!done.is_object()) return {exit_code::fault, ""};
  const auto rejected = done.value("rejected", std::uint64_t{0});
  const auto accepted = done.value("accepted", std::uint64_t{0});
  std::string where;
  if (rejected > 0) where = save_rejects(ctx, o);
  ctx.note(fmt::format("{} accepted, {} rejected{}{}", grouped(fmt::to_string(accepted)),
                       grouped(fmt::to_string(rejected)), where.empty() ? "" : ": ", where));
  return {exit_code::done, r.body};
}

auto abandon(const context& ctx, const import_options& o) -> exit_code {
  if (o.batch.empty()) {
    ctx.complain("--abandon needs --batch ID");
    return exit_code::usage;
  }
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
  if (done.code != exit_code::done) return done.code;
  return show_reply(ctx, {200, done.answer, ""});
}

}  // namespace

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
    if (o.batch.empty()) {
      ctx.complain("from stdin a batch id is needed: --batch ID");
      return {exit_code::usage, ""};
    }
    return finish(ctx, o, send(ctx, o, ctx.with.in));
  }
  if (o.batch.empty()) o.batch = sha256_of_file(ctx, o.file);
  if (o.batch.empty()) return {exit_code::usage, ""};
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
  c->add_flag("--abandon", *give_up, "Give up an open batch instead");
  c->callback([&ctx, o, give_up] {
    ctx.action = [&ctx, o, give_up] {
      return *give_up ? abandon(ctx, *o) : import_and_print(ctx, *o);
    };
  });
}

}  // namespace bestow::cli
