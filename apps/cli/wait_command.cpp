// bestow wait: until the service is ready or a promotion has come as far as a state.
#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "events/limits.hpp"

namespace bestow::cli {
namespace {

using nlohmann::ordered_json;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

/// What a promotion passes through, in this order; `stopped` and `failed` lie beside it.
constexpr std::array<std::string_view, 6> path_of_states{"draft",     "sealed",  "approved",
                                                         "scheduled", "running", "completed"};
constexpr std::string_view conditions =
    "ready, promotion:ID=STATE with STATE sealed, approved, scheduled, running, stopped or "
    "completed";

struct condition {
  std::string promotion;  ///< "" = the service is ready.
  std::string state;
};

auto place_on_path(std::string_view state) -> std::size_t {
  return static_cast<std::size_t>(std::find(path_of_states.begin(), path_of_states.end(), state) -
                                  path_of_states.begin());
}

auto read_condition(const std::string& word) -> std::optional<condition> {
  if (word == "ready") return condition{};
  constexpr std::string_view prefix = "promotion:";
  const auto equals = word.find('=');
  if (!word.starts_with(prefix) || equals == std::string::npos) return std::nullopt;
  condition c{word.substr(prefix.size(), equals - prefix.size()), word.substr(equals + 1)};
  const bool known = c.state == "stopped" ||
                     (c.state != "draft" && place_on_path(c.state) < path_of_states.size());
  if (!known || !id_check()(c.promotion).empty()) return std::nullopt;
  return c;
}

/// Whether a promotion in `state` has come as far as `wanted`, or never will by itself.
enum class standing { ahead, reached, missed };
auto stand(const std::string& state, const std::string& wanted) -> standing {
  if (state == wanted) return standing::reached;
  if (state == "stopped" || state == "failed" || state == "cancelled") return standing::missed;
  if (wanted == "stopped") return state == "completed" ? standing::missed : standing::ahead;
  const auto at = place_on_path(state);
  return at < path_of_states.size() && at > place_on_path(wanted) ? standing::reached
                                                                  : standing::ahead;
}

/// nullopt: not yet.
auto look(const context& ctx, const condition& c) -> std::optional<exit_code> {
  api_client api{ctx};
  if (c.promotion.empty()) {
    const auto r = api.get("/readyz");
    if (!r.good()) return std::nullopt;
    return show_reply(ctx, r);
  }
  const auto r = api.get("/api/v1/promotions/" + c.promotion);
  if (r.status == 0 || r.status >= 500) return std::nullopt;
  if (!r.good()) return report(ctx, r);
  const auto row = ordered_json::parse(r.body, nullptr, false);
  const auto state = row.is_object() ? row.value("state", "") : "";
  const auto is = stand(state, c.state);
  if (is == standing::ahead) return std::nullopt;
  static_cast<void>(show_reply(ctx, r));
  if (is == standing::reached) return exit_code::done;
  ctx.complain(fmt::format("condition_missed: promotion {} is {} and does not become {} by itself",
                           c.promotion, state, c.state));
  return state == "failed" ? exit_code::fault : exit_code::refused;
}

auto wait_for(const context& ctx, const std::string& word, std::chrono::seconds within)
    -> exit_code {
  const auto wanted = read_condition(word);
  if (!wanted) {
    ctx.complain(fmt::format("--for is '{}'; allowed are {}", word, conditions));
    return exit_code::usage;
  }
  const auto end = steady_clock::now() + within;
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock{mutex};
  for (auto pause = 50ms;; pause = std::min(pause * 2, 1'000ms)) {
    if (const auto code = look(ctx, *wanted)) return *code;
    if (steady_clock::now() + pause > end) break;
    never.wait_for(lock, pause, [] { return false; });
  }
  ctx.complain(fmt::format("timed_out: {} s passed before {}", within.count(), word));
  return exit_code::unavailable;
}

}  // namespace

void add_wait(CLI::App& app, context& ctx) {
  auto* c = app.add_subcommand(
      "wait",
      "Wait for a condition: exit 0 reached, 3 missed (1 when failed), 5 timed out");
  auto word = std::make_shared<std::string>();
  auto seconds = std::make_shared<std::uint32_t>(
      static_cast<std::uint32_t>(std::chrono::seconds{limits::cli_wait_default}.count()));
  c->add_option("--for", *word, std::string{conditions})->required();
  c->add_option("--timeout", *seconds, "30, 30s, 5m or 2h at most")
      ->capture_default_str()
      ->transform(time_check());
  c->callback([&ctx, word, seconds] {
    ctx.action = [&ctx, word, seconds] {
      return wait_for(ctx, *word, std::chrono::seconds{*seconds});
    };
  });
}

}  // namespace bestow::cli
