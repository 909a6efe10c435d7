// B6: `bestow serve` with a large list, killed with SIGKILL while it publishes, started again, until
// /readyz answers 200, until the first query and the first command are answered. Beside it in each
// repetition the same kill and start on an empty log: that difference is what the log costs.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>

#include "apps/measure/inputs.hpp"
#include "apps/system/command_output.hpp"
#include "bench/harness.hpp"
#include "bench/service.hpp"

namespace bestow::bench {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr const char* promotion_json =
    R"({"promotion_id":"1","promotion_type":"POINT","partition_count":16,"default_amount":"10000",)"
    R"("default_reason":"bench","default_expiry_at":"2099-12-31T23:59:59+09:00"})";
constexpr auto finish_within = 900s;

auto milliseconds_since(steady::time_point begun) -> double {
  return std::chrono::duration<double, std::milli>(steady::now() - begun).count();
}

void fill(service& s, const measure::target_input& in) {
  s.must_post("/api/v1/promotions", promotion_json);
  const auto answer = s.must_post("/api/v1/promotions/1/targets?batch=bench", in.csv, "text/csv");
  require(number_in(answer, "accepted") == in.count, "rows were refused: " + answer.substr(0, 300));
  for (const auto* verb : {"seal", "approve", "start"})
    s.must_post(fmt::format("/api/v1/promotions/1/{}", verb), "{}");
}

auto published(service& s) -> std::uint64_t {
  return number_in(s.must_get("/api/v1/promotions/1?stale=1"), "published_count");
}

struct start_figures {
  double ready_ms{0};
  double query_ms{0};    ///< From ready to the first answer that waited for its view.
  double command_ms{0};  ///< A durable command after that.
};

auto start_and_ask(service& s, const std::string& query) -> start_figures {
  start_figures f;
  f.ready_ms = s.start();
  auto begun = steady::now();
  while (s.get(query).status != 200)
    require(steady::now() < begun + 120s, "the query was not answered");
  f.query_ms = milliseconds_since(begun);
  begun = steady::now();
  s.must_post("/api/v1/promotions", R"({"promotion_type":"POINT"})");
  f.command_ms = milliseconds_since(begun);
  return f;
}

void wait_until_published(service& s, std::uint64_t count) {
  const auto give_up_at = steady::now() + finish_within;
  while (published(s) < count) {
    require(steady::now() < give_up_at, "not published in time");
    pause_a_moment(20);
  }
}

/// After all kills: everything published once, the stream and the list agree, the chain is whole.
void check_end(service& s, const measure::target_input& in, const std::string& binary) {
  const auto give_up_at = steady::now() + finish_within;
  while (s.must_get("/api/v1/promotions/1").find(R"("state":"completed")") == std::string::npos) {
    require(steady::now() < give_up_at, "the promotion did not complete");
    pause_a_moment(50);
  }
  require(published(s) == in.count, "another count was published");
  const auto status = s.get("/readyz");
  require(status.body.find("halted") == std::string::npos, "delivery halted: " + status.body);
  s.kill();
  const auto verified =
      apps::command_output({binary, "log", "verify", "--data", s.data(), "-o", "json"}, 600s);
  require(verified.has_value(), "the log does not verify");
}

void repeat(service& full, service& empty, std::uint64_t stop_at, report& out) {
  wait_until_published(full, stop_at);
  const auto at_kill = published(full);
  full.kill();
  const auto loaded = start_and_ask(full, "/api/v1/promotions/1");
  const auto baseline_before = start_and_ask(empty, "/api/v1/promotions");
  empty.kill();
  const auto baseline = start_and_ask(empty, "/api/v1/promotions");
  empty.kill();
  static_cast<void>(baseline_before);
  figures f;
  f.set("published_at_kill", at_kill);
  f.set("ready_ms", loaded.ready_ms);
  f.set("empty_ready_ms", baseline.ready_ms);
  f.set("ratio_to_empty", loaded.ready_ms / baseline.ready_ms);
  f.set("first_query_ms", loaded.query_ms);
  f.set("empty_first_query_ms", baseline.query_ms);
  f.set("first_command_ms", loaded.command_ms);
  f.set("empty_first_command_ms", baseline.command_ms);
  f.set("anonymous_mib", static_cast<double>(anonymous_bytes(full.pid())) / 1048576.0);
  out.add(f);
}

}  // namespace
}  // namespace bestow::bench

auto main(int argc, char** argv) -> int {
  using namespace bestow::bench;
  const auto args = read_arguments(argc, argv, 1'000'000, {"binary"});
  const auto binary = args.get("binary", BESTOW_BINARY);
  setenv("BESTOW_GRANTS_COMPLETION", "published", 1);
  const auto in = bestow::measure::make_input(bestow::promotion_type::point, args.targets, args.seed);
  const scratch place{args, "recovery"};
  service full{binary, place.path() + "/full"};
  service empty{binary, place.path() + "/empty"};
  static_cast<void>(full.start());
  fill(full, in);
  report out{"B6 recovery", "log: fdatasync at each commit; process killed with SIGKILL", args};
  for (unsigned i = 0; i < args.repetitions; ++i)
    repeat(full, empty, args.targets * (i + 1) / (args.repetitions + 1), out);
  check_end(full, in, binary);
  out.summary();
  return 0;
}
