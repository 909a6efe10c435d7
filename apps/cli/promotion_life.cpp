// bestow promotion schedule | cancel | close | retry | recall.
#include <algorithm>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "events/limits.hpp"

namespace bestow::cli {
namespace {

using nlohmann::ordered_json;

auto verb_path(const std::string& id, std::string_view verb) -> std::string {
  return fmt::format("/api/v1/promotions/{}/{}", id, verb);
}

struct reasoned {
  std::string id;
  std::string reason;
};

/// A verb that ends something: it asks first.
void add_ending(CLI::App& noun, context& ctx, const std::string& verb, const std::string& help,
                const std::string& question) {
  auto* c = noun.add_subcommand(verb, help);
  auto o = std::make_shared<reasoned>();
  c->add_option("id", o->id, "Promotion")->required()->check(id_check());
  c->add_option("--reason", o->reason, "Stands in the log");
  c->callback([&ctx, o, verb, question] {
    ctx.action = [&ctx, o, verb, question] {
      if (!ctx.confirmed(fmt::format(fmt::runtime(question), o->id))) return exit_code::refused;
      ordered_json body = ordered_json::object();
      if (!o->reason.empty()) body["reason"] = o->reason;
      api_client api{ctx};
      return show_reply(ctx, api.post(verb_path(o->id, verb), body.dump()));
    };
  });
}

void add_schedule(CLI::App& noun, context& ctx) {
  auto* c = noun.add_subcommand("schedule", "Let it start itself, also after downtime");
  auto id = std::make_shared<std::string>();
  auto at = std::make_shared<std::string>();
  c->add_option("id", *id, "Promotion")->required()->check(id_check());
  c->add_option("--at", *at, "2026-01-31T10:30:00+09:00; without an offset Asia/Seoul")->required();
  c->callback([&ctx, id, at] {
    ctx.action = [&ctx, id, at] {
      api_client api{ctx};
      return show_reply(ctx, api.post(verb_path(*id, "schedule"), ordered_json{{"at", *at}}.dump()));
    };
  });
}

struct retry_options {
  std::string id;
  std::string status{"failed"};
  std::vector<std::string> targets;
  bool wait{false};
};

auto retry(const context& ctx, const retry_options& o) -> exit_code {
  ordered_json body{{"status", o.status}};
  if (!o.targets.empty()) body["targets"] = o.targets;
  api_client api{ctx};
  const auto r = api.post(verb_path(o.id, "retry"), body.dump());
  if (!r.good() || !o.wait) return show_reply(ctx, r);
  return show_watched(ctx, watch_promotion(ctx, o.id));
}

void add_retry(CLI::App& noun, context& ctx) {
  auto* c = noun.add_subcommand("retry", "Publish failed (or unknown) targets again");
  auto o = std::make_shared<retry_options>();
  c->add_option("id", o->id, "Promotion")->required()->check(id_check());
  c->add_option("--status", o->status, "failed (default) or unknown")
      ->check(CLI::IsMember({"failed", "unknown"}));
  c->add_option("--target", o->targets, "Only this target; may be repeated")->check(id_check());
  c->add_flag("--wait", o->wait,
              "Wait for the end: exit 0 completed, 1 failed, 3 refused or stopped");
  c->callback([&ctx, o] { ctx.action = [&ctx, o] { return retry(ctx, *o); }; });
}

/// One id a line; a header `target_id` (or the contract's names) and further CSV columns are fine.
auto read_ids(const context& ctx, const std::string& path, std::vector<std::string>& out)
    -> exit_code {
  if (!readable(ctx, path)) return exit_code::usage;
  std::ifstream file;
  if (path != "-") file.open(path);
  auto& in = path == "-" ? ctx.with.in : static_cast<std::istream&>(file);
  std::string line;
  for (std::uint64_t number = 1; std::getline(in, line); ++number) {
    auto id = line.substr(0, line.find_first_of(",\r"));
    if (id.empty()) continue;
    if (number == 1 && id.ends_with("target_id")) continue;
    if (id.find_first_not_of("0123456789") != std::string::npos) {
      ctx.complain(fmt::format("{} line {}: '{}' is not a target id", path, number, id));
      return exit_code::usage;
    }
    out.push_back(std::move(id));
  }
  if (!in.eof()) {
    ctx.complain(fmt::format("cannot read {} to its end", path));
    return exit_code::usage;
  }
  if (out.empty()) ctx.complain(fmt::format("{} holds no target id", path));
  return out.empty() ? exit_code::usage : exit_code::done;
}

struct recall_options {
  std::string id;
  std::string reason;
  std::string file;
};

auto recall(const context& ctx, const recall_options& o) -> exit_code {
  ordered_json body{{"reason", o.reason}};
  std::vector<std::string> ids;
  if (!o.file.empty()) {
    if (const auto code = read_ids(ctx, o.file, ids); code != exit_code::done) return code;
    if (ids.size() > limits::named_targets_max) {
      ctx.complain(fmt::format("{} names {} targets; a recall names at most {}: split the file",
                               o.file, ids.size(), limits::named_targets_max));
      return exit_code::refused;
    }
    body["targets"] = ids;
  }
  const auto what = ids.empty() ? std::string{"every granted target"}
                                : fmt::format("{} targets", ids.size());
  if (!ctx.confirmed(fmt::format("Take back {} of promotion {}?", what, o.id)))
    return exit_code::refused;
  api_client api{ctx};
  return show_reply(ctx, api.post(verb_path(o.id, "recall"), body.dump()));
}

void add_recall(CLI::App& noun, context& ctx) {
  auto* c = noun.add_subcommand("recall", "Take granted targets back by compensating messages");
  auto o = std::make_shared<recall_options>();
  c->add_option("id", o->id, "Promotion")->required()->check(id_check());
  c->add_option("--reason", o->reason, "Stands in the log and in every message")->required();
  c->add_option("--targets", o->file, "File of target ids, one a line (- is stdin)");
  c->callback([&ctx, o] { ctx.action = [&ctx, o] { return recall(ctx, *o); }; });
}

}  // namespace

void add_life_commands(CLI::App& noun, context& ctx) {
  add_schedule(noun, ctx);
  add_ending(noun, ctx, "cancel", "Give it up before its first run",
             "Cancel promotion {}? It can never run.");
  add_ending(noun, ctx, "close", "End it for good: the unpublished rest is abandoned",
             "Close promotion {}? What is unpublished is abandoned, nothing can be retried or "
             "recalled.");
  add_retry(noun, ctx);
  add_recall(noun, ctx);
}

}  // namespace bestow::cli
