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

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "apps/measure/crowd.hpp"
#include "apps/measure/latency.hpp"
#include "bench/harness.hpp"
#include "bench/peers/beside.hpp"
#include "bench/peers/event_stores.hpp"
#include "bench/peers/peers.hpp"
#include "bench/service.hpp"
#include "events/limits.hpp"
#include "events/types.hpp"

namespace bestow::bench {
namespace {

constexpr std::uint64_t promotions = limits::live_promotions_max;
constexpr unsigned connections = 64;
constexpr const char* one_target = "point_target_id,customer_uid,amount,reason\n1,1,,\n";

void over_http(const arguments& args, figures& f) {
  const scratch place{args, "command-http"};
  service s{args.get("binary", BESTOW_BINARY), place.path() + "/data"};
  static_cast<void>(s.start());
  std::vector<std::unique_ptr<service::session>> sessions;
  for (unsigned c = 0; c < connections; ++c) sessions.push_back(s.open_session());
  const auto path = [](std::uint64_t n, const char* rest) {
    return fmt::format("/api/v1/promotions/{}{}", measure::wished_promotion(n, promotions).value, rest);
  };
  const auto wish = [&](unsigned c, std::uint64_t n) {
    sessions[c]->must_post(path(n, "/schedule"),
                           fmt::format(R"({{"at":"{}"}})", to_rfc3339(measure::wished_start(n))));
  };
  for (std::uint64_t n = 0; n < promotions; ++n) {
    s.must_post("/api/v1/promotions",
                fmt::format(R"({{"promotion_id":"{}","promotion_type":"POINT","partition_count":1,)"
                            R"("default_amount":"1","default_reason":"bench",)"
                            R"("default_expiry_at":"2099-12-31T23:59:59+09:00"}})",
                            measure::wished_promotion(n, promotions).value));
    s.must_post(path(n, "/targets?batch=b"), one_target, "text/csv");
    s.must_post(path(n, "/seal"), "{}");
    s.must_post(path(n, "/approve"), "{}");
    wish(0, n);
  }
  const auto r = must(measure::run_crowd({connections, promotions, args.targets,
                                          std::chrono::hours{24}, s.pid()},
                                         [&](unsigned c, std::uint64_t n) -> measure::outcome<void> {
                                           wish(c, n);
                                           return {};
                                         }));
  const auto n = static_cast<double>(args.targets);
  set_crowd(f, "http_64", r);
  f.set("http_64_client_cpu_us_per_command", r.took.cpu_seconds * 1e6 / n);
  f.set("http_64_server_cpu_us_per_command", r.took.server_cpu_seconds * 1e6 / n);
  sessions.clear();
  s.kill();  // With SIGKILL: what was acknowledged must stand all the same.
  must(measure::check_wishes(s.data(), promotions, promotions + args.targets));
}

/// What the peers append: as many facts, each with the bytes of one of Bestow's.
auto appends_of(unsigned clients, std::uint64_t count) -> appends {
  const auto bytes = encode_event(promotion_scheduled{measure::wished_start(0), "local"}).payload;
  return {clients, count, promotions,
          std::string{reinterpret_cast<const char*>(bytes.data()), bytes.size()}};
}

void run_postgres(const postgres_server& server, unsigned clients, std::uint64_t count,
                  figures& f) {
  const auto r = append_postgres(server, appends_of(clients, count));
  const auto n = static_cast<double>(count);
  const auto prefix = fmt::format("postgres_{}", clients);
  set_crowd(f, prefix, r);
  f.set(prefix + "_client_cpu_us_per_command", r.took.cpu_seconds * 1e6 / n);
  f.set(prefix + "_server_cpu_us_per_command", r.took.server_cpu_seconds * 1e6 / n);
}

}  // namespace
}  // namespace bestow::bench

auto main(int argc, char** argv) -> int {
  using namespace bestow;
  using namespace bestow::bench;
  const auto args = read_arguments(argc, argv, 40'000, {"binary", "peers"});
  require(args.targets >= 1'000, "--targets: the commands of each crowd, 1,000 or more");
  measure::command_options options;
  options.crowds = {1, 64, 256, 512};
  options.promotions = promotions;
  options.log_alone = true;
  const auto alone = args.targets / options.lone_share;
  report out{"B5 command", "log: fdatasync at each commit, answered after it", args};
  const auto postgres = start_postgres(args);
  std::vector<part> peers;
  if (postgres)
    peers.push_back({"postgres", [&](figures& f) {
                       run_postgres(*postgres, 1, alone, f);
                       run_postgres(*postgres, connections, args.targets, f);
                     }});
  if (wants_peers(args))
    peers.push_back({"sqlite", [&](figures& f) {
                       const scratch place{args, "command-sqlite"};
                       set_crowd(f, "sqlite_1",
                                 append_sqlite(place.path() + "/events", appends_of(1, alone)));
                       f.set("peer", sqlite_description() +
                                         (postgres ? ", " + postgres->description() : ""));
                     }});
  repeat_beside(
      args, out,
      [&](const auto& work, const auto& each) {
        return measure::measure_commands(work, options, [&](figures f) {
          over_http(args, f);
          each(std::move(f));
        });
      },
      peers, [](figures& f) {
        for (const auto& [own, peer] :
             {std::pair{"clients_1", "postgres_1"}, {"clients_1", "sqlite_1"},
              {"clients_64", "postgres_64"}, {"http_64", "postgres_64"}})
          set_ratio(f, fmt::format("{}_ratio_to_{}", own, peer),
                    fmt::format("{}_commands_per_second", own),
                    fmt::format("{}_commands_per_second", peer));
      });
  out.summary();
  return 0;
}
