// Shell completion: thin scripts that ask `bestow __complete WORDS...`, so that the words are
// always those of this binary. Promotion ids come from the server when it answers at once.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/bench_table.hpp"
#include "apps/cli/codes.hpp"
#include "apps/cli/commands.hpp"

namespace bestow::cli {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view bash_script =
    R"sh(# bash completion of bestow: eval "$(bestow completion bash)"
_bestow() {
  local IFS=$'\n'
  COMPREPLY=($(bestow __complete "${COMP_WORDS[@]:1:$COMP_CWORD}" 2>/dev/null))
  [ ${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- "${COMP_WORDS[$COMP_CWORD]}"))
}
complete -F _bestow bestow
)sh";
constexpr std::string_view zsh_script = R"sh(#compdef bestow
# zsh completion of bestow: eval "$(bestow completion zsh)"
_bestow() {
  local -a found
  found=("${(@f)$(bestow __complete "${(@)words[2,$CURRENT]}" 2>/dev/null)}")
  if [[ -n "${found[1]}" ]]; then compadd -a found; else _files; fi
}
compdef _bestow bestow
)sh";
constexpr std::string_view fish_script =
    R"sh(# fish completion of bestow: bestow completion fish | source
function __bestow_complete
  set -l words (commandline -opc) (commandline -ct)
  bestow __complete $words[2..-1] 2>/dev/null
end
complete -c bestow -a '(__bestow_complete)'
)sh";

/// Words after the command, to be filled in by what the server knows.
auto promotion_ids(const context& ctx) -> std::vector<std::string> {
  using namespace std::chrono_literals;
  api_client api{ctx};
  api.wait_at_most(1s);
  const auto r = api.get("/api/v1/promotions?stale=1&limit=1000");
  std::vector<std::string> ids;
  const auto page = ordered_json::parse(r.body, nullptr, false);
  if (!r.good() || !page.is_object()) return ids;
  for (const auto& row : page.value("promotions", ordered_json::array()))
    ids.push_back(row.value("promotion_id", ""));
  return ids;
}

auto options_of(const CLI::App* app) -> std::vector<std::string> {
  std::vector<std::string> names;
  for (const auto* at = app; at != nullptr; at = at->get_parent())
    for (const auto* option : at->get_options())
      for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

auto names_below(const CLI::App& app) -> std::vector<std::string> {
  std::vector<std::string> names;
  for (const auto* sub :
       app.get_subcommands([](const CLI::App* s) { return !s->get_group().empty(); }))
    names.push_back(sub->get_name());
  return names;
}

auto candidates(const context& ctx, const CLI::App* at, const std::string& start)
    -> std::vector<std::string> {
  if (start.starts_with('-')) return options_of(at);
  auto words = names_below(*at);
  if (!words.empty()) return words;
  if (at->get_name() == "explain") {
    for (const auto& row : all_codes()) words.emplace_back(row.name);
    return words;
  }
  if (at->get_name() == "help") {
    words = names_below(*at->get_parent());
    words.insert(words.end(), {"config", "man"});
    return words;
  }
  if (at->get_name() == "bench") return bench_works();
  if (at->get_name() == "completion") return {"bash", "zsh", "fish"};
  const bool takes_promotion =
      at->get_option_no_throw("id") != nullptr || at->get_option_no_throw("promotion") != nullptr;
  return takes_promotion ? promotion_ids(ctx) : words;
}

}  // namespace

auto complete(const CLI::App& app, const context& ctx, const std::vector<std::string>& words)
    -> exit_code {
  const CLI::App* at = &app;
  for (std::size_t i = 0; i + 1 < words.size(); ++i)
    if (const auto* sub = find_command(at, words[i])) at = sub;
  const auto start = words.empty() ? std::string{} : words.back();
  auto found = candidates(ctx, at, start);
  std::sort(found.begin(), found.end());
  for (const auto& word : found)
    if (word.starts_with(start)) ctx.with.out << word << '\n';
  return exit_code::done;
}

void add_completion(CLI::App& app, context& ctx) {
  auto* c = app.add_subcommand("completion", "Print the completion script of a shell");
  auto shell = std::make_shared<std::string>();
  c->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  c->callback([&ctx, shell] {
    ctx.action = [&ctx, shell] {
      ctx.with.out << (*shell == "bash" ? bash_script : *shell == "zsh" ? zsh_script : fish_script);
      return exit_code::done;
    };
  });
}

}  // namespace bestow::cli
