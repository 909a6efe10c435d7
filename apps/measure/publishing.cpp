#include "apps/measure/publishing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>
#include <vector>

#include "apps/measure/stopwatch.hpp"
#include "bus/grant_wire.hpp"

namespace bestow::measure {
namespace {

using namespace std::chrono_literals;

constexpr auto views_within = 300s;
/// Without a single grant more.
constexpr auto stands_still_after = 120s;

/// Follows the log: how many targets are published.
class published_count {
 public:
  published_count(grant_wire wire, position after) : batch_{wire == grant_wire::batch}, at_{after} {
    options_.types = {event_type::grants_published};
    // A message of the batch wire holds several: how many, only the release says.
    if (batch_) options_.types.push_back(event_type::targets_released);
  }
  [[nodiscard]] auto read(const store::event_log& log) -> outcome<std::uint64_t> {
    result<void> taken;
    const auto seen = log.read(at_, options_, [&](const store::stored_event& e) {
      taken = take(e);
      return taken.has_value();
    });
    if (!seen) return ended(seen);
    if (!taken) return ended(taken);
    at_ = *seen;
    return count_;
  }
  [[nodiscard]] auto at() const -> position { return at_; }

 private:
  auto take(const store::stored_event& e) -> result<void> {
    if (e.type == event_type::targets_released) {
      const auto fact = decode_event<targets_released>(e.payload);
      if (!fact) return tl::unexpected<fault>{fact.error()};
      released_[e.at] = fact->ordinals.size();
      return {};
    }
    const auto fact = decode_event<grants_published>(e.payload);
    if (!fact) return tl::unexpected<fault>{fact.error()};
    count_ += batch_ ? released_[fact->released_at] : fact->message_count;
    return {};
  }

  bool batch_;
  position at_;
  store::read_options options_;
  std::map<position, std::uint64_t> released_;
  std::uint64_t count_{0};
};

/// Holds what a stream gives against the list it came from.
class stream_check {
 public:
  explicit stream_check(const target_input& in)
      : in_{&in}, seen_(in.count + 1, false), last_(publishing_partitions, 0) {}

  /// "" = good.
  [[nodiscard]] auto take(const bus::stored_message& m) -> std::string {
    if (auto wrong = bus::decode_grants(m.payload, grants_); !wrong.empty()) return wrong;
    ++content_.messages;
    content_.bytes += m.payload.size();
    for (const auto& g : grants_) {
      const auto id = g.id.value;
      if (id < 1 || id > in_->count || seen_[id]) return fmt::format("target {} twice", id);
      if (g.partition.value >= last_.size() || id <= last_[g.partition.value])
        return fmt::format("target {} out of order in partition {}", id, g.partition.value);
      last_[g.partition.value] = id;
      seen_[id] = true;
      amount_ += static_cast<std::uint64_t>(g.amount_minor.value);
      ++count_;
    }
    return "";
  }
  [[nodiscard]] auto finish(const std::string& stream) const -> outcome<stream_content> {
    if (count_ != in_->count || amount_ != in_->amount)
      return void_because(fmt::format("{} holds {} grants over {}, not {} over {}", stream, count_,
                                      amount_, in_->count, in_->amount));
    return content_;
  }

 private:
  const target_input* in_;
  std::vector<bool> seen_;
  std::vector<std::uint64_t> last_;
  std::vector<bus::decoded_grant> grants_;
  stream_content content_;
  std::uint64_t amount_{0};
  std::uint64_t count_{0};
};

}  // namespace

auto prepare_promotion(world& w, const target_input& in) -> outcome<promotion_id> {
  const auto made = w.engine->create(make_promotion(promotion_type::point, publishing_partitions), {});
  if (!made) return ended(made);
  const auto id = made->promotion;
  const auto imported = w.import(id, in.csv);
  if (!imported) return ended(imported);
  if (imported->answer.accepted != in.count) return void_because("rows were refused");
  if (auto sealed = w.engine->seal(id, {}); !sealed) return ended(sealed);
  if (auto approved = w.engine->approve(id, {}); !approved) return ended(approved);
  // The views' work of the import is not the run's, and some of it cannot be done after a stop.
  for (const auto& name : w.views->names())
    if (!w.views->wait_for(name, w.log->head().last, views_within))
      return void_because(name + " stands still");
  return id;
}

auto wait_published(world& w, position after, std::uint64_t targets, grant_wire wire)
    -> outcome<std::uint64_t> {
  published_count published{wire, after};
  std::uint64_t peak = 0;
  std::uint64_t before = 0;
  auto moved_at = std::chrono::steady_clock::now();
  for (;;) {
    const auto count = published.read(*w.log);
    if (!count) return ended(count);
    peak = std::max(peak, anonymous_bytes());
    if (*count >= targets) return peak;
    if (auto sound = w.sound(); !sound) return ended(sound);
    const auto now = std::chrono::steady_clock::now();
    if (std::exchange(before, *count) != *count) moved_at = now;
    if (now - moved_at > stands_still_after)
      return void_because(fmt::format("publishing stands still at {} of {}", *count, targets));
    // Any view will do to hear that the log has grown.
    static_cast<void>(w.views->wait_for("partition_progress", {published.at().value + 1}, 20ms));
  }
}

auto check_stream(bus::message_bus& messages, const std::string& stream, std::uint64_t first,
                  const target_input& in) -> outcome<stream_content> {
  const auto state = messages.state_of(stream);
  if (!state) return ended(state);
  if (state->messages != state->last_seq)
    return void_because(
        fmt::format("{} holds {} messages up to {}", stream, state->messages, state->last_seq));
  stream_check check{in};
  std::string wrong;
  const auto scanned =
      messages.scan(stream, first, state->last_seq, [&](const bus::stored_message& m) {
        wrong = check.take(m);
        return wrong.empty();
      });
  if (!scanned) return ended(scanned);
  if (!wrong.empty()) return void_because(fmt::format("{}: {}", stream, wrong));
  return check.finish(stream);
}

}  // namespace bestow::measure
