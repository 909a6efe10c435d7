#include "actors/delivery_plan.hpp"

#include <algorithm>
#include <cstring>

#include "events/limits.hpp"

namespace bestow::actors {

namespace {
}

delivery_plan::delivery_plan(promotion_type type, std::uint64_t base_seq, const plan_mark& mark)
    : type_{type},
      base_{base_seq},
      next_seq_{mark.next_seq != 0 ? mark.next_seq : base_seq + 1},
      cursor_{mark.after},
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

auto delivery_plan::catch_up(const store::event_log& log,
                             const std::function<void(const planned_release&)>& released)
    -> result<void> {
  if (auto loaded = load_settled(log); !loaded) return loaded;
  store::read_options options;
  options.types = {event_type::targets_released, event_type::grants_published};
  options.bytes_max = limits::plan_read_bytes;
  result<void> outcome{};
  const auto visit = [&](const store::stored_event& stored) {
    if (stored.type == event_type::grants_published) {
      auto facts = decode_event<grants_published>(stored.payload);
      if (!facts) {
        outcome = tl::unexpected{facts.error()};
        return false;
      }
      if (auto* owner = find(facts->released_at)) owner->recorded = true;
      drop_settled();
      return true;
    }
    auto facts = decode_event<targets_released>(stored.payload);
    if (!facts) {
      outcome = tl::unexpected{facts.error()};
      return false;
    }
    if (facts->type != type_ || facts->message_count == 0) return true;
    const auto count = facts->message_count;
    open_.push_back({stored.at, std::move(*facts), next_seq_, false, false, false});
    next_seq_ += count;
    released(open_.back());
    return true;
  };
  while (cursor_ < log.head().last) {
    const auto seen = log.read(cursor_, options, visit);
    if (!seen) return tl::unexpected{seen.error()};
    if (!outcome) return outcome;
    cursor_ = *seen;
  }
  return {};
}

auto delivery_plan::rescan(const store::event_log& log, std::uint64_t from_seq) -> result<void> {
  open_.clear();
  settled_.reset();
  settled_loaded_ = true;
  cursor_ = position{};
  next_seq_ = base_ + 1;
  keep_from_ = from_seq;
  auto read = catch_up(log, [this](const planned_release&) {
    while (open_.size() > 1 && open_.front().last_seq() < keep_from_) {
      settled_ = std::move(open_.front());
      open_.pop_front();
    }
  });
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
  m.after = open_.empty() ? cursor_ : position{open_.front().at.value - 1};
  m.next_seq = open_.empty() ? next_seq_ : open_.front().first_seq;
  m.settled_at = settled_ ? settled_->at : settled_at_;
  return m;
}

auto encode_mark(const plan_mark& mark) -> std::vector<std::byte> {
  const std::uint64_t words[3] = {mark.after.value, mark.next_seq, mark.settled_at.value};
  std::vector<std::byte> out(sizeof words);
  std::memcpy(out.data(), words, sizeof words);
  return out;
}

auto decode_mark(std::span<const std::byte> bytes) -> std::optional<plan_mark> {
  std::uint64_t words[3];
  if (bytes.size() != sizeof words) return std::nullopt;
  std::memcpy(words, bytes.data(), sizeof words);
  return plan_mark{position{words[0]}, words[1], position{words[2]}};
}

}  // namespace bestow::actors
