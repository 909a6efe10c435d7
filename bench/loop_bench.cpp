// B3 and B7: the whole loop on real processes. `bestow serve` imports a list over HTTP, publishes it
// through its nats-server, bestow-wallet pays and answers every grant, until the promotion is
// completed. Then the log that this life left is weighed, and the raw limits of the same work are
// measured one after the other: their sum over Bestow's time, sealing included, is the ratio.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "apps/measure/inputs.hpp"
#include "apps/measure/log_bytes.hpp"
#include "apps/system/command_output.hpp"
#include "bench/harness.hpp"
#include "bench/raw_loop.hpp"
#include "bench/service.hpp"

namespace bestow::bench {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr auto complete_within = 1'800s;
constexpr const char* promotion_json =
    R"({"promotion_id":"1","promotion_type":"POINT","partition_count":16,"default_amount":"10000",)"
    R"("default_reason":"bench","default_expiry_at":"2099-12-31T23:59:59+09:00"})";

auto seconds_since(steady::time_point begun) -> double {
  return std::chrono::duration<double>(steady::now() - begun).count();
}

/// The nats-server that `bestow serve` started, by the pid it recorded.
auto server_pid(const std::string& data) -> int {
  int pid = 0;
  std::ifstream{data + "/nats/PID"} >> pid;
  require(pid > 0, "the nats-server's pid is not recorded");
  return pid;
}

struct wallet {
  wallet(const std::string& binary, const std::string& data, const std::string& place)
      : directory{place + "/wallet"} {
    bus::child_process::start_options options;
    options.binary = binary;
    options.arguments = {"--nats", "@" + data + "/nats/client.url", "--data", directory};
    process = must(bus::child_process::start(options));
  }
  std::string directory;
  std::unique_ptr<bus::child_process> process;
};

struct life {
  double import_seconds{0};
  double seal_seconds{0};
  double publish_seconds{0};  ///< From start until all is published.
  double run_seconds{0};      ///< From start until all is answered.
  std::uint64_t anonymous_peak{0};
};

auto live(service& s, const measure::target_input& in) -> life {
  life out;
  auto begun = steady::now();
  s.must_post("/api/v1/promotions", promotion_json);
  const auto answer = s.must_post("/api/v1/promotions/1/targets?batch=bench", in.csv, "text/csv");
  require(number_in(answer, "accepted") == in.count, "rows were refused: " + answer.substr(0, 300));
  out.import_seconds = seconds_since(begun);
  begun = steady::now();
  s.must_post("/api/v1/promotions/1/seal", "{}");
  s.must_post("/api/v1/promotions/1/approve", "{}");
  out.seal_seconds = seconds_since(begun);
  begun = steady::now();
  s.must_post("/api/v1/promotions/1/start", "{}");
  for (;;) {
    const auto shown = s.must_get("/api/v1/promotions/1?stale=1");
    if (out.publish_seconds == 0 && number_in(shown, "published_count") == in.count)
      out.publish_seconds = seconds_since(begun);
    if (shown.find(R"("state":"completed")") != std::string::npos) break;
    require(seconds_since(begun) < complete_within.count(), "the promotion did not complete");
    out.anonymous_peak = std::max(out.anonymous_peak, anonymous_bytes(s.pid()));
    pause_a_moment(10);
  }
  out.run_seconds = seconds_since(begun);
  return out;
}

/// Promotion and ledger agree with the list, in count and amount.
void check(service& s, const measure::target_input& in, const std::string& binary, const wallet& payer) {
  const auto shown = s.must_get("/api/v1/promotions/1");
  require(number_in(shown, "success_count") == in.count &&
              number_in(shown, "published_count") == in.count &&
              number_in(shown, "fail_count") == 0 && number_in(shown, "double_grants") == 0,
          "the promotion counts wrongly: " + shown);
  require(number_in(shown, "success_amount") == in.amount, "the promotion's sum is wrong");
  const auto ledger = apps::command_output(
      {binary, "ledger", "--data", payer.directory, "--promotion", "1", "-o", "json"}, 60s);
  require(ledger.has_value(), "the ledger cannot be read");
  require(number_in(*ledger, "count") == in.count && number_in(*ledger, "sum") == in.amount,
          "the ledger holds something else: " + *ledger);
}

void weigh(figures& f, const std::string& directory) {
  store::log_options at;
  at.directory = directory;
  at.read_only = true;
  const auto log = must(store::open_lmdb_log(at, 1));
  const auto bytes = must(measure::log_bytes::of(*log));
  const auto n = static_cast<double>(bytes.imported);
  f.set("import_bytes_per_target", static_cast<double>(bytes.import_bytes()) / n);
  f.set("later_bytes_per_target", static_cast<double>(bytes.later_bytes()) / n);
  f.set("payer_string_bytes_per_target", static_cast<double>(bytes.payer_strings) / n);
  f.set("log_file_bytes_per_target",
        static_cast<double>(must(store::stat_of(*log)).file_bytes) / n);
}

/// A counter of /metrics. Ends the program when it is not there.
auto metric(service& s, const std::string& name) -> std::uint64_t {
  const auto all = s.must_get("/metrics");
  const auto at = all.find("\n" + name + " ");
  require(at != std::string::npos, "no metric " + name);
  return static_cast<std::uint64_t>(std::stod(all.substr(at + name.size() + 2)));
}

void compare(figures& f, const raw_loop& raw, double seconds) {
  f.set("raw_parse_seconds", raw.parse);
  f.set("raw_log_seconds", raw.log);
  f.set("raw_grants_sent_seconds", raw.grants_sent);
  f.set("raw_grants_taken_seconds", raw.grants_taken);
  f.set("raw_results_sent_seconds", raw.results_sent);
  f.set("raw_results_taken_seconds", raw.results_taken);
  f.set("raw_sum_seconds", raw.seconds());
  f.set("seconds", seconds);
  f.set("ratio_to_raw_sum", raw.seconds() / seconds);
}

void repeat(const arguments& args, const measure::target_input& in, report& out) {
  const scratch place{args, "loop"};
  service s{args.get("binary", BESTOW_BINARY), place.path() + "/data"};
  const auto wallet_binary = args.get("wallet", BESTOW_WALLET);
  static_cast<void>(s.start());
  const wallet payer{wallet_binary, s.data(), place.path()};
  const auto nats = server_pid(s.data());
  const auto took = live(s, in);
  figures f;
  const auto n = static_cast<double>(in.count);
  const auto seconds = took.import_seconds + took.seal_seconds + took.run_seconds;
  f.set("targets_per_second", n / seconds);
  f.set("import_rows_per_second", n / took.import_seconds);
  f.set("seal_seconds", took.seal_seconds);
  f.set("publish_messages_per_second", n / took.publish_seconds);
  f.set("run_targets_per_second", n / took.run_seconds);
  f.set("bestow_cpu_us_per_target", cpu_seconds_of(s.pid()) * 1e6 / n);
  f.set("nats_cpu_us_per_target", cpu_seconds_of(nats) * 1e6 / n);
  f.set("wallet_cpu_us_per_target", cpu_seconds_of(payer.process->identity().pid) * 1e6 / n);
  f.set("anonymous_peak_mib", static_cast<double>(took.anonymous_peak) / 1048576.0);
  check(s, in, wallet_binary, payer);
  const auto commits = metric(s, "bestow_log_commits_total");
  s.kill();
  weigh(f, s.data() + "/log");
  compare(f, measure_raw_loop(s.data(), place.path(), in, commits), seconds);
  out.add(f);
}

}  // namespace
}  // namespace bestow::bench

auto main(int argc, char** argv) -> int {
  using namespace bestow::bench;
  const auto args = read_arguments(argc, argv, 300'000, {"binary", "wallet"});
  const auto in = bestow::measure::make_input(bestow::promotion_type::point, args.targets, args.seed);
  report out{"B3 loop",
             "log: fdatasync at each commit; JetStream: its default sync_interval; wallet: its own",
             args};
  for (unsigned i = 0; i < args.repetitions; ++i) repeat(args, in, out);
  out.summary();
  return 0;
}
