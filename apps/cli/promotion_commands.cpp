// bestow promotion ...
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "events/limits.hpp"

namespace bestow::cli {
namespace {

using nlohmann::ordered_json;

auto promotion_path(const std::string& id) -> std::string {
  return "/api/v1/promotions/" + id;
}

const std::vector<column>& promotion_columns() {
  static const std::vector<column> columns{{"promotion_id", "PROMOTION", false},
                                           {"promotion_type", "TYPE", false},
                                           {"state", "STATE", false},
                                           {"total_count", "TARGETS", true},
                                           {"published_count", "PUBLISHED", true},
                                           {"success_count", "SUCCESS", true},
                                           {"fail_count", "FAILED", true},
                                           {"retrying_count", "RETRYING", true},
                                           {"success_amount", "AMOUNT", true, true},
                                           {"currency", "CUR", false}};
  return columns;
}

/// A verb without arguments of its own: POST promotions/{id}/{verb}.
void add_verb(CLI::App& noun, context& ctx, const std::string& verb, const std::string& help) {
  auto* c = noun.add_subcommand(verb, help);
  auto id = std::make_shared<std::string>();
  c->add_option("id", *id, "Promotion")->required()->check(id_check());
  c->callback([&ctx, id, verb] {
    ctx.action = [&ctx, id, verb] {
      api_client api{ctx};
      api.wait_at_most(std::chrono::minutes{30});
      return show_reply(ctx, api.post(promotion_path(*id) + "/" + verb, "{}"));
    };
  });
}

void add_seal(CLI::App& noun, context& ctx) {
  auto* c = noun.add_subcommand("seal", "Fix the list: count, sum and content");
  auto id = std::make_shared<std::string>();
  c->add_option("id", *id, "Promotion")->required()->check(id_check());
  c->callback([&ctx, id] {
    ctx.action = [&ctx, id] {
      api_client api{ctx};
      api.wait_at_most(std::chrono::minutes{30});  // Sealing 10^8 targets takes minutes.
      const auto sealed = api.post(promotion_path(*id) + "/seal", "{}");
      if (sealed.good()) {
        const auto now = api.get(promotion_path(*id));
        const auto totals = ordered_json::parse(now.body, nullptr, false);
        if (now.good() && totals.is_object()) warn_of_split(ctx, totals);
      }
      return show_reply(ctx, sealed);
    };
  });
}

void add_create(CLI::App& noun, context& ctx) {
  auto* c = noun.add_subcommand("create", "Create a promotion from a TOML or JSON file");
  auto file = std::make_shared<std::string>();
  auto key = std::make_shared<std::string>();
  c->add_option("-f,--file", *file, "Definition (.toml or .json; - is stdin)")->required();
  c->add_option("--idempotency-key", *key, "The same key and file again give the same promotion");
  c->callback([&ctx, file, key] {
    ctx.action = [&ctx, file, key] {
      const auto wanted = read_definition(ctx, *file);
      if (wanted.code != exit_code::done) return wanted.code;
      api_client api{ctx};
      const auto r = api.post("/api/v1/promotions", wanted.json, *key);
      return r.good() ? show_reply(ctx, r) : report_definition(ctx, wanted, r);
    };
  });
}

struct start_options {
  std::string id;
  std::string date;
  bool wait{false};
  std::uint32_t seconds{0};
};

auto start(const context& ctx, const start_options& o) -> exit_code {
  ordered_json body = ordered_json::object();
  if (!o.date.empty()) body["run_date"] = o.date;
  api_client api{ctx};
  const auto r = api.post(promotion_path(o.id) + "/start", body.dump());
  if (!r.good() || !o.wait) return show_reply(ctx, r);
  return show_watched(ctx, watch_promotion(ctx, o.id, std::chrono::seconds{o.seconds}));
}

void add_start(CLI::App& noun, context& ctx) {
  auto* c = noun.add_subcommand("start", "Start the run");
  auto o = std::make_shared<start_options>();
  c->add_option("id", o->id, "Promotion")->required()->check(id_check());
  c->add_option("--run-date", o->date, "2026-01-31 or 20260131 (today in Asia/Seoul)");
  c->add_flag("--wait", o->wait,
              "Wait for the end: exit 0 completed, 1 failed, 3 refused or stopped, 5 timed out");
  c->add_option("--timeout", o->seconds, "30, 30s, 5m or 2h to wait at most")
      ->transform(time_check());
  c->callback([&ctx, o] { ctx.action = [&ctx, o] { return start(ctx, *o); }; });
}

void add_stop(CLI::App& noun, context& ctx) {
  auto id = std::make_shared<std::string>();
  auto* stop =
      noun.add_subcommand("stop", "Stop: done when every released message is on the stream");
  auto reason = std::make_shared<std::string>();
  stop->add_option("id", *id, "Promotion")->required()->check(id_check());
  stop->add_option("--reason", *reason, "Stands in the log");
  stop->callback([&ctx, id, reason] {
    ctx.action = [&ctx, id, reason] {
      ordered_json body = ordered_json::object();
      if (!reason->empty()) body["reason"] = *reason;
      api_client api{ctx};
      return show_reply(ctx, api.post(promotion_path(*id) + "/stop", body.dump()));
    };
  });
}

void add_show_and_list(CLI::App& noun, context& ctx) {
  auto* show = noun.add_subcommand("show", "One promotion with its summary");
  auto id = std::make_shared<std::string>();
  auto partitions = std::make_shared<bool>(false);
  auto as_of = std::make_shared<std::string>();
  show->add_option("id", *id, "Promotion")->required()->check(id_check());
  show->add_flag("--partitions", *partitions, "Progress of each partition instead");
  add_as_of(*show, *as_of);
  show->callback([&ctx, id, partitions, as_of] {
    ctx.action = [&ctx, id, partitions, as_of] {
      const auto path = promotion_path(*id) + (*partitions ? "/partitions" : "");
      auto api = patient_client(ctx, *as_of);
      const auto r = api->get(with_query(path, {"as_of"}, {*as_of}));
      if (!*partitions) return show_reply(ctx, r);
      return show_page(ctx, r, "partitions",
                       {{"partition_key", "PARTITION", true},
                        {"total_count", "TARGETS", true},
                        {"released_count", "RELEASED", true},
                        {"published_count", "PUBLISHED", true},
                        {"success_count", "SUCCESS", true},
                        {"fail_count", "FAILED", true},
                        {"done", "DONE", false}},
                       fields_of("Partition"));
    };
  });
  auto* list = noun.add_subcommand("list", "Promotions by ascending id");
  auto query = std::make_shared<std::vector<std::string>>(4);
  list->add_option("--status", (*query)[0], "READY, IN_PROGRESS, COMPLETED, STOPPED, or a state");
  list->add_option("--after", (*query)[1], "Ids above this one")->check(id_check());
  list->add_option("--limit", (*query)[2], "Rows of a page (100; at most 1000)")
      ->check(number_check(1, limits::page_limit_max));
  add_as_of(*list, (*query)[3]);
  list->callback([&ctx, query] {
    ctx.action = [&ctx, query] {
      auto api = patient_client(ctx, (*query)[3]);
      const auto path =
          with_query("/api/v1/promotions", {"status", "after", "limit", "as_of"}, *query);
      return show_page(ctx, api->get(path), "promotions", promotion_columns(),
                       fields_of("Promotion"));
    };
  });
}

void add_watch(CLI::App& noun, context& ctx) {
  auto* c = noun.add_subcommand("watch", "Follow a promotion until it is completed or stopped");
  auto id = std::make_shared<std::string>();
  auto seconds = std::make_shared<std::uint32_t>(0);
  c->add_option("id", *id, "Promotion")->required()->check(id_check());
  c->add_option("--timeout", *seconds, "30, 30s, 5m or 2h to watch at most; then exit 5")
      ->transform(time_check());
  c->callback([&ctx, id, seconds] {
    ctx.action = [&ctx, id, seconds] {
      return show_watched(ctx, watch_promotion(ctx, *id, std::chrono::seconds{*seconds}));
    };
  });
}

}  // namespace

void add_import_command(CLI::App& noun, context& ctx);
void add_life_commands(CLI::App& noun, context& ctx);
void add_reconcile_command(CLI::App& noun, context& ctx);
void add_run_command(CLI::App& noun, context& ctx);

void add_promotion(CLI::App& app, context& ctx) {
  auto* noun = app.add_subcommand("promotion", "Mass grants: create, import, run, compare");
  noun->require_subcommand(1);
  add_create(*noun, ctx);
  add_import_command(*noun, ctx);
  add_seal(*noun, ctx);
  add_verb(*noun, ctx, "approve", "Approve the sealed list");
  add_start(*noun, ctx);
  add_stop(*noun, ctx);
  add_verb(*noun, ctx, "resume", "Go on from the exact target");
  add_life_commands(*noun, ctx);
  add_show_and_list(*noun, ctx);
  add_watch(*noun, ctx);
  add_reconcile_command(*noun, ctx);
  add_run_command(*noun, ctx);
}

}  // namespace bestow::cli
