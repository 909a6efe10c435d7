// Following a promotion over the event stream, with reconnects.
#include <algorithm>
#include <condition_variable>
#include <mutex>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/progress.hpp"
#include "events/limits.hpp"

namespace bestow::cli {
namespace {

using nlohmann::ordered_json;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

/// Waits before the next try; nothing can end it early, the process may be interrupted.
void wait_before_retry(std::chrono::milliseconds time) {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock{mutex};
  never.wait_for(lock, time, [] { return false; });
}

auto timed_out(const context& ctx, const std::string& id) -> exit_code {
  ctx.complain(fmt::format("timed_out: promotion {} goes on without being watched", id));
  return exit_code::unavailable;
}

auto resting_code(const std::string& state) -> std::optional<exit_code> {
  if (state == "completed") return exit_code::done;
  if (state == "stopped" || state == "cancelled") return exit_code::refused;
  if (state == "failed") return exit_code::fault;
  return std::nullopt;
}

/// Shows rows as they arrive and knows when the promotion rests.
class watcher {
 public:
  explicit watcher(const context& ctx) : ctx_{ctx} {}

  /// False: it rests, or the row cannot be read.
  auto take(const std::string& json) -> bool {
    const auto row = ordered_json::parse(json, nullptr, false);
    if (!row.is_object()) return false;
    out.promotion = json;
    const auto state = row.value("state", "");
    const auto total = row.value("total_count", std::uint64_t{0});
    const auto settled = settled_of(row);
    if (state != shown_state_) {
      shown_state_ = state;
      ctx_.note(fmt::format("promotion {} is {}", row.value("promotion_id", ""), state));
    }
    if (!bar_ && total > 0 && state == "running")
      bar_.emplace(ctx_, "targets settled", total, "targets");
    if (bar_) bar_->update(settled);
    const auto code = resting_code(state);
    if (!code) return true;
    out.code = *code;
    if (bar_) bar_->finish(settled);
    return false;
  }

  watch_outcome out;

 private:
  static auto settled_of(const ordered_json& row) -> std::uint64_t {
    std::uint64_t n = 0;
    for (const auto* name : {"success_count", "fail_count", "unknown_count", "abandoned_count"})
      n += row.value(name, std::uint64_t{0});
    // With completion = published nothing else ever arrives: publishing is the progress.
    return std::max(n, row.value("state", "") == "completed" ? row.value("total_count", n) : n);
  }

  const context& ctx_;
  std::string shown_state_;
  std::optional<progress> bar_;
};

}  // namespace

auto watch_promotion(const context& ctx, const std::string& id, std::chrono::seconds within)
    -> watch_outcome {
  watcher w{ctx};
  const auto started = steady_clock::now();
  const auto too_late = [&] {
    return within.count() > 0 && steady_clock::now() - started > within;
  };
  auto reached = started;
  std::string last_id;
  for (auto pause = 100ms;; pause = std::min(pause * 2, 2'000ms)) {
    api_client api{ctx};
    const auto now = api.get("/api/v1/promotions/" + id);
    if (now.status != 0 && now.status < 500 && !now.good()) return {report(ctx, now), ""};
    if (now.good()) {
      if (!w.take(now.body)) return w.out;
      reached = steady_clock::now();
      bool rests = false;
      const auto ended = api.follow("/api/v1/stream?kind=promotion&promotion=" + id, last_id,
                                    [&](const server_event& e) {
                                      if (!e.id.empty()) last_id = e.id;
                                      rests = e.type == "promotion" && !w.take(e.data);
                                      return !rests && !too_late();
                                    });
      if (rests) return w.out;
      if (ended.status >= 400 && ended.status < 500) return {report(ctx, ended), w.out.promotion};
      pause = 100ms;
    }
    if (too_late()) return {timed_out(ctx, id), w.out.promotion};
    if (steady_clock::now() - reached > limits::cli_unavailable_within)
      return {report(ctx, now), w.out.promotion};
    wait_before_retry(pause);
  }
}

auto show_watched(const context& ctx, const watch_outcome& seen) -> exit_code {
  if (seen.promotion.empty()) return seen.code;
  static_cast<void>(show_reply(ctx, {200, seen.promotion, ""}));
  const auto row = ordered_json::parse(seen.promotion, nullptr, false);
  const auto state = row.is_object() ? row.value("state", "") : "";
  if (state == "stopped" || state == "failed" || state == "cancelled")
    ctx.complain(fmt::format("promotion_{}: promotion {} is {}", state,
                             row.value("promotion_id", ""), state));
  return seen.code;
}

}  // namespace bestow::cli
