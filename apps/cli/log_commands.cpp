// bestow log ...
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/offline.hpp"

namespace bestow::cli {
namespace {

using nlohmann::ordered_json;
using namespace std::chrono_literals;

const std::vector<column>& fact_columns() {
  static const std::vector<column> columns{
      {"position", "POSITION", true}, {"recorded_at", "AT", false}, {"stream", "STREAM", false},
      {"version", "VERSION", true},   {"event", "EVENT", false},    {"data", "DATA", false}};
  return columns;
}

void add_stat(CLI::App& noun, context& ctx) {
  auto* c = noun.add_subcommand("stat", "Sizes and ages of the log");
  auto data = std::make_shared<std::string>();
  c->add_option("--data", *data, "Read a data directory instead of a server");
  c->callback([&ctx, data] {
    ctx.action = [&ctx, data] {
      if (data->empty()) {
        api_client api{ctx};
        return show_reply(ctx, api.get("/api/v1/log/stat"));
      }
      const auto found = stat_of_directory(ctx, *data);
      if (found.code != exit_code::done) return found.code;
      return show_reply(ctx, {200, found.json, ""});
    };
  });
}

struct cat_options {
  std::string data;
  std::string stream;
  std::uint64_t from{1};
  std::uint64_t limit{100};
};

auto fetch_page(const context& ctx, api_client& api, const cat_options& o, std::uint64_t from,
                std::uint64_t limit) -> offline_answer {
  if (!o.data.empty()) return facts_of_directory(ctx, o.data, from, limit, o.stream);
  auto path = fmt::format("/api/v1/log?from={}&limit={}", from, limit);
  if (!o.stream.empty()) path += "&stream=" + url_escape(o.stream);
  const auto r = api.get(path);
  if (!r.good()) return {report(ctx, r), ""};
  return {exit_code::done, r.body};
}

/// Fetches page by page, so that any --limit works; JSON is one fact a line.
auto cat(const context& ctx, const cat_options& o) -> exit_code {
  constexpr std::uint64_t page_facts = 1'000;
  api_client api{ctx};
  auto from = o.from;
  auto left = o.limit;
  auto all = ordered_json::array();
  while (left > 0) {
    const auto page = fetch_page(ctx, api, o, from, std::min(left, page_facts));
    if (page.code != exit_code::done) return page.code;
    const auto parsed = ordered_json::parse(page.json, nullptr, false);
    const auto facts = parsed.value("facts", ordered_json::array());
    left -= std::min<std::uint64_t>(left, facts.size());
    for (const auto& fact : facts) {
      if (ctx.output() == output_kind::json)
        ctx.with.out << fact.dump() << '\n';
      else
        all.push_back(fact);
    }
    if (facts.empty() || !parsed.contains("next") || parsed["next"].is_null()) break;
    from = parsed["next"].get<std::uint64_t>();
  }
  if (ctx.output() != output_kind::json) print_rows(ctx, all, fact_columns(), fields_of("Fact"));
  return exit_code::done;
}

void add_cat(CLI::App& noun, context& ctx) {
  auto* c = noun.add_subcommand("cat", "Facts from a position on (JSON: one a line)");
  auto o = std::make_shared<cat_options>();
  c->add_option("--data", o->data, "Read a data directory instead of a server");
  c->add_option("--from", o->from, "First position; with --stream first version")
      ->capture_default_str()
      ->check(number_check(1, ~0ULL));
  c->add_option("--limit", o->limit, "Facts at most")
      ->capture_default_str()
      ->check(number_check(1, ~0ULL));
  c->add_option("--stream", o->stream, "promotion-ID, partition-ID-K, delivery-voucher or -point");
  c->callback([&ctx, o] { ctx.action = [&ctx, o] { return cat(ctx, *o); }; });
}

auto print_fact(const context& ctx, const server_event& e) -> bool {
  if (e.type == "reset") ctx.note("some facts were skipped; `bestow log cat` shows them");
  if (e.type != "fact") return true;
  if (ctx.output() != output_kind::table) {
    ctx.with.out << e.data << std::endl;
    return true;
  }
  const auto f = ordered_json::parse(e.data, nullptr, false);
  if (!f.is_object()) return true;
  ctx.with.out << fmt::format("{:>8}  {}  {:<20} {:<24} {}", f.value("position", 0ULL),
                              cell_text(f.value("recorded_at", ordered_json{})),
                              f.value("stream", ""), f.value("event", ""),
                              f.value("data", ordered_json{}).dump())
               << std::endl;
  return true;
}

void add_tail(CLI::App& noun, context& ctx) {
  auto* c = noun.add_subcommand("tail", "Follow the log as it grows");
  auto from = std::make_shared<std::uint64_t>(0);
  c->add_option("--from", *from, "Begin after this position instead of at the end")
      ->check(number_check(0, ~0ULL));
  c->callback([&ctx, from] {
    ctx.action = [&ctx, from] {
      std::string last = *from == 0 ? "" : fmt::to_string(*from);
      // A connection that ends after it brought something is opened again where it stood.
      for (;;) {
        const auto before = last;
        api_client api{ctx};
        const auto r = api.follow("/api/v1/stream?kind=fact", last, [&](const server_event& e) {
          if (!e.id.empty()) last = e.id;
          return print_fact(ctx, e);
        });
        if (r.status != 0 || last == before) return report(ctx, r);
      }
    };
  });
}

auto print_verdict(const context& ctx, const offline_answer& found) -> exit_code {
  if (found.json.empty()) return found.code;
  static_cast<void>(show_reply(ctx, {200, found.json, ""}));
  const auto report = ordered_json::parse(found.json, nullptr, false);
  if (report.value("clean", false)) return exit_code::done;
  ctx.complain(fmt::format("log_corrupt: {}", cell_text(report.value("problem", ordered_json{}))));
  return exit_code::fault;
}

void add_verify(CLI::App& noun, context& ctx) {
  auto* c =
      noun.add_subcommand("verify", "Walk the hash chain: exit 0 when every bit is as written");
  auto data = std::make_shared<std::string>();
  c->add_option("--data", *data, "Read a data directory instead of a server");
  c->callback([&ctx, data] {
    ctx.action = [&ctx, data] {
      if (!data->empty()) return print_verdict(ctx, verify_offline(ctx, *data));
      api_client api{ctx};
      api.wait_at_most(1h);
      const auto r = api.get("/api/v1/log/verify");
      if (!r.good()) return report(ctx, r);
      return print_verdict(ctx, {exit_code::done, r.body});
    };
  });
}

}  // namespace

void add_log(CLI::App& app, context& ctx) {
  auto* noun = app.add_subcommand("log", "The log: the only truth");
  noun->require_subcommand(1);
  add_stat(*noun, ctx);
  add_cat(*noun, ctx);
  add_tail(*noun, ctx);
  add_verify(*noun, ctx);
  add_log_export(*noun, ctx);
  add_log_replay(*noun, ctx);
  add_log_prove(*noun, ctx);
}

}  // namespace bestow::cli
