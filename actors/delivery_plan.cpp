#include "actors/delivery_plan.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "events/limits.hpp"

namespace bestow::actors {

delivery_plan::delivery_plan(promotion_type type, const plan_mark& mark)
    : type_{type},
      generation_{mark.generation},
      next_seq_{mark.next_seq != 0 ? mark.next_seq : mark.generation.base_seq + 1},
      cursor_{mark.after},
      seen_{mark.after},
      settled_at_{mark.settled_at},
      settled_loaded_{mark.settled_at.value == 0} {}

auto delivery_plan::load_settled(const store::event_log& log) -> result<void> {
  if (settled_loaded_) return {};
  store::read_options options;
  options.events_max = 1;
  result<void> outcome{};
  const auto seen = log.read(
      position{settled_at_.value - 1}, options, [&](const store::stored_event& stored) {
        auto facts = decode_event<targets_released>(stored.payload);
        if (!facts) {
          outcome = tl::unexpected{facts.error()};
          return false;
        }
        const auto first = next_seq_ - facts->message_count;
        settled_ = planned_release{stored.at, std::move(*facts), first, true, true, true};
        return false;
      });
  if (!seen) return tl::unexpected{seen.error()};
  settled_loaded_ = outcome.has_value();
  return outcome;
}

/// The plan is empty again and its releases are read from the generation's first one on.
void delivery_plan::begin_again() {
  open_.clear();
  settled_.reset();
  settled_at_ = position{};
  settled_loaded_ = true;
  next_seq_ = generation_.base_seq + 1;
  const auto first = generation_.from_release.value;
  cursor_ = position{first > 0 ? first - 1 : 0};
}

auto delivery_plan::take_delivery(const store::stored_event& stored) -> result<void> {
  if (stored.stream != delivery_stream_of(type_)) return {};
  auto event = decode_delivery(stored.type, stored.payload);
  if (!event) return tl::unexpected{event.error()};
  if (const auto* done = std::get_if<stream_generation_completed>(&*event)) {
    if (done->generation == generation_.number) generation_.whole = true;
  } else if (const auto* started = std::get_if<stream_generation_started>(&*event)) {
    if (started->generation <= generation_.number) return {};  // Read again, after a newer one.
    generation_ = {started->generation, started->base_seq, started->from_release,
                   started->generation == 1};
    begin_again();
    begun_again_ = true;
  }
  return {};
}

auto delivery_plan::take_release(const store::stored_event& stored, const on_release& released)
    -> result<void> {
  auto facts = decode_event<targets_released>(stored.payload);
  if (!facts) return tl::unexpected{facts.error()};
  if (facts->type != type_ || facts->message_count == 0) return {};
  const auto count = facts->message_count;
  open_.push_back({stored.at, std::move(*facts), next_seq_, false, false, false});
  next_seq_ += count;
  if (stored.at > seen_) released(open_.back());
  while (keep_from_ != 0 && open_.size() > 1 && open_.front().last_seq() < keep_from_) {
    settled_ = std::move(open_.front());
    open_.pop_front();
  }
  return {};
}

auto delivery_plan::take(const store::stored_event& stored, const on_release& released)
    -> result<void> {
  if (stored.type == event_type::targets_released) return take_release(stored, released);
  if (stored.type != event_type::grants_published) return take_delivery(stored);
  auto facts = decode_event<grants_published>(stored.payload);
  if (!facts) return tl::unexpected{facts.error()};
  if (auto* owner = find(facts->released_at)) owner->recorded = true;
  drop_settled();
  return {};
}

auto delivery_plan::catch_up(const store::event_log& log,
                             const std::function<void(const planned_release&)>& released)
    -> result<void> {
  if (auto loaded = load_settled(log); !loaded) return loaded;
  store::read_options options;
  options.types = {event_type::targets_released, event_type::grants_published,
                   event_type::stream_generation_started, event_type::stream_generation_completed};
  options.bytes_max = limits::plan_read_bytes;
  result<void> outcome{};
  const auto visit = [&](const store::stored_event& stored) {
    outcome = take(stored, released);
    return outcome.has_value() && !begun_again_;
  };
  while (cursor_ < log.head().last) {
    const auto seen = log.read(cursor_, options, visit);
    if (!seen) return tl::unexpected{seen.error()};
    if (!outcome) return outcome;
    seen_ = std::max(seen_, *seen);
    if (!std::exchange(begun_again_, false)) cursor_ = *seen;
  }
  return {};
}

auto delivery_plan::rescan(const store::event_log& log, std::uint64_t from_seq) -> result<void> {
  begin_again();
  keep_from_ = from_seq;
  auto read = catch_up(log, [](const planned_release&) {});
  keep_from_ = 0;
  return read;
}

auto delivery_plan::find(position released_at) -> planned_release* {
  auto it = std::lower_bound(open_.begin(), open_.end(), released_at,
                             [](const planned_release& r, position at) { return r.at < at; });
  return it != open_.end() && it->at == released_at ? &*it : nullptr;
}

void delivery_plan::drop_settled() {
  while (!open_.empty() && open_.front().acked && open_.front().recorded) {
    settled_ = std::move(open_.front());
    open_.pop_front();
  }
}

void delivery_plan::stored_up_to(std::uint64_t seq) {
  for (auto& r : open_) {
    r.sent = false;
    r.acked = r.last_seq() <= seq;
  }
  drop_settled();
}

void delivery_plan::acked_up_to(std::uint64_t seq) {
  for (auto& r : open_) {
    if (r.last_seq() > seq) break;
    r.acked = true;
  }
  drop_settled();
}

auto delivery_plan::mark() const -> plan_mark {
  plan_mark m;
  m.generation = generation_;
  m.after = open_.empty() ? cursor_ : position{open_.front().at.value - 1};
  m.next_seq = open_.empty() ? next_seq_ : open_.front().first_seq;
  m.settled_at = settled_ ? settled_->at : settled_at_;
  return m;
}

namespace {

constexpr std::size_t mark_words = 7;

}  // namespace

auto encode_mark(const plan_mark& mark) -> std::vector<std::byte> {
  const auto& g = mark.generation;
  const std::uint64_t words[mark_words] = {g.number,
                                           g.base_seq,
                                           g.from_release.value,
                                           g.whole ? 1ULL : 0ULL,
                                           mark.after.value,
                                           mark.next_seq,
                                           mark.settled_at.value};
  std::vector<std::byte> out(sizeof words);
  std::memcpy(out.data(), words, sizeof words);
  return out;
}

auto decode_mark(std::span<const std::byte> bytes) -> std::optional<plan_mark> {
  std::uint64_t words[mark_words];
  if (bytes.size() != sizeof words) return std::nullopt;
  std::memcpy(words, bytes.data(), sizeof words);
  plan_mark m;
  m.generation = {static_cast<std::uint32_t>(words[0]), words[1], position{words[2]},
                  words[3] != 0};
  m.after = position{words[4]};
  m.next_seq = words[5];
  m.settled_at = position{words[6]};
  return m;
}

}  // namespace bestow::actors
