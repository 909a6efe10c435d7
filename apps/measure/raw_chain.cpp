#include "apps/measure/raw_chain.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "actors/grant_content.hpp"

namespace bestow::measure {
namespace {

constexpr auto ack_within = std::chrono::seconds{60};

/// Counts acknowledged messages; the last sequence of a chunk is its token.
class acks {
 public:
  void take(const bus::chunk_ack& a) {
    const std::scoped_lock lock{mutex_};
    if (a.error_code != 0 || a.seq != a.token) broken_ = true;
    acked_ = std::max(acked_, a.seq);
    moved_.notify_one();
  }
  /// False: refused, or not in time.
  [[nodiscard]] auto wait_for(std::uint64_t seq) -> bool {
    std::unique_lock lock{mutex_};
    const bool came = moved_.wait_for(lock, ack_within, [&] { return broken_ || acked_ >= seq; });
    return came && !broken_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable moved_;
  std::uint64_t acked_{0};
  bool broken_{false};
};

}  // namespace

auto prepare_chunks(const store::target_list& list, promotion_id id, promotion_type type,
                    const std::string& topic, std::uint32_t chunk)
    -> std::vector<bus::outgoing_chunk> {
  std::vector<bus::outgoing_chunk> out;
  std::vector<std::uint32_t> next(list.partition_count(), 0);
  for (bool more = true; more;) {
    more = false;
    for (std::uint32_t k = 0; k < next.size(); ++k) {
      targets_released r;
      r.partition = partition_no{static_cast<std::uint16_t>(k)};
      const auto count = std::min(chunk, list.size(r.partition) - next[k]);
      if (count == 0) continue;
      r.promotion = id;
      r.type = type;
      r.topic = topic;
      r.sent_at = timestamp{1'768'959'000'000};
      r.message_count = count;
      r.ordinals.append(next[k], count);
      out.push_back(actors::encode_release(r, list, 0, count));
      next[k] += count;
      more = true;
    }
  }
  return out;
}

auto publish_raw(const bus::nats_options& server, int server_pid, const std::string& topic,
                 const std::vector<bus::outgoing_chunk>& chunks, std::uint64_t window)
    -> outcome<elapsed> {
  acks seen;
  const auto connected = bus::connect_nats(server);
  if (!connected) return ended(connected);
  auto& bus = **connected;
  bus.on_chunk_ack([&](const bus::chunk_ack& a) { seen.take(a); });
  bus::stream_config config;
  config.name = "RAW";
  config.subjects = {topic + ".>"};
  if (auto made = bus.ensure_stream(config); !made) return ended(made);
  constexpr auto unanswered = "the raw loop's chunk was not acknowledged";
  const stopwatch watch{server_pid};
  std::uint64_t sent = 0;
  for (const auto& chunk : chunks) {
    const auto last = sent + chunk.size();
    if (last > window && !seen.wait_for(last - window)) return void_because(unanswered);
    if (auto done = bus.publish_chunk(chunk, 0, sent, last, {}); !done) return ended(done);
    sent = last;
  }
  if (!seen.wait_for(sent)) return void_because(unanswered);
  const auto took = watch.read();
  const auto state = bus.state_of("RAW");
  if (!state) return ended(state);
  if (state->messages != sent || state->last_seq != sent || state->first_seq != 1)
    return void_because("the raw stream does not hold what was sent");
  return took;
}

}  // namespace bestow::measure
