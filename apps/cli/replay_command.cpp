// bestow log replay
#include <algorithm>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/offline.hpp"
#include "apps/cli/progress.hpp"
#include "apps/evidence/replay.hpp"

namespace bestow::cli {
namespace {

using nlohmann::ordered_json;

auto views_json(const std::vector<evidence::replayed_view>& views) -> ordered_json {
  auto out = ordered_json::array();
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? ordered_json(nullptr) : ordered_json(text);
  };
  for (const auto& v : views)
    out.push_back({{"name", v.name},
                   {"version", v.version},
                   {"verdict", evidence::name_of(v.verdict)},
                   {"compared_at", v.compared_at.value},
                   {"live_hash", text_or_null(v.live_hash)},
                   {"replay_hash", text_or_null(v.replay_hash)},
                   {"position", v.at.value},
                   {"hash", v.hash}});
  return out;
}

auto verdict_of(const context& ctx, const std::vector<evidence::replayed_view>& views)
    -> exit_code {
  using enum evidence::replay_verdict;
  auto code = exit_code::done;
  for (const auto& v : views) {
    if (v.verdict == different) {
      ctx.complain(fmt::format("{} differs from the log at position {}: the log is right; `bestow "
                               "view rebuild {}` makes it again",
                               v.name, v.compared_at.value, v.name));
      code = exit_code::fault;
    } else if (v.verdict == other_history) {
      ctx.note(fmt::format("{} was made from another log: the next start makes it again", v.name));
    }
  }
  if (code != exit_code::done) return code;
  const auto same = static_cast<std::size_t>(std::ranges::count(
      views, evidence::replay_verdict::equal, &evidence::replayed_view::verdict));
  if (same == 0)
    ctx.note("replayed; there are no serving views to compare with");
  else if (same < views.size())
    ctx.note(fmt::format("replayed: {} of {} views could be compared, and are what the log says",
                         same, views.size()));
  else
    ctx.note("replayed: the serving views are what the log says");
  return code;
}

auto replay(const context& ctx, const std::string& data, const std::string& into) -> exit_code {
  const auto opened = open_offline(ctx, data);
  if (!opened.log) return opened.code;
  const auto head = opened.log->head().last.value;
  std::optional<progress> bar;
  std::string shown;
  const auto views =
      evidence::replay_views(data, into, [&](std::string_view name, std::uint64_t at) {
        if (name != shown) {
          shown = name;
          bar.emplace(ctx, "replaying " + shown, head, "facts");
        }
        bar->update(at);
      });
  if (!views) return report_fault(ctx, views.error());
  const auto rows = views_json(*views);
  if (ctx.output() == output_kind::json) {
    const ordered_json document{{"views", rows}, {"as_of_position", head}};
    ctx.with.out << document.dump() << '\n';
  } else {
    print_rows(ctx, rows,
               {{"name", "VIEW", false},
                {"verdict", "VERDICT", false},
                {"compared_at", "AT", true},
                {"position", "HEAD", true},
                {"hash", "HASH", false}});
  }
  return verdict_of(ctx, *views);
}

}  // namespace

void add_log_replay(CLI::App& noun, context& ctx) {
  auto* c = noun.add_subcommand(
      "replay", "Make every view again from the first fact and compare with the serving ones");
  auto data = std::make_shared<std::string>();
  auto into = std::make_shared<std::string>();
  c->add_option("--data", *data, "A stopped data directory, or a backup")->required();
  c->add_option("--into", *into, "A new directory for the views")->required();
  c->callback(
      [&ctx, data, into] { ctx.action = [&ctx, data, into] { return replay(ctx, *data, *into); }; });
}

}  // namespace bestow::cli
