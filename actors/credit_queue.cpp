#include "actors/credit_queue.hpp"

#include <algorithm>

#include "events/limits.hpp"

namespace bestow::actors {

void credit_queue::take_turn(std::uint64_t promotion, line& waits, std::uint64_t served) {
  waits.at = {served, places_++, promotion};
  turns_.insert(waits.at);
}

void credit_queue::want(want_release w) {
  const auto promotion = w.promotion.value;
  auto& [wants, at] = waiting_[promotion];
  const auto same = std::ranges::find(wants, w.partition, &want_release::partition);
  if (same != wants.end()) {
    *same = std::move(w);
    return;
  }
  wants.push_back(std::move(w));
  if (wants.size() > 1) return;
  const auto before = ahead_.extract(promotion);
  take_turn(promotion, waiting_[promotion], std::max(before ? before.mapped() : 0, served_));
}

auto credit_queue::next_chunk() const -> std::uint64_t {
  return turns_.empty() ? 0 : waiting_.at(std::get<2>(*turns_.begin())).wants.front().chunk;
}

auto credit_queue::grant(std::uint64_t room, bool idle) -> std::optional<want_release> {
  if (turns_.empty()) return std::nullopt;
  const auto [served, place, promotion] = *turns_.begin();
  auto& waits = waiting_[promotion];
  if (waits.wants.front().chunk > room && !idle) return std::nullopt;
  auto granted = std::move(waits.wants.front());
  waits.wants.pop_front();
  turns_.erase(turns_.begin());
  served_ = served;
  std::erase_if(ahead_, [&](const auto& of) { return of.second <= served_; });
  if (waits.wants.empty()) {
    waiting_.erase(promotion);
    ahead_[promotion] = served + granted.chunk;
  } else {
    take_turn(promotion, waits, served + granted.chunk);
  }
  granted_[{promotion, granted.partition.value}].push_back(granted.chunk);
  granted_messages_ += granted.chunk;
  return granted;
}

void credit_queue::settle(promotion_id promotion, partition_no partition) {
  const auto it = granted_.find({promotion.value, partition.value});
  if (it == granted_.end()) return;
  granted_messages_ -= it->second.front();
  it->second.pop_front();
  if (it->second.empty()) granted_.erase(it);
}

void credit_queue::forget(promotion_id promotion, partition_no partition) {
  while (granted_.contains({promotion.value, partition.value})) settle(promotion, partition);
  const auto line = waiting_.find(promotion.value);
  if (line == waiting_.end()) return;
  auto& [wants, at] = line->second;
  std::erase_if(wants, [&](const auto& w) { return w.partition == partition; });
  if (!wants.empty()) return;
  turns_.erase(at);
  ahead_[promotion.value] = std::get<0>(at);
  waiting_.erase(line);
}

void release_window::measured(std::uint64_t acked, std::chrono::nanoseconds elapsed) {
  if (elapsed.count() <= 0) return;
  const double now = static_cast<double>(acked) * 1e9 / static_cast<double>(elapsed.count());
  per_second_ = per_second_ == 0 ? now : 0.7 * per_second_ + 0.3 * now;
}

auto release_window::size() const -> std::uint64_t {
  const auto quarter = static_cast<std::uint64_t>(per_second_ / 4);
  auto window = std::clamp(quarter, limits::window_grants_min, limits::window_grants_max);
  if (rate_ != 0) window = std::min(window, std::max<std::uint64_t>(rate_ / 4, 1));
  return window;
}

auto release_window::admit(std::uint64_t messages, std::chrono::nanoseconds now) -> bool {
  if (rate_ == 0) return true;
  const double cap = std::max(static_cast<double>(rate_) / 4, static_cast<double>(messages));
  const double since = static_cast<double>((now - filled_at_).count()) / 1e9;
  filled_at_ = now;
  tokens_ = std::min(cap, tokens_ + since * static_cast<double>(rate_));
  if (tokens_ < static_cast<double>(messages)) return false;
  tokens_ -= static_cast<double>(messages);
  return true;
}

}  // namespace bestow::actors
