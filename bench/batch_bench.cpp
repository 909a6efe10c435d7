// B2b: the wires side by side. In each repetition the same list is published on the single wire, as
// JSON batches and as msgpack batches, in turning order, until every grants_published is durable;
// then each stream is read back and held against the list.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <vector>

#include "bench/harness.hpp"
#include "bench/inputs.hpp"
#include "bench/world.hpp"
#include "bus/grant_wire.hpp"
#include "events/limits.hpp"

namespace bestow::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t partitions = 16;
constexpr auto publish_within = 300s;

struct wire {
  std::string_view name;
  grant_wire kind{grant_wire::single};
  grant_format format{grant_format::json};
};
constexpr std::array<wire, 3> wires{{{"single"},
                                     {"batch_json", grant_wire::batch, grant_format::json},
                                     {"batch_msgpack", grant_wire::batch, grant_format::msgpack}}};

/// Blocks until the log says that `targets` are published.
void wait_published(world& w, position after, std::uint64_t targets) {
  store::read_options options;
  options.types = {event_type::targets_released, event_type::grants_published};
  std::map<position, std::uint64_t> released;
  std::uint64_t published = 0;
  const auto give_up_at = std::chrono::steady_clock::now() + publish_within;
  while (published < targets) {
    after = must(w.log->read(after, options, [&](const store::stored_event& e) {
      if (e.type == event_type::targets_released)
        released[e.at] = must(decode_event<targets_released>(e.payload)).ordinals.size();
      else
        published += released.at(must(decode_event<grants_published>(e.payload)).released_at);
      return true;
    }));
    require(std::chrono::steady_clock::now() < give_up_at, "not published in time");
    // Any view will do to hear that the log has grown.
    if (published < targets)
      static_cast<void>(w.views->wait_for("partition_progress", {after.value + 1}, 20ms));
  }
}

struct stream_content {
  std::uint64_t messages{0};
  std::uint64_t bytes{0};
};

/// Every target exactly once, in order within its partition, and the list's sum.
auto check_stream(world& w, const target_input& in) -> stream_content {
  const auto state = must(w.messages->state_of("GRANTS_POINT"));
  require(state.messages == state.last_seq, "the stream has holes");
  std::vector<bool> seen(in.count + 1, false);
  std::vector<std::uint64_t> last(partitions, 0);
  std::vector<bus::decoded_grant> grants;
  stream_content out;
  std::uint64_t amount = 0;
  std::uint64_t count = 0;
  must(w.messages->scan("GRANTS_POINT", 2, state.last_seq, [&](const bus::stored_message& m) {
    const auto wrong = bus::decode_grants(m.payload, grants);
    require(wrong.empty(), wrong);
    ++out.messages;
    out.bytes += m.payload.size();
    for (const auto& g : grants) {
      require(g.id.value >= 1 && g.id.value <= in.count && !seen[g.id.value], "a target twice");
      require(g.id.value > last.at(g.partition.value), "a partition out of order");
      last[g.partition.value] = g.id.value;
      seen[g.id.value] = true;
      amount += static_cast<std::uint64_t>(g.amount_minor.value);
      ++count;
    }
    return true;
  }));
  require(count == in.count && amount == in.amount, "the stream holds another sum");
  return out;
}

void measure(const arguments& args, const target_input& in, const wire& on, std::uint32_t batch,
             std::uint32_t chunk, figures& f) {
  const scratch place{args, on.name};
  world_options options{place.path(), true};
  options.grants.wire = on.kind;
  options.grants.batch_format = on.format;
  options.grants.batch_size = batch;
  options.grants.chunk = chunk;
  world w{options};
  const auto id =
      must(w.engine->create(make_promotion(promotion_type::point, partitions), {})).promotion;
  require(w.import(id, in.csv).answer.accepted == in.count, "rows were refused");
  static_cast<void>(must(w.engine->seal(id, {})));
  static_cast<void>(must(w.engine->approve(id, {})));
  const auto from = w.log->head().last;
  const stopwatch watch{w.server_pid()};
  static_cast<void>(must(w.engine->start_run(id, 0, {})));
  wait_published(w, from, in.count);
  const auto took = watch.read();
  const auto content = check_stream(w, in);
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
  const auto in = make_input(bestow::promotion_type::point, args.targets, args.seed);
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
