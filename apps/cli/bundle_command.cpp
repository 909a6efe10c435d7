// bestow debug bundle: what a bug report needs, as a directory of plain files.
#include <filesystem>
#include <fstream>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/evidence/backup.hpp"

namespace bestow::cli {
namespace {

using nlohmann::ordered_json;
using namespace std::chrono_literals;

constexpr std::string_view about =
    "Made by `bestow debug bundle`. It holds no tokens, passwords or customer data: settings that\n"
    "are secrets are left out, and facts and targets are not in it. Read it before you send it.\n"
    "\n"
    "about.json       version, and when it was made\n"
    "settings.json    every key of the configuration with its value\n"
    "health.json      the readiness checks\n"
    "log.json         sizes and ages of the log\n"
    "views.json       where each view stands\n"
    "deliveries.json  where publishing stands\n"
    "broker.json      the broker's streams and their consumers\n"
    "limits.json      every bound of the program\n"
    "metrics.txt      the figures, as Prometheus reads them\n"
    "log_lines.txt    the program's last log lines\n";

auto put(const std::filesystem::path& directory, const std::string& name, std::string_view text)
    -> bool {
  std::ofstream out{directory / name, std::ios::binary | std::ios::trunc};
  out << text;
  out.close();
  return out.good();
}

auto lines_of(const ordered_json& list) -> std::string {
  std::string out;
  for (const auto& line : list) {
    out += cell_text(line);
    if (!out.ends_with('\n')) out += '\n';
  }
  return out;
}

auto write_files(const std::filesystem::path& to, const ordered_json& bundle) -> bool {
  bool good = put(to, "README.txt", about);
  auto rest = ordered_json::object();
  for (const auto& [name, part] : bundle.items()) {
    if (name == "metrics")
      good = put(to, "metrics.txt", cell_text(part)) && good;
    else if (name == "log_lines")
      good = put(to, "log_lines.txt", lines_of(part)) && good;
    else if (part.is_structured())
      good = put(to, name + ".json", part.dump(1) + "\n") && good;
    else
      rest[name] = part;
  }
  return put(to, "about.json", rest.dump(1) + "\n") && good;
}

auto default_name(const ordered_json& bundle) -> std::string {
  std::string digits;
  for (const char c : cell_text(bundle.value("made_at", ordered_json{})).substr(0, 19))
    if (c >= '0' && c <= '9') digits += c;
  return "bestow-debug-" + digits;
}

auto make_bundle(const context& ctx, const std::string& wanted) -> exit_code {
  if (const auto why = wanted.empty() ? "" : evidence::why_not_into(wanted); !why.empty()) {
    ctx.complain(why);
    return exit_code::refused;
  }
  api_client api{ctx};
  const auto r = api.get("/api/v1/debug/bundle");
  if (!r.good()) return report(ctx, r);
  const auto bundle = ordered_json::parse(r.body, nullptr, false);
  if (!bundle.is_object()) {
    ctx.complain("the server's answer is not a bundle");
    return exit_code::fault;
  }
  const auto directory = wanted.empty() ? default_name(bundle) : wanted;
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (!error) std::filesystem::permissions(directory, std::filesystem::perms::owner_all, error);
  if (error || !write_files(directory, bundle)) {
    ctx.complain(fmt::format("{} cannot be written", directory));
    return exit_code::fault;
  }
  const ordered_json document{{"directory", directory}};
  return show_reply(ctx, {200, document.dump(), ""});
}

}  // namespace

void add_debug(CLI::App& app, context& ctx) {
  auto* noun = app.add_subcommand("debug", "For bug reports");
  noun->require_subcommand(1);
  auto* c = noun->add_subcommand(
      "bundle", "Settings without secrets, health, figures, streams and log lines, in a directory");
  auto out = std::make_shared<std::string>();
  c->add_option("--out", *out, "A new directory (bestow-debug-TIME)")->check(path_check());
  c->callback([&ctx, out] { ctx.action = [&ctx, out] { return make_bundle(ctx, *out); }; });
}

}  // namespace bestow::cli
