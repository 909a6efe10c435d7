// Pending targets to a durable grants_published each, beside a bare loop that sends the same bytes.
#include <algorithm>

#include "apps/measure/inputs.hpp"
#include "apps/measure/log_bytes.hpp"
#include "apps/measure/publishing.hpp"
#include "apps/measure/raw_chain.hpp"
#include "apps/measure/work_parts.hpp"
#include "apps/measure/world.hpp"

namespace bestow::measure {
namespace {

constexpr const char* raw_topic = "prepay.campaign.bench.publish";  // As long as the real one.

struct measured {
  elapsed took;
  elapsed raw;
  bool raw_first{false};
  std::uint64_t message_bytes{0};
  std::uint64_t anonymous_growth{0};  ///< From start to peak: what is in flight.
  std::uint64_t log_bytes{0};
};

auto to_figures(const measured& m, std::uint64_t count) -> figures {
  const auto n = static_cast<double>(count);
  figures f;
  f.set("messages_per_second", n / m.took.seconds);
  f.set("raw_messages_per_second", n / m.raw.seconds);
  f.set("ratio_to_raw", m.raw.seconds / m.took.seconds);
  f.set("cpu_us_per_message", m.took.cpu_seconds * 1e6 / n);
  f.set("server_cpu_us_per_message", m.took.server_cpu_seconds * 1e6 / n);
  f.set("raw_cpu_us_per_message", m.raw.cpu_seconds * 1e6 / n);
  f.set("raw_server_cpu_us_per_message", m.raw.server_cpu_seconds * 1e6 / n);
  f.set("cpu_ratio_to_raw", (m.raw.cpu_seconds + m.raw.server_cpu_seconds) /
                                (m.took.cpu_seconds + m.took.server_cpu_seconds));
  f.set("message_bytes", static_cast<double>(m.message_bytes) / n);
  f.set("log_bytes_per_target", static_cast<double>(m.log_bytes) / n);
  f.set("anonymous_growth_mib", static_cast<double>(m.anonymous_growth) / 1048576.0);
  f.set("order", std::string{m.raw_first ? "raw first" : "raw second"});
  return f;
}

auto publish(const work_options& o, world& w, promotion_id id, measured& m) -> outcome<void> {
  const auto from = w.log->head().last;
  const auto anonymous_before = anonymous_bytes();
  const section here{o};
  const stopwatch watch{w.server_pid()};
  if (auto started = w.engine->start_run(id, 0, {}); !started) return ended(started);
  const auto peak = wait_published(w, from, o.targets);
  m.took = watch.read();
  if (!peak) return ended(peak);
  m.anonymous_growth = *peak - std::min(*peak, anonymous_before);
  return {};
}

/// Everything that needs the broker and the engine.
auto in_world(const work_options& o, const publish_options& p, const target_input& in, world& w,
              unsigned n, measured& m) -> outcome<void> {
  tell(o, n, "importing");
  const auto id = prepare_promotion(w, in);
  if (!id) return ended(id);
  const auto list = w.lists->open(*w.log, *id);
  if (!list) return ended(list);
  const auto chunks = prepare_chunks(**list, *id, promotion_type::point, raw_topic,
                                     limits::release_chunk_default);
  for (const auto& c : chunks) m.message_bytes += c.buffer.size();
  const auto bare = [&]() -> outcome<void> {
    tell(o, n, "sending the bytes alone");
    const auto raw =
        publish_raw(w.broker->client_options(), w.server_pid(), raw_topic, chunks, p.window);
    if (!raw) return ended(raw);
    m.raw = *raw;
    return {};
  };
  outcome<void> done;
  if (m.raw_first) done = bare();
  tell(o, n, "publishing");
  if (done) done = publish(o, w, *id, m);
  if (done && !m.raw_first) done = bare();
  if (!done) return done;
  tell(o, n, "checking");
  if (auto right = check_stream(*w.messages, "GRANTS_POINT", 2, in); !right) return ended(right);
  const auto bytes = log_bytes::of(*w.log);
  if (!bytes) return ended(bytes);
  m.log_bytes = bytes->total();
  return w.sound();
}

auto one(const work_options& o, const publish_options& p, const target_input& in,
         const std::string& place, unsigned n) -> outcome<figures> {
  measured m;
  m.raw_first = n % 2 == 0;
  {
    world_options options;
    options.directory = place;
    options.broker = true;
    options.fence = p.fence;
    options.server = p.server;
    auto w = world::open(options);
    if (!w) return ended(w);
    if (auto done = in_world(o, p, in, **w, n, m); !done) return ended(done);
  }
  if (auto whole = check_chain(place); !whole) return ended(whole);
  return to_figures(m, in.count);
}

}  // namespace

auto measure_publish(const work_options& o, const publish_options& p, const figures_sink& each)
    -> outcome<void> {
  tell(o, 0, "making the list");
  const auto in = make_input(promotion_type::point, o.targets, o.seed);
  return repeat(o, "publish", each, [&](const std::string& place, unsigned n) {
    return one(o, p, in, place, n);
  });
}

}  // namespace bestow::measure
