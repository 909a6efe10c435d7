// serve, version, help, explain.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/codes.hpp"
#include "apps/cli/commands.hpp"
#include "config/settings.hpp"
#include "config/suggest.hpp"

namespace bestow::cli {
namespace {

using nlohmann::ordered_json;

auto to_json(const code_row& row) -> ordered_json {
  ordered_json j;
  j["code"] = row.name;
  j["kind"] = row.kind;
  j["meaning"] = row.meaning;
  j["remedy"] = row.remedy;
  j["http_status"] = row.http_status == 0 ? ordered_json{} : ordered_json(row.http_status);
  j["action"] = row.action.empty() ? ordered_json{} : ordered_json(row.action);
  return j;
}

auto explain_all(const context& ctx) -> exit_code {
  auto rows = ordered_json::array();
  for (const auto& row : all_codes()) rows.push_back(to_json(row));
  if (ctx.output() == output_kind::json)
    ctx.with.out << rows.dump() << '\n';
  else
    print_rows(ctx, rows,
               {{"code", "CODE", false}, {"kind", "KIND", false}, {"meaning", "MEANING", false}});
  return exit_code::done;
}

/// Whether a word of `code` (between '_') stands in `name`; words of three letters or fewer do not
/// count.
auto shares_word(std::string_view name, std::string_view code) -> bool {
  while (!code.empty()) {
    const auto word = code.substr(0, code.find('_'));
    if (word.size() > 3 && name.find(word) != std::string_view::npos) return true;
    code.remove_prefix(std::min(code.size(), word.size() + 1));
  }
  return false;
}

auto explain_one(const context& ctx, const std::string& code) -> exit_code {
  const auto* row = find_code(code);
  if (row == nullptr) {
    std::vector<std::string> names;
    for (const auto& r : all_codes()) names.emplace_back(r.name);
    auto near = config::nearest(code, names, 3);
    if (near.empty())
      for (const auto& name : names)
        if (near.size() < 3 && shares_word(name, code)) near.push_back(name);
    ctx.complain(
        fmt::format("there is no code '{}'.{}", code,
                    near.empty() ? " `bestow explain` lists them all."
                                 : fmt::format(" Near it: {}", fmt::join(near, ", "))));
    return exit_code::not_found;
  }
  if (ctx.output() == output_kind::json) {
    ctx.with.out << to_json(*row).dump() << '\n';
  } else if (ctx.output() == output_kind::csv) {
    print_object(ctx, to_json(*row));
  } else {
    ctx.with.out << row->name << " (" << row->kind << ")\n\n"
                 << row->meaning << "\n\nWhat to do: " << row->remedy << '\n';
  }
  return exit_code::done;
}

}  // namespace

void add_serve(CLI::App& app, context& ctx) {
  auto* c = app.add_subcommand("serve", "Run the service: log, actors, broker and HTTP");
  auto o = std::make_shared<serve_options>();
  c->add_option("-c,--config", o->config, "Configuration file (BESTOW_CONFIG)");
  c->add_option("--data", o->data, "Data directory ([data] dir)");
  c->add_option("--listen", o->listen, "HOST:PORT ([http] listen)");
  c->add_option("--nats", o->nats, "embedded, or the URL of your server ([nats])");
  c->callback([&ctx, o] {
    ctx.action = [&ctx, o] {
      if (o->config.empty()) o->config = ctx.variable("BESTOW_CONFIG");
      return ctx.with.serve(*o);
    };
  });
}

void add_version(CLI::App& app, context& ctx) {
  auto* c = app.add_subcommand("version", "Print the version");
  c->callback([&ctx] {
    ctx.action = [&ctx] {
      if (ctx.output() == output_kind::json)
        ctx.with.out << ordered_json{{"name", "bestow"}, {"version", version()}}.dump() << '\n';
      else
        ctx.with.out << "bestow " << version() << '\n';
      return exit_code::done;
    };
  });
}

void add_help(CLI::App& app, context& ctx) {
  auto* c = app.add_subcommand(
      "help",
      "Help for a command; `help config` lists every setting, `help man` is the manual page");
  auto words = std::make_shared<std::vector<std::string>>();
  c->add_option("command", *words, "Words of the command");
  c->callback([&app, &ctx, words] {
    ctx.action = [&app, &ctx, words] {
      if (*words == std::vector<std::string>{"config"}) {
        ctx.with.out << config::key_table_markdown();
        return exit_code::done;
      }
      if (*words == std::vector<std::string>{"man"}) {
        ctx.with.out << man_page(app);
        return exit_code::done;
      }
      const CLI::App* at = &app;
      for (const auto& word : *words) {
        const auto* sub = find_command(at, word);
        if (sub == nullptr) {
          ctx.complain(fmt::format("there is no command '{}'", fmt::join(*words, " ")));
          return exit_code::usage;
        }
        at = sub;
      }
      ctx.with.out << at->help();
      return exit_code::done;
    };
  });
}

void add_explain(CLI::App& app, context& ctx) {
  auto* c = app.add_subcommand("explain", "What a rejection or fault means and what to do");
  auto code = std::make_shared<std::string>();
  c->add_option("code", *code, "Name of the code; without it all are listed");
  c->callback([&ctx, code] {
    ctx.action = [&ctx, code] {
      return code->empty() ? explain_all(ctx) : explain_one(ctx, *code);
    };
  });
}

}  // namespace bestow::cli
