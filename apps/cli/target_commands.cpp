// bestow target ... and bestow view ...
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/http/schema.hpp"
#include "events/limits.hpp"

namespace bestow::cli {
namespace {

using nlohmann::ordered_json;

void add_show(CLI::App& noun, context& ctx) {
  auto* c = noun.add_subcommand("show", "One target with its history");
  auto promotion = std::make_shared<std::string>();
  auto target = std::make_shared<std::string>();
  c->add_option("promotion", *promotion, "Promotion")->required()->check(id_check());
  c->add_option("target", *target, "Target")->required()->check(id_check());
  auto as_of = std::make_shared<std::string>();
  add_as_of(*c, *as_of);
  c->callback([&ctx, promotion, target, as_of] {
    ctx.action = [&ctx, promotion, target, as_of] {
      auto api = patient_client(ctx, *as_of);
      const auto path = fmt::format("/api/v1/promotions/{}/targets/{}", *promotion, *target);
      const auto r = api->get(with_query(path, {"as_of"}, {*as_of}));
      const auto code = show_reply(ctx, r);
      if (code != exit_code::done || ctx.output() != output_kind::table) return code;
      const auto object = ordered_json::parse(r.body, nullptr, false);
      ctx.with.out << '\n';
      print_rows(ctx, object.value("history", ordered_json::array()),
                 {{"position", "POSITION", true},
                  {"recorded_at", "AT", false},
                  {"event", "EVENT", false},
                  {"detail", "DETAIL", false}});
      return code;
    };
  });
}

/// Voucher and point targets name their id differently; the table shows whichever is there.
void name_ids(ordered_json& page) {
  for (auto& row : page["targets"]) {
    for (const auto* name : {"voucher_target_id", "point_target_id"})
      if (row.contains(name)) row["target_id"] = row[name];
    for (const auto* name : {"valid_until", "expiry_at"})
      if (row.contains(name)) row["expiry"] = row[name];
  }
}

/// The columns of a list without rows: those that a target of this promotion would have.
auto listed_fields(const reply& r) -> std::vector<std::string> {
  const auto page = ordered_json::parse(r.body, nullptr, false);
  const bool voucher = page.is_object() && page.value("promotion_type", "") == "VOUCHER";
  std::vector<std::string> names;
  for (const auto& f : http::find_schema("Target")->fields) {
    const bool other = f.meaning == (voucher ? "Of points." : "Of a voucher.");
    if (!other && f.meaning != "Only of a single target.") names.emplace_back(f.name);
  }
  return names;
}

auto show_targets(const context& ctx, reply r) -> exit_code {
  static const std::vector<column> columns{
      {"target_id", "TARGET", false},       {"customer_uid", "CUSTOMER", false},
      {"amount", "AMOUNT", true, true},     {"partition_key", "PARTITION", true},
      {"publish_status", "PUBLISH", false}, {"status", "STATUS", false},
      {"attempt", "ATTEMPT", true},         {"transaction_key", "TRANSACTION", false},
      {"error_message", "ERROR", false}};
  if (r.good() && ctx.output() == output_kind::table) {
    auto page = ordered_json::parse(r.body, nullptr, false);
    if (page.is_object()) {
      name_ids(page);
      r.body = page.dump();
    }
  }
  return show_page(ctx, r, "targets", columns, listed_fields(r));
}

void add_list(CLI::App& noun, context& ctx) {
  auto* c = noun.add_subcommand("list", "Targets by ascending id");
  auto promotion = std::make_shared<std::string>();
  auto query = std::make_shared<std::vector<std::string>>(5);
  c->add_option("promotion", *promotion, "Promotion")->required()->check(id_check());
  c->add_option("--status", (*query)[0], "pending, released, published, retrying, success, ...");
  c->add_option("--partition", (*query)[1], "Only this partition")
      ->check(number_check(0, limits::partition_count_max - 1));
  c->add_option("--after", (*query)[2], "Ids above this one")->check(id_check());
  c->add_option("--limit", (*query)[3], "Rows of a page (100; at most 1000)")
      ->check(number_check(1, limits::page_limit_max));
  add_as_of(*c, (*query)[4]);
  c->callback([&ctx, promotion, query] {
    ctx.action = [&ctx, promotion, query] {
      auto api = patient_client(ctx, (*query)[4]);
      return show_targets(
          ctx, api->get(with_query(fmt::format("/api/v1/promotions/{}/targets", *promotion),
                                   {"status", "partition", "after", "limit", "as_of"}, *query)));
    };
  });
}

}  // namespace

void add_target(CLI::App& app, context& ctx) {
  auto* noun = app.add_subcommand("target", "Single lines of a promotion's list");
  noun->require_subcommand(1);
  add_show(*noun, ctx);
  add_list(*noun, ctx);
}

}  // namespace bestow::cli
