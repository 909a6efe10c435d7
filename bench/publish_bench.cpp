// B2: pending point targets, one message each, until every grants_published is durable; in the same
// repetition a bare loop sends the same bytes through the same server, and the peer does the same
// work from a table: the outbox pattern on PostgreSQL, with a nats-server of its own.
// --fence yes: the publisher's messages name their writer, those of the bare loop do not.
#include <fmt/format.h>

#include <algorithm>

#include "apps/measure/inputs.hpp"
#include "apps/system/system_clock.hpp"
#include "bench/harness.hpp"
#include "bench/peers/beside.hpp"
#include "bench/peers/postgres_targets.hpp"
#include "bus/embedded_server.hpp"
#include "events/limits.hpp"

namespace bestow::bench {
namespace {

/// One chunk after the other, then as many in flight as Bestow's window holds.
void publish_peer(const arguments& args, const postgres_server& server,
                  const measure::target_input& in, std::uint64_t window, figures& f) {
  const scratch place{args, "outbox"};
  apps::system_randomness random;
  const auto broker = must(bus::start_embedded_server({place.path() + "/nats", "nats-server"}, random));
  const auto run = [&](const char* stream, std::uint64_t chunks) {
    return publish_outbox(server, in,
                          {broker->client_options(), broker->pid(), stream,
                           fmt::format("prepay.campaign.{}.publish", stream), chunks});
  };
  const auto serial = run("peer1", 1);
  const auto overlapped =
      run("peern", std::max<std::uint64_t>(1, window / limits::release_chunk_default));
  const auto n = static_cast<double>(in.count);
  f.set("postgres_outbox_messages_per_second", n / overlapped.seconds);
  f.set("postgres_outbox_serial_messages_per_second", n / serial.seconds);
  f.set("postgres_outbox_client_cpu_us_per_message", overlapped.cpu_seconds * 1e6 / n);
  f.set("postgres_outbox_servers_cpu_us_per_message", overlapped.server_cpu_seconds * 1e6 / n);
  f.set("peer", server.description());
}

}  // namespace
}  // namespace bestow::bench

auto main(int argc, char** argv) -> int {
  using namespace bestow;
  using namespace bestow::bench;
  const auto args = read_arguments(argc, argv, 300'000, {"window", "fence", "peers"});
  measure::publish_options options;
  options.window = std::stoull(args.get("window", "80000"));
  options.fence = args.get("fence", "no") == "yes";
  const auto in = measure::make_input(promotion_type::point, args.targets, args.seed);
  report out{"B2 publish",
             "log: fdatasync at each commit; JetStream: its default sync_interval", args};
  const auto postgres = start_postgres(args);
  std::vector<part> peers;
  if (postgres)
    peers.push_back({"postgres", [&](figures& f) {
                       publish_peer(args, *postgres, in, options.window, f);
                     }});
  repeat_beside(
      args, out,
      [&](const auto& work, const auto& each) {
        return measure::measure_publish(work, options, each);
      },
      peers, [](figures& f) {
        set_ratio(f, "ratio_to_postgres_outbox", "messages_per_second",
                  "postgres_outbox_messages_per_second");
        set_ratio(f, "ratio_to_postgres_outbox_serial", "messages_per_second",
                  "postgres_outbox_serial_messages_per_second");
      });
  out.summary();
  return 0;
}
