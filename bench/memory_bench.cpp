// B8: anonymous memory of `bestow serve` for a target, at growing sizes: 100,000 targets, then ten
// times as many each, up to --targets. For each size one service of its own lives through: empty;
// at rest (imported, sealed, approved, started again); in flight (all published, none answered);
// in flight after kill -9 and a new start. What a figure is counted from is the empty service of
// the same data directory; the growth is the slope between the smallest and the largest size.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "apps/measure/inputs.hpp"
#include "apps/system/command_output.hpp"
#include "bench/harness.hpp"
#include "bench/service.hpp"

namespace bestow::bench {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr std::uint64_t smallest = 100'000;
constexpr auto publish_within = 1'800s;
constexpr auto settle_within = 60s;
constexpr auto quiet_for = 3s;
constexpr const char* promotion_json =
    R"({"promotion_id":"1","promotion_type":"POINT","partition_count":16,"default_amount":"10000",)"
    R"("default_reason":"bench","default_expiry_at":"2099-12-31T23:59:59+09:00"})";

/// Anonymous memory once it has not moved by more than 1 % for 3 s: the allocator gives back what
/// is free only after a while.
auto settled(const service& s) -> double {
  const auto give_up_at = steady::now() + settle_within;
  auto held = anonymous_bytes(s.pid());
  auto since = steady::now();
  while (steady::now() - since < quiet_for && steady::now() < give_up_at) {
    pause_a_moment(100);
    const auto now = anonymous_bytes(s.pid());
    const auto moved = now > held ? now - held : held - now;
    if (moved * 100 <= held) continue;
    held = now;
    since = steady::now();
  }
  const auto now = anonymous_bytes(s.pid());
  require(now > 0, "bestow serve is gone");
  return static_cast<double>(now);
}

auto published(service& s) -> std::uint64_t {
  return number_in(s.must_get("/api/v1/promotions/1?stale=1"), "published_count");
}

void start_again(service& s) {
  s.kill();
  static_cast<void>(s.start());
  // Fresh: the views have caught up, the promotion is there.
  static_cast<void>(s.must_get("/api/v1/promotions/1"));
}

struct held_bytes {
  double empty{0};
  double imported{0};  ///< Right after the import, before the restart.
  double at_rest{0};
  double publishing_peak{0};
  double in_flight{0};
  double in_flight_restarted{0};
};

auto live(const arguments& args, std::uint64_t targets) -> held_bytes {
  const scratch place{args, "memory"};
  const auto binary = args.get("binary", BESTOW_BINARY);
  service s{binary, place.path() + "/data"};
  held_bytes out;
  static_cast<void>(s.start());
  out.empty = settled(s);
  {
    const auto in = measure::make_input(promotion_type::point, targets, args.seed);
    s.must_post("/api/v1/promotions", promotion_json);
    const auto answer = s.must_post("/api/v1/promotions/1/targets?batch=bench", in.csv, "text/csv");
    require(number_in(answer, "accepted") == targets,
            "rows were refused: " + answer.substr(0, 300));
  }
  for (const auto* verb : {"seal", "approve"})
    s.must_post(fmt::format("/api/v1/promotions/1/{}", verb), "{}");
  out.imported = settled(s);
  start_again(s);
  out.at_rest = settled(s);
  s.must_post("/api/v1/promotions/1/start", "{}");
  const auto give_up_at = steady::now() + publish_within;
  while (published(s) < targets) {
    require(steady::now() < give_up_at, "not published in time");
    out.publishing_peak =
        std::max(out.publishing_peak, static_cast<double>(anonymous_bytes(s.pid())));
    pause_a_moment(20);
  }
  out.in_flight = settled(s);
  start_again(s);
  out.in_flight_restarted = settled(s);
  const auto shown = s.must_get("/api/v1/promotions/1");
  require(number_in(shown, "published_count") == targets &&
              number_in(shown, "success_count") == 0 && number_in(shown, "fail_count") == 0,
          "the targets are not all in flight: " + shown);
  s.kill();
  const auto verified =
      apps::command_output({binary, "log", "verify", "--data", s.data(), "-o", "json"}, 600s);
  require(verified.has_value(), "the log does not verify");
  return out;
}

void repeat(const arguments& args, const std::vector<std::uint64_t>& sizes, report& out) {
  std::map<std::uint64_t, held_bytes> lives;
  for (const auto n : sizes) lives[n] = live(args, n);
  figures f;
  const auto slope = [&](double held_bytes::*what) {
    const auto& [less, small] = *lives.begin();
    const auto& [more, large] = *lives.rbegin();
    return (large.*what - small.*what) / static_cast<double>(more - less);
  };
  const auto show = [&](const std::string& name, double held_bytes::*what) {
    for (const auto& [n, held] : lives) {
      f.set(fmt::format("{}_mib_{}", name, n), held.*what / 1048576.0);
      f.set(fmt::format("{}_bytes_per_target_{}", name, n),
            std::max(0.0, held.*what - held.empty) / static_cast<double>(n));
    }
    if (lives.size() > 1) f.set(name + "_growth_bytes_per_target", slope(what));
  };
  for (const auto& [n, held] : lives) f.set(fmt::format("empty_mib_{}", n), held.empty / 1048576.0);
  show("imported", &held_bytes::imported);
  show("at_rest", &held_bytes::at_rest);
  show("publishing_peak", &held_bytes::publishing_peak);
  show("in_flight", &held_bytes::in_flight);
  show("in_flight_restarted", &held_bytes::in_flight_restarted);
  out.add(f);
}

}  // namespace
}  // namespace bestow::bench

auto main(int argc, char** argv) -> int {
  using namespace bestow::bench;
  const auto args = read_arguments(argc, argv, 1'000'000, {"binary"});
  std::vector<std::uint64_t> sizes;
  for (auto n = smallest; n <= args.targets; n *= 10) sizes.push_back(n);
  if (sizes.empty()) sizes.push_back(args.targets);
  report out{"B8 memory", "log: fdatasync at each commit; JetStream: its default sync_interval",
             args};
  for (unsigned i = 0; i < args.repetitions; ++i) repeat(args, sizes, out);
  out.summary();
  return 0;
}
