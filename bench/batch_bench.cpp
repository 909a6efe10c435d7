// B2b: the wires side by side. In each repetition the same list is published on the single wire, as
// JSON batches and as msgpack batches, in turning order, until every grants_published is durable;
// then each stream is read back and held against the list, and a bare loop sends the same bytes in the
// same chunks through the same server.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "actors/grant_content.hpp"
#include "apps/measure/inputs.hpp"
#include "apps/measure/publishing.hpp"
#include "apps/measure/raw_chain.hpp"
#include "apps/measure/world.hpp"
#include "bench/harness.hpp"
#include "events/limits.hpp"

namespace bestow::bench {
namespace {

constexpr const char* raw_topic = "prepay.campaign.bench.publish";  // As long as the real one.

struct wire {
  std::string_view name;
  grant_wire kind{grant_wire::single};
  grant_format format{grant_format::json};
};
constexpr std::array<wire, 3> wires{{{"single"},
                                     {"batch_json", grant_wire::batch, grant_format::json},
                                     {"batch_msgpack", grant_wire::batch, grant_format::msgpack}}};

/// What the log released, encoded again for another topic: the bytes that a bare loop sends.
auto chunks_of(const measure::world& w, promotion_id id) -> std::vector<bus::outgoing_chunk> {
  const auto list = must(w.lists->open(*w.log, id));
  std::vector<bus::outgoing_chunk> out;
  store::read_options options;
  options.types = {event_type::targets_released};
  must(w.log->read({}, options, [&](const store::stored_event& e) {
    auto release = must(decode_event<targets_released>(e.payload));
    release.topic = raw_topic;
    out.push_back(actors::encode_release(release, *list, 0, release.message_count));
    return true;
  }));
  return out;
}

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
  const auto per_message = on.kind == grant_wire::batch ? batch : 1;
  const auto raw = must(measure::publish_raw(w.broker->client_options(), w.server_pid(), raw_topic,
                                             chunks_of(w, id),
                                             limits::window_grants_max / per_message));
  f.set(name + "_raw_grants_per_second", n / raw.seconds);
  f.set(name + "_ratio_to_raw", raw.seconds / took.seconds);
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
