// Releasing targets again: the next attempts of a retry, the compensating messages of a recall. And
// what never will be released, or never was answered.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "domain/partition.hpp"
#include "domain/partition_rules.hpp"
#include "events/assert.hpp"
#include "events/limits.hpp"

namespace bestow::domain {
namespace {

/// Calls fn(ordinal) -> bool (go on?) for each candidate at or above `from`: the named ones, or all.
/// Returns the first ordinal not looked at; `size` when all were.
template <class Fn>
auto look(std::uint32_t from, std::uint32_t size, bool only_named,
          const std::vector<std::uint32_t>& named, Fn&& fn) -> std::uint32_t {
  if (!only_named) {
    for (auto at = from; at < size; ++at)
      if (!fn(at)) return at + 1;
    return size;
  }
  for (auto it = std::ranges::lower_bound(named, from); it != named.end(); ++it)
    if (!fn(*it)) return *it + 1;
  return size;
}

}  // namespace

auto decide(const release_retries& c, const partition& p) -> partition_decision {
  std::vector<partition_event> events;
  if (c.run.run < p.run)
    return refusal{rejection::stale_run, fmt::format("run {} is over; run {} is current",
                                                     c.run.run.value, p.run.value)};
  if (c.run.retry == retry_scope::none || p.retry_done == c.run.retry_run || c.count_max == 0)
    return events;
  const bool goes_on = p.retry_run == c.run.retry_run;
  const auto size = static_cast<std::uint32_t>(p.states.size());
  const auto count_max = std::min(c.count_max, c.run.chunk);
  std::map<std::uint16_t, ordinal_ranges> by_attempt;
  std::uint64_t taken = 0;
  const auto next = look(goes_on ? p.retry_next : 0, size, !c.run.retry_targets.empty(), c.named,
                         [&](std::uint32_t at) {
                           if (!is_retryable(p, target_ordinal{at}, c.run.retry)) return true;
                           if (std::ranges::binary_search(c.too_large, at)) return true;
                           by_attempt[p.attempts[at]].append(at, 1);
                           return ++taken < count_max;
                         });
  for (auto& [attempts, ordinals] : by_attempt) {
    auto e = release_of(release_kind::retry, std::move(ordinals),
                        attempt_no{static_cast<std::uint16_t>(attempts + 1)}, c.run, c.now,
                        c.room, p);
    e.retry_run = c.run.retry_run;
    events.emplace_back(std::move(e));
  }
  if (next >= size)
    events.emplace_back(retry_planned{c.run.retry_run, (goes_on ? p.retry_count : 0) + taken});
  return events;
}

auto decide(const release_recalls& c, const partition& p) -> partition_decision {
  std::vector<partition_event> events;
  const auto recall = c.recall.recall;
  if (recall < p.recall || p.recall_done == recall || c.count_max == 0) return events;
  const bool goes_on = p.recall == recall;
  const auto size = static_cast<std::uint32_t>(p.states.size());
  const auto count_max = std::min(c.count_max, c.run.chunk);
  ordinal_ranges ordinals;
  std::uint64_t taken = 0;
  const auto next = look(goes_on ? p.recall_next : 0, size, !c.recall.target_ids.empty(), c.named,
                         [&](std::uint32_t at) {
                           if (!is_recallable(p, target_ordinal{at})) return true;
                           ordinals.append(at, 1);
                           return ++taken < count_max;
                         });
  if (taken > 0) {
    auto e = release_of(release_kind::recall, std::move(ordinals), attempt_no{1}, c.run, c.now,
                        c.room, p);
    e.recall = recall;
    e.recall_reason = c.recall.reason;
    events.emplace_back(std::move(e));
  }
  // The amount is only known to the fold: recall_planned comes alone, when nothing is left.
  if (next >= size && taken == 0)
    events.emplace_back(recall_planned{recall, goes_on ? p.recall_count : 0,
                                       goes_on ? p.recall_amount : money_minor{}});
  return events;
}

auto decide(const abandon_pending&, const partition& p) -> partition_decision {
  std::vector<partition_event> events;
  const auto size = static_cast<std::uint32_t>(p.states.size());
  if (p.next >= size) return events;
  targets_abandoned e;
  e.ordinals.append(p.next, size - p.next);
  events.emplace_back(std::move(e));
  return events;
}

auto decide(const record_recalls& c, const partition& p) -> partition_decision {
  recalls_recorded e;
  std::vector<std::uint64_t> ordinals, statuses, recalls, at;
  std::map<std::uint32_t, recall_state> touched;
  for (const auto& row : c.rows) {
    BESTOW_ASSERT(was_recalled(p, row.ordinal));
    const auto ordinal = row.ordinal.value;
    auto& now = touched.try_emplace(ordinal, recall_in(p.states[ordinal])).first->second;
    const auto recall = static_cast<std::uint16_t>(row.recall.value);
    const auto effect = effect_of(now, p.recalls[ordinal], row.status, recall);
    if (!effect.changes) {
      ++e.duplicate_count;
      continue;
    }
    now = effect.next;
    ordinals.push_back(ordinal);
    statuses.push_back(static_cast<std::uint64_t>(row.status));
    recalls.push_back(recall);
    at.push_back(static_cast<std::uint64_t>(row.at.value));
    e.transaction_keys.push_back(row.transaction_key);
    e.error_messages.push_back(fit_text(row.error_message, limits::error_message_chars_max));
  }
  std::vector<partition_event> events;
  if (ordinals.empty() && e.duplicate_count == 0) return events;
  e.ordinals = u64_column::of(std::move(ordinals));
  e.recall_statuses = u64_column::of(std::move(statuses));
  e.recalls = u64_column::of(std::move(recalls));
  e.at = u64_column::of(std::move(at));
  events.emplace_back(std::move(e));
  return events;
}

auto look_for_overdue(const partition& p, std::uint64_t from, timestamp until) -> overdue_look {
  overdue_look out{{}, std::max(from, p.awaited_before)};
  std::map<std::uint16_t, std::vector<std::uint32_t>> by_attempt;
  std::uint64_t looked = 0;
  timestamp published_until{};
  for (; out.next - p.awaited_before < p.awaited.size(); ++out.next) {
    const auto& chunk = p.awaited[out.next - p.awaited_before];
    if (chunk.published_at > until || looked >= limits::overdue_targets_max) break;
    chunk.ordinals.for_each([&](std::uint32_t at) {
      const auto s = state_in(p.states[at]);
      const bool awaits = s == target_state::published || s == target_state::retrying;
      if (awaits && p.attempts[at] == chunk.attempt.value)
        by_attempt[chunk.attempt.value].push_back(at);
    });
    looked += chunk.ordinals.size();
    published_until = chunk.published_at;
  }
  for (auto& [attempt, ordinals] : by_attempt) {
    std::ranges::sort(ordinals);
    results_overdue e{attempt_no{attempt}, {}, published_until};
    for (const auto at : ordinals) e.ordinals.append(at, 1);
    out.events.emplace_back(std::move(e));
  }
  return out;
}

auto next_awaited(const partition& p, std::uint64_t from) -> std::optional<timestamp> {
  const auto index = std::max(from, p.awaited_before) - p.awaited_before;
  if (index >= p.awaited.size()) return std::nullopt;
  return p.awaited[index].published_at;
}

}  // namespace bestow::domain
