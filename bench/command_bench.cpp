// B5: single durable commands, one answer waited for at a time by each client: in process with 1,
// 64, 256 and 512 clients, then over HTTP with 64 connections to the real `bestow serve`. In the
// same repetition, before and after the lone client, a bare LMDB file commits the same payloads one
// by one, and the log takes the same facts with no engine before it.
//
// The command moves a promotion's start: one fact of some 15 bytes, decided, folded, appended,
// synced and answered, with nothing around it that grows (a creation would also start an actor).
// No two commands wish the same time, so none is answered as a repeat. 256 promotions share
// the clients: more would measure the loading of hosts.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/harness.hpp"
#include "bench/inputs.hpp"
#include "bench/latency.hpp"
#include "bench/raw_log.hpp"
#include "bench/service.hpp"
#include "bench/world.hpp"
#include "events/limits.hpp"

namespace bestow::bench {
namespace {

using steady = std::chrono::steady_clock;

constexpr std::uint64_t promotions = limits::live_promotions_max;
constexpr std::array<unsigned, 4> crowds{1, 64, 256, 512};
constexpr unsigned connections = 64;
constexpr std::uint64_t lone_share = 20;  ///< One client makes 1/20 of the commands of the others.
constexpr const char* one_target = "point_target_id,customer_uid,amount,reason\n1,1,,\n";

/// Wish n: one second apart, from 2090 on.
auto start_of(std::uint64_t n) -> timestamp {
  return timestamp{3'786'912'000'000 + static_cast<std::int64_t>(n) * 1'000};
}
auto promotion_of(std::uint64_t n) -> promotion_id { return promotion_id{n % promotions + 1}; }

struct crowd_result {
  elapsed took;
  std::vector<float> milliseconds;
};

/// Gives command n of [first, first + count) to `clients` threads; command(client, n) blocks for
/// the answer. Each client asks for its next one when it has been answered.
auto run_crowd(unsigned clients, std::uint64_t first, std::uint64_t count, int server_pid,
               const std::function<void(unsigned, std::uint64_t)>& command) -> crowd_result {
  std::vector<std::vector<float>> latencies(clients);
  std::atomic<std::uint64_t> next{first};
  std::latch ready{clients + 1};
  crowd_result out;
  {
    std::vector<std::jthread> threads;
    for (unsigned c = 0; c < clients; ++c)
      threads.emplace_back([&, c] {
        auto& mine = latencies[c];
        mine.reserve(count / clients * 2);
        ready.arrive_and_wait();
        for (auto n = next++; n < first + count; n = next++) {
          const auto begun = steady::now();
          command(c, n);
          mine.push_back(
              std::chrono::duration<float, std::milli>(steady::now() - begun).count());
        }
      });
    ready.arrive_and_wait();
    const stopwatch watch{server_pid};
    threads.clear();  // Joins.
    out.took = watch.read();
  }
  for (const auto& l : latencies)
    out.milliseconds.insert(out.milliseconds.end(), l.begin(), l.end());
  require(out.milliseconds.size() == count, "commands were not answered");
  return out;
}

/// The log holds wishes [0, count), each once, and its chain is whole.
void check_log(const std::string& directory, std::uint64_t count) {
  const auto verified = must(store::verify(directory, {}));
  require(verified.clean, "the log does not verify: " + verified.problem);
  store::log_options at;
  at.directory = directory;
  at.read_only = true;
  const auto log = must(store::open_lmdb_log(at, 1));
  std::vector<bool> seen(count, false);
  std::uint64_t facts = 0;
  store::read_options options;
  options.types = {event_type::promotion_scheduled};
  must(log->read({}, options, [&](const store::stored_event& e) {
    const auto fact = must(decode_event<promotion_scheduled>(e.payload));
    const auto n = static_cast<std::uint64_t>(
        (fact.start_at.value - start_of(0).value) / 1'000);
    require(n < count && !seen[n], "a command stands in the log twice");
    require(e.stream.id == promotion_of(n).value, "a command stands in another stream");
    seen[n] = true;
    ++facts;
    return true;
  }));
  require(facts == count,
          fmt::format("{} commands were acknowledged, the log holds {}", count, facts));
}

void set_common(figures& f, const std::string& prefix, const crowd_result& r) {
  const auto n = static_cast<double>(r.milliseconds.size());
  f.set(prefix + "_commands_per_second", n / r.took.seconds);
  set_latency(f, prefix, r.milliseconds);
}

void prepare(world& w, std::uint64_t n) {
  auto wanted = make_promotion(promotion_type::point, 1);
  wanted.promotion = promotion_of(n);
  must(w.engine->create(wanted, {}));
  require(w.import(promotion_of(n), one_target).answer.accepted == 1, "the row was refused");
  must(w.engine->seal(promotion_of(n), {}));
  must(w.engine->approve(promotion_of(n), {}));
}

void schedule(world& w, std::uint64_t n) {
  const auto receipt = must(w.engine->schedule(promotion_of(n), start_of(n), {}));
  require(!receipt.repeated && receipt.at.value > 0, "a command was taken for a repeat");
}

/// The same facts through the log alone, one group and one commit each: what is left of a command
/// when nobody decides, sends or waits.
auto append_alone(world& w, const std::string& directory, std::uint64_t count) -> elapsed {
  store::log_options options;
  options.directory = directory;
  const auto log = must(store::open_lmdb_log(options, 1));
  std::vector<stream_version> versions(promotions);
  const stopwatch watch;
  for (std::uint64_t n = 0; n < count; ++n) {
    auto& version = versions[n % promotions];
    const promotion_scheduled fact{start_of(n), "local"};
    const std::array group{store::append_batch{
        stream_of(promotion_of(n)), version, {encode_event(fact, {"local", "", 0})}}};
    version = must(must(log->append_group(group, w.time.wall())).front()).version;
  }
  return watch.read();
}

void in_process(const arguments& args, figures& f) {
  const scratch place{args, "command"};
  std::uint64_t done = promotions;
  {
    world w{{place.path()}};
    for (std::uint64_t n = 0; n < promotions; ++n) {
      prepare(w, n);
      schedule(w, n);
    }
    const auto samples = payloads_of(*w.log, event_type::promotion_scheduled);
    std::vector<std::vector<std::byte>> payloads;
    const auto alone = std::max<std::uint64_t>(args.targets / lone_share, 1);
    while (payloads.size() < (alone + 1) / 2)
      payloads.push_back(samples[payloads.size() % promotions]);
    const auto bare = [&](const char* name) {
      const stopwatch watch;
      append_raw(place.path() + name, payloads, 1);
      return watch.read();
    };
    for (const auto clients : crowds) {
      const auto count = clients == 1 ? alone : args.targets;
      const auto raw_before = clients == 1 ? bare("/raw-before") : elapsed{};
      const auto before = w.engine->status();
      const auto r = run_crowd(clients, done, count, 0, [&](unsigned, auto n) { schedule(w, n); });
      const auto after = w.engine->status();
      const auto log_alone =
          clients == 1 ? append_alone(w, place.path() + "/log-alone", count) : elapsed{};
      const auto raw_after = clients == 1 ? bare("/raw-after") : elapsed{};
      done += count;
      const auto prefix = fmt::format("clients_{}", clients);
      set_common(f, prefix, r);
      f.set(prefix + "_cpu_us_per_command",
            r.took.cpu_seconds * 1e6 / static_cast<double>(count));
      f.set(prefix + "_commands_per_commit",
            static_cast<double>(after.appends - before.appends) /
                static_cast<double>(after.commits - before.commits));
      if (clients != 1) continue;
      const auto raw_rate = 2 * static_cast<double>(payloads.size()) /
                            (raw_before.seconds + raw_after.seconds);
      f.set("raw_commits_per_second", raw_rate);
      f.set("log_alone_appends_per_second", static_cast<double>(count) / log_alone.seconds);
      f.set("clients_1_ratio_to_raw", static_cast<double>(count) / r.took.seconds / raw_rate);
    }
  }
  check_log(place.path() + "/log", done);
}

void over_http(const arguments& args, figures& f) {
  const scratch place{args, "command-http"};
  service s{args.get("binary", BESTOW_BINARY), place.path() + "/data"};
  static_cast<void>(s.start());
  std::vector<std::unique_ptr<service::session>> sessions;
  for (unsigned c = 0; c < connections; ++c) sessions.push_back(s.open_session());
  const auto path = [](std::uint64_t n, const char* rest) {
    return fmt::format("/api/v1/promotions/{}{}", promotion_of(n).value, rest);
  };
  const auto wish = [&](unsigned c, std::uint64_t n) {
    sessions[c]->must_post(path(n, "/schedule"),
                           fmt::format(R"({{"at":"{}"}})", to_rfc3339(start_of(n))));
  };
  for (std::uint64_t n = 0; n < promotions; ++n) {
    s.must_post("/api/v1/promotions",
                fmt::format(R"({{"promotion_id":"{}","promotion_type":"POINT","partition_count":1,)"
                            R"("default_amount":"1","default_reason":"bench",)"
                            R"("default_expiry_at":"2099-12-31T23:59:59+09:00"}})",
                            promotion_of(n).value));
    s.must_post(path(n, "/targets?batch=b"), one_target, "text/csv");
    s.must_post(path(n, "/seal"), "{}");
    s.must_post(path(n, "/approve"), "{}");
    wish(0, n);
  }
  const auto r = run_crowd(connections, promotions, args.targets, s.pid(), wish);
  const auto n = static_cast<double>(args.targets);
  set_common(f, "http_64", r);
  f.set("http_64_client_cpu_us_per_command", r.took.cpu_seconds * 1e6 / n);
  f.set("http_64_server_cpu_us_per_command", r.took.server_cpu_seconds * 1e6 / n);
  sessions.clear();
  s.kill();  // With SIGKILL: what was acknowledged must stand all the same.
  check_log(s.data() + "/log", promotions + args.targets);
}

}  // namespace
}  // namespace bestow::bench

auto main(int argc, char** argv) -> int {
  using namespace bestow::bench;
  const auto args = read_arguments(argc, argv, 40'000, {"binary"});
  require(args.targets >= 1'000, "--targets: the commands of each crowd, 1,000 or more");
  report out{"B5 command", "log: fdatasync at each commit, answered after it", args};
  for (unsigned i = 0; i < args.repetitions; ++i) {
    figures f;
    in_process(args, f);
    over_http(args, f);
    out.add(f);
  }
  out.summary();
  return 0;
}
