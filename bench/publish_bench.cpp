// B2: pending point targets, one message each, until every grants_published is durable; in the same
// repetition, in turns first and second, a bare loop sends the same bytes through the same server.
// --fence yes: the publisher's messages name their writer, those of the bare loop do not.
#include <fmt/format.h>

#include <algorithm>

#include "bench/harness.hpp"
#include "bench/inputs.hpp"
#include "bench/log_bytes.hpp"
#include "bench/publishing.hpp"
#include "bench/raw_chain.hpp"
#include "bench/world.hpp"
#include "events/limits.hpp"

namespace bestow::bench {
namespace {

constexpr const char* raw_topic = "prepay.campaign.bench.publish";  // As long as the real one.

struct measured {
  elapsed took;
  std::uint64_t anonymous_growth{0};  ///< From start to peak: what is in flight.
};

auto publish(const arguments& args, world& w, promotion_id id) -> measured {
  measured m;
  const auto from = w.log->head().last;
  const auto anonymous_before = anonymous_bytes();
  const recorded section{args};
  const stopwatch watch{w.server_pid()};
  static_cast<void>(must(w.engine->start_run(id, 0, {})));
  const auto peak = wait_published(w, from, args.targets);
  m.took = watch.read();
  m.anonymous_growth = peak - std::min(peak, anonymous_before);
  return m;
}

void repeat(const arguments& args, const target_input& in, bool raw_first, std::uint64_t window,
            report& out) {
  const scratch place{args, "publish"};
  world w{{place.path(), true, true, args.get("fence", "no") == "yes"}};
  const auto id = prepare_promotion(w, in);
  const auto list = must(w.lists->open(*w.log, id));
  const auto chunks = prepare_chunks(*list, id, promotion_type::point, raw_topic,
                                     limits::release_chunk_default);
  std::uint64_t bytes = 0;
  for (const auto& c : chunks) bytes += c.buffer.size();
  const auto bare = [&] {
    return publish_raw(w.broker->client_options(), w.server_pid(), raw_topic, chunks, window);
  };
  const auto before = raw_first ? bare() : elapsed{};
  const auto done = publish(args, w, id);
  check_stream(*w.messages, "GRANTS_POINT", 2, in);
  const auto raw = raw_first ? before : bare();

  const auto n = static_cast<double>(in.count);
  figures f;
  f.set("messages_per_second", n / done.took.seconds);
  f.set("raw_messages_per_second", n / raw.seconds);
  f.set("ratio_to_raw", raw.seconds / done.took.seconds);
  f.set("cpu_us_per_message", done.took.cpu_seconds * 1e6 / n);
  f.set("server_cpu_us_per_message", done.took.server_cpu_seconds * 1e6 / n);
  f.set("raw_cpu_us_per_message", raw.cpu_seconds * 1e6 / n);
  f.set("raw_server_cpu_us_per_message", raw.server_cpu_seconds * 1e6 / n);
  f.set("cpu_ratio_to_raw", (raw.cpu_seconds + raw.server_cpu_seconds) /
                                (done.took.cpu_seconds + done.took.server_cpu_seconds));
  f.set("message_bytes", static_cast<double>(bytes) / n);
  f.set("log_bytes_per_target", static_cast<double>(log_bytes::of(*w.log).total()) / n);
  f.set("anonymous_growth_mib", static_cast<double>(done.anonymous_growth) / 1048576.0);
  f.set("order", std::string{raw_first ? "raw first" : "raw second"});
  out.add(f);
}

}  // namespace
}  // namespace bestow::bench

auto main(int argc, char** argv) -> int {
  using namespace bestow::bench;
  const auto args = read_arguments(argc, argv, 300'000, {"window", "fence"});
  const auto window = std::stoull(args.get("window", "80000"));
  const auto in = make_input(bestow::promotion_type::point, args.targets, args.seed);
  report out{"B2 publish",
             "log: fdatasync at each commit; JetStream: its default sync_interval", args};
  for (unsigned i = 0; i < args.repetitions; ++i) repeat(args, in, i % 2 == 1, window, out);
  out.summary();
  return 0;
}
