// bestow log export and bestow log prove: documents that stand for themselves.
#include <fstream>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/offline.hpp"
#include "apps/cli/out_file.hpp"
#include "apps/cli/progress.hpp"
#include "apps/cli/scratch_directory.hpp"
#include "apps/evidence/log_export.hpp"
#include "apps/evidence/proof_check.hpp"
#include "apps/evidence/target_proof.hpp"
#include "apps/http/json_writer.hpp"
#include "store/target_list.hpp"

namespace bestow::cli {
namespace {

/// Written out when this much has gathered.
constexpr std::size_t piece_bytes = 256 * 1024;
constexpr std::string_view end_mark = R"({"kind":"end",)";

/// Whether the text that came ends with a document's last line.
class end_watch {
 public:
  void see(std::string_view piece) {
    tail_.append(piece);
    if (tail_.size() > keep) tail_.erase(0, tail_.size() - keep);
  }
  [[nodiscard]] auto whole() const -> bool {
    if (!tail_.ends_with('\n')) return false;
    const auto line = tail_.rfind('\n', tail_.size() - 2);
    const auto from = line == std::string::npos ? 0 : line + 1;
    return std::string_view{tail_}.substr(from).starts_with(end_mark);
  }

 private:
  static constexpr std::size_t keep = 1'024;
  std::string tail_;
};

/// What became of a file is said already.
auto output_lost(const context& ctx, const out_file& out) -> exit_code {
  if (out.to_stdout()) ctx.complain("standard output cannot be written");
  return exit_code::fault;
}

/// A document that the server makes.
auto fetch(const context& ctx, const std::string& path, const std::string& to) -> exit_code {
  out_file out{ctx, to};
  if (!out.good()) return exit_code::fault;
  api_client api{ctx};
  end_watch end;
  const auto r = api.download(path, [&](std::string_view piece) {
    end.see(piece);
    return out.write(piece);
  });
  if (!r.good()) return report(ctx, r);
  if (!out.good()) return output_lost(ctx, out);
  if (!end.whole()) {
    ctx.complain("incomplete: the server ended the document before its last line; its log says why");
    return exit_code::fault;
  }
  return out.finish() ? exit_code::done : exit_code::fault;
}

/// A document that is made here, out of a data directory.
template <class Document, class Told>
auto write_here(const context& ctx, Document& document, const std::string& to, Told told)
    -> exit_code {
  out_file out{ctx, to};
  std::string piece;
  for (bool more = true; more && out.good();) {
    const auto step = document.step(piece);
    if (!step) return report_fault(ctx, step.error());
    more = *step;
    if (more && piece.size() < piece_bytes) continue;
    if (!out.write(piece)) break;
    piece.clear();
    told();
  }
  if (!out.good()) return output_lost(ctx, out);
  return out.finish() ? exit_code::done : exit_code::fault;
}

struct export_options {
  std::string data;
  std::uint64_t from{1};
  std::uint64_t to{0};
  std::string format{"ndjson"};
  std::string out;
};

auto export_here(const context& ctx, const export_options& o) -> exit_code {
  const auto opened = open_offline(ctx, o.data);
  if (!opened.log) return opened.code;
  evidence::export_request wanted{{o.from}, {o.to}, *evidence::parse_export_format(o.format)};
  evidence::log_export document{*opened.log, wanted};
  progress bar{ctx, "exporting", document.facts_total(), "facts"};
  const auto code = write_here(ctx, document, o.out, [&] { bar.update(document.facts()); });
  if (code == exit_code::done) bar.finish(document.facts());
  return code;
}

auto export_log(const context& ctx, const export_options& o) -> exit_code {
  if (o.to != 0 && o.to < o.from) {
    ctx.complain(fmt::format("--to {} is before --from {}", o.to, o.from));
    return exit_code::usage;
  }
  if (!o.data.empty()) return export_here(ctx, o);
  auto path = fmt::format("/api/v1/log/export?from={}&format={}", o.from, o.format);
  if (o.to != 0) path += fmt::format("&to={}", o.to);
  return fetch(ctx, path, o.out);
}

struct prove_options {
  std::string data;
  std::string promotion;
  std::string target;
  std::string chain{"whole"};
  std::string out;
  std::string check;
  std::string head;
  std::string against;
};

auto prove_here(const context& ctx, const prove_options& o) -> exit_code {
  const auto opened = open_offline(ctx, o.data);
  if (!opened.log) return opened.code;
  // The directory is only read: the list it needs is made elsewhere.
  const scratch_directory scratch;
  auto lists = store::make_target_lists(scratch.path());
  if (!lists) return report_fault(ctx, lists.error());
  auto proof = evidence::target_proof::gather(
      *opened.log, **lists, {std::stoull(o.promotion)}, {std::stoull(o.target)},
      *evidence::parse_proof_chain(o.chain));
  if (!proof) return report_fault(ctx, proof.error());
  if (!*proof) {
    ctx.complain(fmt::format("target_not_found: promotion {} has no target {}, or its list is not "
                             "sealed",
                             o.promotion, o.target));
    return exit_code::not_found;
  }
  return write_here(ctx, **proof, o.out, [] {});
}

auto verdict_json(const evidence::proof_verdict& v) -> std::string {
  http::json_writer w;
  w.begin_object()
      .flag("sound", v.sound)
      .text_or_null("problem", v.problem)
      .id("promotion_id", v.title.subject.promotion.value)
      .id("target_id", v.title.subject.target.value)
      .field("log_id", v.title.log_id)
      .count("claims", v.claims)
      .count("frames", v.frames)
      .flag("chained_to_head", v.chained)
      .flag("ordinal_proved", v.ordinal_proved)
      .count("messages_remade", v.messages_remade)
      .count("messages_read", v.messages_read)
      .count("head_position", v.title.head.value)
      .field("head_hash", to_hex(v.title.head_hash))
      .end_object();
  return w.take();
}

auto check_file(const context& ctx, const prove_options& o) -> exit_code {
  if (!readable(ctx, o.check) || (!o.against.empty() && !readable(ctx, o.against)))
    return exit_code::usage;
  evidence::trusted_hashes trusted;
  sha256_digest head{};
  if (!o.head.empty() && !from_hex(o.head, head)) {
    ctx.complain("--head wants the 64 hex digits that `bestow log stat` shows as head_hash");
    return exit_code::usage;
  }
  if (!o.head.empty()) trusted.head = head;
  std::ifstream known{o.against, std::ios::binary};
  if (!o.against.empty()) trusted.log_export = &known;
  std::ifstream proof{o.check, std::ios::binary};
  const auto verdict = evidence::check_proof(o.check == "-" ? ctx.with.in : proof, trusted);
  static_cast<void>(show_reply(ctx, {200, verdict_json(verdict), ""}));
  if (!verdict.sound) {
    ctx.complain(fmt::format("{}: the proof does not hold: {}", o.check, verdict.problem));
    return exit_code::fault;
  }
  const auto& subject = verdict.title.subject;
  const bool other = (!o.promotion.empty() && o.promotion != std::to_string(subject.promotion.value)) ||
                     (!o.target.empty() && o.target != std::to_string(subject.target.value));
  if (other) {
    ctx.complain(fmt::format("{}: it is the proof of promotion {}, target {}", o.check,
                             subject.promotion.value, subject.target.value));
    return exit_code::fault;
  }
  if (o.head.empty() && o.against.empty())
    ctx.note(verdict.chained
                 ? "sound in itself: compare head_hash with one you trust, or give --head"
                 : "sound in itself: its frames hang in the air until --against names an export");
  return exit_code::done;
}

auto prove(const context& ctx, const prove_options& o) -> exit_code {
  if (!o.check.empty()) return check_file(ctx, o);
  if (!o.head.empty() || !o.against.empty()) {
    ctx.complain("--head and --against go with --check FILE");
    return exit_code::usage;
  }
  if (o.promotion.empty() || o.target.empty()) {
    ctx.complain("name a promotion and a target, or a proof with --check");
    return exit_code::usage;
  }
  if (!o.data.empty()) return prove_here(ctx, o);
  return fetch(ctx,
               fmt::format("/api/v1/promotions/{}/targets/{}/proof?chain={}", o.promotion, o.target,
                           o.chain),
               o.out);
}

}  // namespace

void add_log_export(CLI::App& noun, context& ctx) {
  auto* c = noun.add_subcommand(
      "export", "Every fact as NDJSON, with the frames' bytes: to check the hash chain elsewhere");
  auto o = std::make_shared<export_options>();
  c->add_option("--data", o->data, "Read a data directory instead of a server");
  c->add_option("--from", o->from, "First position")
      ->capture_default_str()
      ->check(number_check(1, ~0ULL));
  c->add_option("--to", o->to, "Last position (the head)")->check(number_check(1, ~0ULL));
  c->add_option("--format", o->format,
                "ndjson (frames and facts), frames, or facts (cannot be checked)")
      ->capture_default_str()
      ->check(CLI::IsMember({"ndjson", "frames", "facts"}));
  c->add_option("--out", o->out, "A file, which appears when it is whole (standard output)")
      ->check(path_check());
  c->callback([&ctx, o] { ctx.action = [&ctx, o] { return export_log(ctx, *o); }; });
}

void add_log_prove(CLI::App& noun, context& ctx) {
  auto* c = noun.add_subcommand(
      "prove", "What the log says of one target, with the frames that say it; or check such a file");
  auto o = std::make_shared<prove_options>();
  c->add_option("promotion", o->promotion, "Promotion")->check(id_check());
  c->add_option("target", o->target, "Target")->check(id_check());
  c->add_option("--data", o->data, "Read a data directory instead of a server");
  c->add_option("--chain", o->chain,
                "whole: every frame up to the head; facts: only those with the target's facts")
      ->capture_default_str()
      ->check(CLI::IsMember({"whole", "facts"}));
  c->add_option("--out", o->out, "A file, which appears when it is whole (standard output)")
      ->check(path_check());
  c->add_option("--check", o->check, "Check this proof (- is stdin); needs no server");
  c->add_option("--head", o->head,
                "With --check: the head's hash that you trust; for a proof with the whole chain");
  c->add_option("--against", o->against,
                "With --check: an export of the log that you trust; every frame must be in it");
  c->callback([&ctx, o] { ctx.action = [&ctx, o] { return prove(ctx, *o); }; });
}

}  // namespace bestow::cli
