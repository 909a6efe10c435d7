#include "apps/cli/cli.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/http/schema.hpp"
#include "config/suggest.hpp"
#include "events/limits.hpp"

#ifndef BESTOW_VERSION
#define BESTOW_VERSION "0.1.0"
#endif

namespace bestow::cli {
namespace {

using nlohmann::ordered_json;

constexpr const char* footer =
    "Exit codes: 0 done, 1 fault, 2 usage, 3 refused, 4 not found, 5 unavailable or timed out.\n"
    "Start with `bestow serve`; then `bestow promotion run FILE TARGETS` does the whole job.\n"
    "`bestow explain CODE` says what any code means and what to do.";

void add_globals(CLI::App& app, context& ctx) {
  auto& g = ctx.global;
  app.add_option("--url", g.url, "Server to talk to (BESTOW_URL)")->capture_default_str();
  app.add_option("--token", g.token, "Access token (BESTOW_TOKEN)");
  app.add_option("-o,--output", g.output, "table, json or csv (table on a terminal, else json)")
      ->check(CLI::IsMember({"table", "json", "csv"}));
  app.add_flag("--quiet,-q", g.quiet, "Only data and errors");
  app.add_flag("--no-color", g.no_color, "No colours (NO_COLOR)");
  app.add_flag("--yes,-y", g.yes, "Answer every question with yes");
}

/// Global options may stand anywhere, so that `bestow promotion list -o json` works.
void let_globals_through(CLI::App& app) {
  app.fallthrough();
  for (auto* sub : app.get_subcommands([](CLI::App*) { return true; })) let_globals_through(*sub);
}

auto takes_value(const CLI::App* app, const std::string& word) -> bool {
  if (word.find('=') != std::string::npos) return false;
  const auto* option = app->get_option_no_throw(word);
  if (option == nullptr && app->get_parent() != nullptr)
    return takes_value(app->get_parent(), word);
  return option != nullptr && option->get_expected_min() > 0;
}

auto subcommand_names(const CLI::App* app) -> std::vector<std::string> {
  std::vector<std::string> names;
  for (const auto* sub :
       app->get_subcommands([](const CLI::App* s) { return !s->get_group().empty(); }))
    names.push_back(sub->get_name());
  return names;
}

/// The first word that should be a command and is none, with a suggestion; "" when all are known.
auto unknown_command(const CLI::App& root, const std::vector<std::string>& words) -> std::string {
  const CLI::App* at = &root;
  std::string path = "bestow";
  bool value = false;
  for (const auto& word : words) {
    if (value) {
      value = false;
      continue;
    }
    if (word.starts_with('-') && word.size() > 1) {
      value = takes_value(at, word);
      continue;
    }
    const auto names = subcommand_names(at);
    const auto* sub = find_command(at, word);
    if (sub != nullptr) {
      at = sub;
      path += " " + word;
      continue;
    }
    if (names.empty()) return "";
    return fmt::format("{} has no command '{}'.{}\n  Commands: {}", path, word,
                       config::did_you_mean(word, names), fmt::join(names, ", "));
  }
  return "";
}

auto parse(CLI::App& app, context& ctx, std::vector<std::string> words) -> exit_code {
  const auto given = words;
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back.
  try {
    app.parse(words);
    return exit_code::done;
  } catch (const CLI::CallForHelp&) {
    const CLI::App* at = &app;
    for (auto subs = at->get_subcommands(); !subs.empty(); subs = at->get_subcommands())
      at = subs.front();
    ctx.with.out << at->help();
  } catch (const CLI::CallForVersion&) {
    ctx.with.out << "bestow " << version() << '\n';
  } catch (const CLI::ParseError& error) {
    const auto unknown = unknown_command(app, given);
    ctx.complain(unknown.empty() ? error.what() : unknown);
    ctx.note("  `bestow help` lists the commands; add --help to any of them.");
    return exit_code::usage;
  }
  ctx.action = [] { return exit_code::done; };
  return exit_code::done;
}

}  // namespace

auto version() -> std::string {
  return BESTOW_VERSION;
}

auto context::output() const -> output_kind {
  if (global.output == "table") return output_kind::table;
  if (global.output == "csv") return output_kind::csv;
  if (global.output == "json") return output_kind::json;
  return with.out_is_terminal ? output_kind::table : output_kind::json;
}
auto context::colour() const -> bool {
  return with.out_is_terminal && !global.no_color && variable("NO_COLOR").empty();
}
auto context::variable(std::string_view name) const -> std::string {
  for (const auto& [key, value] : with.environment)
    if (key == name) return value;
  return "";
}
void context::note(std::string_view text) const {
  if (!global.quiet) with.err << text << std::endl;
}
void context::complain(std::string_view text) const {
  const bool red = with.err_is_terminal && !global.no_color && variable("NO_COLOR").empty();
  with.err << (red ? "\x1b[31merror:\x1b[0m " : "error: ") << text << std::endl;
}
auto context::confirmed(std::string_view question) const -> bool {
  if (global.yes) return true;
  if (!with.err_is_terminal) {
    complain(fmt::format("{} Add --yes to do it without being asked.", question));
    return false;
  }
  with.err << question << " [y/N] " << std::flush;
  std::string line;
  return std::getline(with.in, line) && (line == "y" || line == "yes");
}

auto find_command(const CLI::App* app, const std::string& name) -> const CLI::App* {
  for (const auto* sub : app->get_subcommands([](const CLI::App*) { return true; }))
    if (sub->get_name() == name) return sub;
  return nullptr;
}

auto show_reply(const context& ctx, const reply& r) -> exit_code {
  if (!r.good()) return report(ctx, r);
  if (ctx.output() == output_kind::json) {
    ctx.with.out << r.body << '\n';
    return exit_code::done;
  }
  const auto object = ordered_json::parse(r.body, nullptr, false);
  if (object.is_object()) print_object(ctx, object);
  return exit_code::done;
}

auto fields_of(std::string_view schema) -> std::vector<std::string> {
  std::vector<std::string> names;
  if (const auto* s = http::find_schema(schema); s != nullptr)
    for (const auto& f : s->fields) names.emplace_back(f.name);
  return names;
}

auto show_page(const context& ctx, const reply& r, const std::string& field,
               const std::vector<column>& columns, const std::vector<std::string>& fields)
    -> exit_code {
  if (!r.good()) return report(ctx, r);
  if (ctx.output() == output_kind::json) {
    ctx.with.out << r.body << '\n';
    return exit_code::done;
  }
  const auto page = ordered_json::parse(r.body, nullptr, false);
  if (!page.is_object() || !page.contains(field)) return exit_code::fault;
  print_rows(ctx, page[field], columns, fields);
  if (page.contains("next") && !page["next"].is_null())
    ctx.note(fmt::format("more: --after {}", cell_text(page["next"])));
  return exit_code::done;
}

auto id_check() -> CLI::Validator {
  return CLI::Validator(
      [](std::string& word) -> std::string {
        const bool digits = !word.empty() && word.size() <= 19 && word != "0" &&
                            word.find_first_not_of("0123456789") == std::string::npos;
        return digits ? "" : "'" + word + "' is not an id (a number from 1 on)";
      },
      "ID");
}

auto number_check(std::uint64_t low, std::uint64_t high) -> CLI::Validator {
  return CLI::Validator(
      [low, high](std::string& word) -> std::string {
        std::uint64_t value = 0;
        const auto* end = word.data() + word.size();
        const auto [stop, error] = std::from_chars(word.data(), end, value);
        if (error == std::errc{} && stop == end && value >= low && value <= high) return "";
        return fmt::format("'{}' is not a whole number {}..{}", word, low, high);
      },
      "NUMBER");
}

auto path_check() -> CLI::Validator {
  return CLI::Validator(
      [](std::string& word) -> std::string { return word.empty() ? "the path is empty" : ""; },
      "PATH");
}

auto time_check() -> CLI::Validator {
  return CLI::Validator(
      [](std::string& word) -> std::string {
        constexpr std::uint64_t most = std::chrono::seconds{limits::cli_timeout_max}.count();
        auto digits = word;
        const char unit = digits.empty() ? 's' : digits.back();
        const std::uint64_t factor = unit == 'h' ? 3'600 : unit == 'm' ? 60 : 1;
        if (unit == 's' || unit == 'm' || unit == 'h') digits.pop_back();
        if (!number_check(1, most / factor)(digits).empty())
          return fmt::format("'{}' is not a time: 30, 30s, 5m or 2h, at most a year", word);
        word = fmt::to_string(std::stoull(digits) * factor);
        return "";
      },
      "TIME");
}

auto run(const std::vector<std::string>& words, surroundings& with) -> exit_code {
  context ctx{with, {}, {}};
  ctx.global.url = ctx.variable("BESTOW_URL");
  if (ctx.global.url.empty()) ctx.global.url = "http://127.0.0.1:8480";
  ctx.global.token = ctx.variable("BESTOW_TOKEN");
  const auto wanted = ctx.variable("BESTOW_OUTPUT");
  if (wanted == "table" || wanted == "json" || wanted == "csv") ctx.global.output = wanted;
  CLI::App app{"Bestow: exactly-once mass grants with a provable log", "bestow"};
  app.set_version_flag("--version", version());
  app.require_subcommand(1);
  app.footer(footer);
  add_globals(app, ctx);
  add_serve(app, ctx);
  add_promotion(app, ctx);
  add_target(app, ctx);
  add_customer(app, ctx);
  add_result(app, ctx);
  add_log(app, ctx);
  add_view(app, ctx);
  add_nats(app, ctx);
  add_doctor(app, ctx);
  add_explain(app, ctx);
  add_token(app, ctx);
  add_wait(app, ctx);
  add_backup(app, ctx);
  add_debug(app, ctx);
  add_bench(app, ctx);
  add_completion(app, ctx);
  add_version(app, ctx);
  add_help(app, ctx);
  let_globals_through(app);
  if (words.empty()) {
    ctx.with.err << app.help();
    return exit_code::usage;
  }
  if (words.front() == "__complete") return complete(app, ctx, {words.begin() + 1, words.end()});
  if (const auto code = parse(app, ctx, words); code != exit_code::done) return code;
  return ctx.action ? ctx.action() : exit_code::usage;
}

}  // namespace bestow::cli
