#include "bench/publishing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <vector>

#include "bench/harness.hpp"
#include "bus/grant_wire.hpp"

namespace bestow::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto publish_within = 300s;

}  // namespace

auto prepare_promotion(world& w, const target_input& in) -> promotion_id {
  const auto wanted = make_promotion(promotion_type::point, publishing_partitions);
  const auto id = must(w.engine->create(wanted, {})).promotion;
  require(w.import(id, in.csv).answer.accepted == in.count, "rows were refused");
  static_cast<void>(must(w.engine->seal(id, {})));
  static_cast<void>(must(w.engine->approve(id, {})));
  // The views' work of the import is not the run's, and some of it cannot be done after a stop.
  for (const auto& name : w.views->names())
    require(w.views->wait_for(name, w.log->head().last, publish_within), name + " stands still");
  return id;
}

auto wait_published(world& w, position after, std::uint64_t targets, grant_wire wire)
    -> std::uint64_t {
  store::read_options options;
  options.types = {event_type::grants_published};
  // A message of the batch wire holds several: how many, only the release says.
  std::map<position, std::uint64_t> released;
  if (wire == grant_wire::batch) options.types.push_back(event_type::targets_released);
  std::uint64_t published = 0;
  std::uint64_t peak = 0;
  const auto give_up_at = std::chrono::steady_clock::now() + publish_within;
  while (published < targets) {
    after = must(w.log->read(after, options, [&](const store::stored_event& e) {
      if (e.type == event_type::targets_released) {
        released[e.at] = must(decode_event<targets_released>(e.payload)).ordinals.size();
        return true;
      }
      const auto fact = must(decode_event<grants_published>(e.payload));
      published +=
          wire == grant_wire::batch ? released.at(fact.released_at) : fact.message_count;
      return true;
    }));
    peak = std::max(peak, anonymous_bytes());
    require(std::chrono::steady_clock::now() < give_up_at, "not published in time");
    // Any view will do to hear that the log has grown.
    if (published < targets)
      static_cast<void>(w.views->wait_for("partition_progress", {after.value + 1}, 20ms));
  }
  return peak;
}

auto check_stream(bus::message_bus& messages, const std::string& stream, std::uint64_t first,
                  const target_input& in) -> stream_content {
  const auto state = must(messages.state_of(stream));
  require(state.messages == state.last_seq,
          fmt::format("{} holds {} messages up to {}", stream, state.messages, state.last_seq));
  std::vector<bool> seen(in.count + 1, false);
  std::vector<std::uint64_t> last(publishing_partitions, 0);
  std::vector<bus::decoded_grant> grants;
  stream_content out;
  std::uint64_t amount = 0;
  std::uint64_t count = 0;
  must(messages.scan(stream, first, state.last_seq, [&](const bus::stored_message& m) {
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

}  // namespace bestow::bench
