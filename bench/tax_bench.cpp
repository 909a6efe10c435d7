// B12: what the actors cost. In each repetition, in turns first and second, the same list is
// published by the engine (promotion, partitions, publisher, log writer, projectors, each an actor)
// and by plain loops that make the same decisions, facts, messages and view rows
// (bench/bare_publish.hpp), until every grants_published is durable.
//
// The event stream is off on both sides: its copy of the facts is a feature, not a tax.
#include <fmt/format.h>

#include "apps/measure/publishing.hpp"
#include "bench/bare_publish.hpp"
#include "bench/harness.hpp"

namespace bestow::bench {
namespace {

constexpr const char* bare_topic = "prepay.campaign.bench.publish";  // As long as the real one.

struct measured {
  elapsed took;
  std::uint64_t commits{0};
};

/// The log released and published every target.
void check_log(measure::world& w, position from, std::uint64_t targets) {
  std::uint64_t released = 0;
  std::uint64_t published = 0;
  must(w.log->read(from, {}, [&](const store::stored_event& e) {
    if (e.type == event_type::targets_released)
      released += must(decode_event<targets_released>(e.payload)).ordinals.size();
    if (e.type == event_type::grants_published)
      published += must(decode_event<grants_published>(e.payload)).message_count;
    return true;
  }));
  require(released == targets && published == targets,
          fmt::format("the log released {} and published {}", released, published));
}

auto options_at(const std::string& directory) -> measure::world_options {
  measure::world_options o;
  o.directory = directory;
  o.broker = true;
  o.grants.publish_events = false;
  return o;
}

auto with_actors(const arguments& args, const measure::target_input& in) -> measured {
  const scratch place{args, "tax-actors"};
  const auto opened = must(measure::world::open(options_at(place.path())));
  auto& w = *opened;
  const auto id = must(measure::prepare_promotion(w, in));
  const auto from = w.log->head().last;
  const auto before = w.engine->status().commits;
  measured m;
  const stopwatch watch{w.server_pid()};
  static_cast<void>(must(w.engine->start_run(id, 0, {})));
  must(measure::wait_published(w, from, in.count));
  m.took = watch.read();
  m.commits = w.engine->status().commits - before;
  check_log(w, from, in.count);
  must(measure::check_stream(*w.messages, "GRANTS_POINT", 2, in));
  return m;
}

auto without(const arguments& args, const measure::target_input& in, std::uint64_t window) -> measured {
  const scratch place{args, "tax-bare"};
  const auto opened = must(measure::world::open(options_at(place.path())));
  auto& w = *opened;
  const auto id = must(measure::prepare_promotion(w, in));
  const auto list = must(w.lists->open(*w.log, id));  // None is built any more after a stop.
  w.engine->stop();
  const auto from = w.log->head().last;
  const auto done = publish_bare(w, id, "BARE", bare_topic, window);
  check_log(w, from, in.count);
  must(measure::check_stream(*w.messages, "BARE", 1, in));
  return {done.took, done.commits};
}

void repeat(const arguments& args, const measure::target_input& in, bool bare_first, std::uint64_t window,
            report& out) {
  const auto before = bare_first ? without(args, in, window) : measured{};
  const auto actors = with_actors(args, in);
  const auto bare = bare_first ? before : without(args, in, window);
  const auto n = static_cast<double>(in.count);
  const auto both = [](const elapsed& e) { return e.cpu_seconds + e.server_cpu_seconds; };
  figures f;
  f.set("messages_per_second", n / actors.took.seconds);
  f.set("bare_messages_per_second", n / bare.took.seconds);
  f.set("time_tax_percent", (actors.took.seconds / bare.took.seconds - 1) * 100);
  f.set("cpu_us_per_message", actors.took.cpu_seconds * 1e6 / n);
  f.set("bare_cpu_us_per_message", bare.took.cpu_seconds * 1e6 / n);
  f.set("server_cpu_us_per_message", actors.took.server_cpu_seconds * 1e6 / n);
  f.set("bare_server_cpu_us_per_message", bare.took.server_cpu_seconds * 1e6 / n);
  f.set("own_cpu_tax_percent", (actors.took.cpu_seconds / bare.took.cpu_seconds - 1) * 100);
  f.set("cpu_tax_percent", (both(actors.took) / both(bare.took) - 1) * 100);
  f.set("commits", actors.commits);
  f.set("bare_commits", bare.commits);
  f.set("order", std::string{bare_first ? "bare first" : "bare second"});
  out.add(f);
}

}  // namespace
}  // namespace bestow::bench

auto main(int argc, char** argv) -> int {
  using namespace bestow::bench;
  const auto args = read_arguments(argc, argv, 300'000, {"window"});
  const auto window = std::stoull(args.get("window", "80000"));
  const auto in = bestow::measure::make_input(bestow::promotion_type::point, args.targets, args.seed);
  report out{"B12 actor tax", "log: fdatasync at each commit; JetStream: its default sync_interval",
             args};
  for (unsigned i = 0; i < args.repetitions; ++i) repeat(args, in, i % 2 == 1, window, out);
  out.summary();
  return 0;
}
