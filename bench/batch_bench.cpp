// B2b: the wires side by side. In each repetition the same list is published on the single wire, as
// JSON batches and as msgpack batches, in turning order, until every grants_published is durable;
// then each stream is read back and held against the list.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "apps/measure/inputs.hpp"
#include "apps/measure/publishing.hpp"
#include "apps/measure/world.hpp"
#include "bench/harness.hpp"
#include "events/limits.hpp"

namespace bestow::bench {
namespace {

struct wire {
  std::string_view name;
  grant_wire kind{grant_wire::single};
  grant_format format{grant_format::json};
};
constexpr std::array<wire, 3> wires{{{"single"},
                                     {"batch_json", grant_wire::batch, grant_format::json},
                                     {"batch_msgpack", grant_wire::batch, grant_format::msgpack}}};

void measure(const arguments& args, const measure::target_input& in, const wire& on, std::uint32_t batch,
             std::uint32_t chunk, figures& f) {
  const scratch place{args, on.name};
  measure::world_options options;
  options.directory = place.path();
  options.broker = true;
  options.grants.wire = on.kind;
  options.grants.batch_format = on.format;
  options.grants.batch_size = batch;
  options.grants.chunk = chunk;
  const auto opened = must(measure::world::open(options));
  auto& w = *opened;
  const auto id = must(measure::prepare_promotion(w, in));
  const auto from = w.log->head().last;
  const stopwatch watch{w.server_pid()};
  static_cast<void>(must(w.engine->start_run(id, 0, {})));
  must(measure::wait_published(w, from, in.count, on.kind));
  const auto took = watch.read();
  const auto content = must(measure::check_stream(*w.messages, "GRANTS_POINT", 2, in));
  const auto n = static_cast<double>(in.count);
  const auto name = std::string{on.name};
  f.set(name + "_grants_per_second", n / took.seconds);
  f.set(name + "_cpu_us_per_grant", (took.cpu_seconds + took.server_cpu_seconds) * 1e6 / n);
  f.set(name + "_bytes_per_grant", static_cast<double>(content.bytes) / n);
  f.set(name + "_messages", content.messages);
}

}  // namespace
}  // namespace bestow::bench

auto main(int argc, char** argv) -> int {
  using namespace bestow::bench;
  const auto args = read_arguments(argc, argv, 300'000, {"batch", "chunk"});
  const auto batch = static_cast<std::uint32_t>(std::stoul(args.get("batch", "500")));
  const auto chunk = static_cast<std::uint32_t>(std::stoul(args.get("chunk", "5000")));
  const auto in = bestow::measure::make_input(bestow::promotion_type::point, args.targets, args.seed);
  report out{"B2b batch wire",
             "log: fdatasync at each commit; JetStream: its default sync_interval", args};
  for (unsigned i = 0; i < args.repetitions; ++i) {
    figures f;
    for (std::size_t j = 0; j < wires.size(); ++j)
      measure(args, in, wires[(i + j) % wires.size()], batch, chunk, f);
    out.add(f);
  }
  out.summary();
  return 0;
}
