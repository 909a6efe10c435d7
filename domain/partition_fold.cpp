#include <algorithm>

#include "domain/partition.hpp"
#include "domain/partition_rules.hpp"
#include "events/assert.hpp"

namespace bestow::domain {
namespace {

/// Takes one target out of the counts its state stands in, or puts it in. `by` is 1 or -1 mod 2^64.
void count(target_counts& counts, target_state s, std::uint64_t by) {
  switch (s) {
    case target_state::pending:
    case target_state::released:
    case target_state::published:
      return;
    case target_state::retrying:
      counts.retrying += by;
      return;
    case target_state::success_after_retry:
      counts.retry_success += by;
      counts.success += by;
      return;
    case target_state::success:
      counts.success += by;
      return;
    case target_state::publish_failed:
      counts.publish_failed += by;
      counts.fail += by;
      return;
    case target_state::failed:
      counts.fail += by;
      return;
    case target_state::unknown:
    case target_state::unknown_after_retrying:
      counts.unknown += by;
      return;
    case target_state::abandoned:
      counts.abandoned += by;
      return;
  }
}

/// Moves a target to another state; its published bit stays.
void move(partition& p, std::uint32_t ordinal, target_state next) {
  auto& byte = p.states[ordinal];
  count(p.counts, state_in(byte), ~std::uint64_t{0});
  count(p.counts, next, 1);
  byte = static_cast<std::uint8_t>((byte & ~state_mask) | static_cast<std::uint8_t>(next));
}

void count(target_counts& counts, recall_state s, std::uint64_t by) {
  switch (s) {
    case recall_state::none:
      return;
    case recall_state::recalling:
      counts.recalling += by;
      return;
    case recall_state::recalled:
      counts.recalled += by;
      return;
    case recall_state::recall_failed:
      counts.recall_failed += by;
      return;
  }
}

void move(partition& p, std::uint32_t ordinal, recall_state next) {
  auto& byte = p.states[ordinal];
  count(p.counts, recall_in(byte), ~std::uint64_t{0});
  count(p.counts, next, 1);
  byte = static_cast<std::uint8_t>((byte & ~recall_mask) |
                                   static_cast<unsigned>(next) << recall_shift);
}

void mark_published(partition& p, std::uint32_t ordinal) {
  auto& byte = p.states[ordinal];
  p.counts.published += (byte & published_bit) == 0 ? 1 : 0;
  byte |= published_bit;
}

/// Targets beyond the list would be a fact about another partition.
auto end_of(const ordinal_ranges& ordinals) -> std::uint32_t {
  if (ordinals.empty()) return 0;
  const auto last = ordinals.ranges().back();
  return last.first + last.count;
}

void saw_run(partition& p, run_no run) {
  p.run = std::max(p.run, run);
}

/// A recall moves the second axis alone.
void apply_recall(partition& p, const targets_released& e, position at,
                  const amount_source& amounts) {
  if (p.recall < e.recall) {
    p.recall = e.recall;
    p.recall_next = 0;
    p.recall_count = 0;
    p.recall_amount = {};
  }
  if (p.recalls.empty()) p.recalls.assign(p.states.size(), 0);
  e.ordinals.for_each([&](std::uint32_t ordinal) {
    move(p, ordinal, recall_state::recalling);
    p.recalls[ordinal] = static_cast<std::uint16_t>(e.recall.value);
    p.recall_amount.value += amounts.amount_of(target_ordinal{ordinal}).value;
  });
  p.recall_next = std::max(p.recall_next, end_of(e.ordinals));
  p.recall_count += e.ordinals.size();
  p.open.push_back({at, e.ordinals, e.message_count, e.attempt, e.kind});
}

void saw_retry(partition& p, const targets_released& e) {
  if (p.retry_run < e.retry_run) {
    p.retry_run = e.retry_run;
    p.retry_next = 0;
    p.retry_count = 0;
  }
  p.retry_next = std::max(p.retry_next, end_of(e.ordinals));
  p.retry_count += e.ordinals.size();
}

void apply(partition& p, const targets_released& e, position at, const amount_source& amounts) {
  const auto end = end_of(e.ordinals);
  BESTOW_ASSERT(end <= p.states.size());
  if (e.kind == release_kind::recall) return apply_recall(p, e, at, amounts);
  e.ordinals.for_each([&](std::uint32_t ordinal) {
    move(p, ordinal, target_state::released);
    p.seen[ordinal] = seen_after_release(p.seen[ordinal]);
    p.attempts[ordinal] = e.attempt.value;
  });
  p.next = std::max(p.next, end);
  if (e.kind == release_kind::retry) saw_retry(p, e);
  p.open.push_back({at, e.ordinals, e.message_count, e.attempt, e.kind});
  ++p.release_count;
  saw_run(p, e.run);
}

void apply(partition& p, const targets_publish_failed& e, position, const amount_source&) {
  const auto end = end_of(e.ordinals);
  BESTOW_ASSERT(end <= p.states.size());
  e.ordinals.for_each(
      [&](std::uint32_t ordinal) { move(p, ordinal, target_state::publish_failed); });
  p.next = std::max(p.next, end);
  saw_run(p, e.run);
}

void apply(partition& p, const grants_published& e, position, const amount_source&) {
  const auto open = std::ranges::find(p.open, e.released_at, &open_release::at);
  if (open == p.open.end()) return;  // Said before; nothing is left to become published.
  if (open->kind == release_kind::recall) {
    p.open.erase(open);
    return;
  }
  open->ordinals.for_each([&](std::uint32_t ordinal) {
    mark_published(p, ordinal);
    // An early result may have moved the target on, and a later attempt has an answer of its own.
    if (state_in(p.states[ordinal]) == target_state::released &&
        p.attempts[ordinal] == open->attempt.value)
      move(p, ordinal, target_state::published);
  });
  if (e.published_at != timestamp{}) {
    // A clock that was set back does not disorder them.
    const auto last = p.awaited.empty() ? timestamp{} : p.awaited.back().published_at;
    p.awaited.push_back({std::max(e.published_at, last), std::move(open->ordinals), open->attempt});
  }
  p.open.erase(open);
}

void apply(partition& p, const results_recorded& e, position, const amount_source& amounts) {
  for (std::size_t i = 0; i < e.ordinals.size(); ++i) {
    const auto ordinal = static_cast<std::uint32_t>(e.ordinals[i]);
    const auto status = static_cast<process_status>(e.statuses[i]);
    const auto attempt = static_cast<std::uint16_t>(e.attempts[i]);
    BESTOW_ASSERT(ordinal < p.states.size());
    const auto released = p.attempts[ordinal];
    if (released > 0) mark_published(p, ordinal);  // A result implies that the grant was read.
    const auto effect = effect_of(state_in(p.states[ordinal]), released, status, attempt);
    if (status != process_status::success)
      p.seen[ordinal] |= seen_bit(status, attempt_spoken_of(released, attempt));
    if (!effect.changes) {
      ++p.ignored;
      continue;
    }
    move(p, ordinal, effect.next);
    if (status != process_status::success) continue;
    p.key_hashes[ordinal] = hash_of_key(e.transaction_keys[i]);
    p.counts.success_amount.value += amounts.amount_of(target_ordinal{ordinal}).value;
  }
  p.duplicates += e.duplicate_count;
}

void apply(partition& p, const double_grant_detected& e, position, const amount_source&) {
  p.double_keys.emplace(e.ordinal.value, hash_of_key(e.transaction_key));
  ++p.double_grants;
}

void apply(partition& p, const partition_done& e, position, const amount_source&) {
  p.done_at_release = e.release_count;
  if (p.counts.terminal() == p.counts.total) {
    p.awaited_before += p.awaited.size();
    p.awaited.clear();
  }
  saw_run(p, e.run);
}

void apply(partition& p, const targets_abandoned& e, position, const amount_source&) {
  const auto end = end_of(e.ordinals);
  BESTOW_ASSERT(end <= p.states.size());
  e.ordinals.for_each([&](std::uint32_t ordinal) { move(p, ordinal, target_state::abandoned); });
  p.next = std::max(p.next, end);
}

void apply(partition& p, const results_overdue& e, position, const amount_source&) {
  BESTOW_ASSERT(end_of(e.ordinals) <= p.states.size());
  e.ordinals.for_each([&](std::uint32_t ordinal) {
    const auto now = state_in(p.states[ordinal]);
    const bool retried =
        now == target_state::retrying || now == target_state::unknown_after_retrying;
    move(p, ordinal, retried ? target_state::unknown_after_retrying : target_state::unknown);
  });
}

void apply(partition& p, const retry_planned& e, position, const amount_source&) {
  p.retry_done = e.retry_run;
}

void apply(partition& p, const recall_planned& e, position, const amount_source&) {
  p.recall = std::max(p.recall, e.recall);
  p.recall_done = e.recall;
}

void apply(partition& p, const recalls_recorded& e, position, const amount_source& amounts) {
  for (std::size_t i = 0; i < e.ordinals.size(); ++i) {
    const auto ordinal = static_cast<std::uint32_t>(e.ordinals[i]);
    BESTOW_ASSERT(was_recalled(p, target_ordinal{ordinal}));
    const auto effect = effect_of(recall_in(p.states[ordinal]), p.recalls[ordinal],
                                  static_cast<recall_status>(e.recall_statuses[i]),
                                  static_cast<std::uint16_t>(e.recalls[i]));
    if (!effect.changes) continue;
    move(p, ordinal, effect.next);
    if (effect.next == recall_state::recalled)
      p.counts.recalled_amount.value += amounts.amount_of(target_ordinal{ordinal}).value;
  }
  p.duplicates += e.duplicate_count;
}

}  // namespace

auto make_partition(promotion_id id, partition_no k, promotion_type type, std::uint32_t count)
    -> partition {
  partition p;
  p.promotion = id;
  p.number = k;
  p.type = type;
  p.states.assign(count, static_cast<std::uint8_t>(target_state::pending));
  p.attempts.assign(count, 0);
  p.key_hashes.assign(count, 0);
  p.seen.assign(count, 0);
  p.counts.total = count;
  return p;
}

void fold(partition& p, const partition_event& e, position at, const amount_source& amounts) {
  std::visit([&](const auto& fact) { apply(p, fact, at, amounts); }, e);
  ++p.version.value;
}

}  // namespace bestow::domain
