#include "bench/raw_loop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "actors/grant_content.hpp"
#include "apps/system/data_layout.hpp"
#include "apps/system/system_clock.hpp"
#include "apps/measure/raw_chain.hpp"
#include "apps/measure/raw_log.hpp"
#include "apps/measure/raw_parse.hpp"
#include "bench/harness.hpp"
#include "bus/embedded_server.hpp"
#include "bus/grant_wire.hpp"
#include "events/limits.hpp"
#include "store/event_log.hpp"
#include "store/target_list.hpp"

namespace bestow::bench {
namespace {

constexpr std::uint64_t window = 80'000;
constexpr auto taken_within = std::chrono::seconds{300};
constexpr const char* topic = "prepay.campaign.bench.publish";
constexpr const char* result_topic = "prepay.campaign.bench.result";

auto all_payloads(const store::event_log& log) -> std::vector<std::vector<std::byte>> {
  std::vector<std::vector<std::byte>> out;
  must(log.read({}, {}, [&](const store::stored_event& e) {
    out.emplace_back(e.payload.begin(), e.payload.end());
    return true;
  }));
  return out;
}

/// The answers of a wallet that pays every target, chunked as the grants are.
auto prepare_results(const store::target_list& list, promotion_id id)
    -> std::vector<bus::outgoing_chunk> {
  std::vector<bus::outgoing_chunk> out;
  const timestamp now{1'768'959'000'000};
  for (std::uint32_t k = 0; k < list.partition_count(); ++k) {
    const partition_no number{static_cast<std::uint16_t>(k)};
    for (std::uint32_t i = 0; i < list.size(number); ++i) {
      if (i % limits::release_chunk_default == 0)
        out.push_back({fmt::format("{}.{}", result_topic, k), "", {}, {}});
      const auto row = list.row(number, target_ordinal{i});
      bus::decoded_result r;
      r.type = promotion_type::point;
      r.promotion = id;
      r.id = row.id;
      r.customer = row.customer;
      r.partition = number;
      r.status = process_status::success;
      r.transaction_key = fmt::format("T{:016x}{:016x}", row.customer.value, row.id.value);
      r.attempt = 1;
      auto& chunk = out.back();
      bus::append_result_json(chunk.buffer, r, result_topic, now);
      chunk.ends.push_back(static_cast<std::uint32_t>(chunk.buffer.size()));
    }
  }
  return out;
}

/// Batches come in on the bus's thread and are acknowledged by the one that waits.
class inbox {
 public:
  void take(const bus::incoming_batch& b) {
    const std::scoped_lock lock{mutex_};
    tokens_.push_back(b.token);
    messages_ += b.messages.size();
    moved_.notify_one();
  }
  /// @returns tokens to acknowledge
  auto wait() -> std::vector<std::uint64_t> {
    std::unique_lock lock{mutex_};
    require(moved_.wait_for(lock, taken_within, [&] { return !tokens_.empty(); }),
            "the raw consumer was given nothing");
    return std::exchange(tokens_, {});
  }
  auto messages() -> std::uint64_t {
    const std::scoped_lock lock{mutex_};
    return messages_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable moved_;
  std::vector<std::uint64_t> tokens_;
  std::uint64_t messages_{0};
};

/// A durable consumer of the stream RAW that only counts; then the stream goes.
auto take_raw(bus::message_bus& bus, std::uint64_t count) -> double {
  inbox in;
  bus::consumer_config config;
  config.stream = "RAW";
  config.durable = "raw";
  const stopwatch watch;
  {
    const auto reader =
        must(bus.consume(config, [&](const bus::incoming_batch& b) { in.take(b); }));
    reader->grant_credit(limits::result_batches_in_flight);
    while (in.messages() < count)
      for (const auto token : in.wait()) {
        reader->ack(token);
        reader->grant_credit(1);
      }
  }
  const auto took = watch.read().seconds;
  require(in.messages() == count, "the raw consumer was given a message twice");
  must(bus.remove_stream("RAW"));
  return took;
}

void measure_broker(const std::string& place, const std::vector<bus::outgoing_chunk>& grants,
                    const std::vector<bus::outgoing_chunk>& results, std::uint64_t count,
                    raw_loop& out) {
  apps::system_randomness random;
  std::filesystem::create_directories(place);
  const auto server = must(bus::start_embedded_server({place}, random));
  const auto at = server->client_options();
  const auto bus = must(bus::connect_nats(at));
  out.grants_sent = must(measure::publish_raw(at, server->pid(), topic, grants, window)).seconds;
  out.grants_taken = take_raw(*bus, count);
  out.results_sent =
      must(measure::publish_raw(at, server->pid(), result_topic, results, window)).seconds;
  out.results_taken = take_raw(*bus, count);
}

}  // namespace

auto measure_raw_loop(const std::string& data, const std::string& place, const measure::target_input& in,
                      std::uint64_t commits) -> raw_loop {
  raw_loop out;
  const stopwatch parsing;
  const auto now = apps::system_clock{}.wall();
  require(must(measure::parse_alone(in.csv, promotion_type::point, now)) == in.count,
          "the parser refused rows");
  out.parse = parsing.read().seconds;

  const apps::data_layout at{data};
  store::log_options options;
  options.directory = at.log;
  options.read_only = true;
  const auto log = must(store::open_lmdb_log(options, 1));
  const auto lists = must(store::make_target_lists(at.lists));
  const promotion_id id{1};
  const auto list = must(lists->open(*log, id));
  const auto payloads = all_payloads(*log);
  const auto per_commit =
      std::max<std::uint64_t>(1, payloads.size() / std::max<std::uint64_t>(1, commits));
  const stopwatch appending;
  must(measure::append_raw(place + "/raw.mdb", payloads, per_commit));
  out.log = appending.read().seconds;

  const auto grants =
      measure::prepare_chunks(*list, id, promotion_type::point, topic, limits::release_chunk_default);
  measure_broker(place + "/raw-nats", grants, prepare_results(*list, id), in.count, out);
  return out;
}

}  // namespace bestow::bench
