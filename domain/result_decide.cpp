// What the paying service said, row by row: news, repeat or alarm.
#include <algorithm>
#include <unordered_map>

#include "domain/partition.hpp"
#include "domain/partition_rules.hpp"
#include "domain/target_row.hpp"
#include "events/assert.hpp"
#include "events/limits.hpp"

namespace bestow::domain {
namespace {

/// A target as it stands after the rows of the same command that came before.
struct standing {
  target_state state{target_state::pending};
  std::uint8_t seen{0};
  std::uint64_t key_hash{0};
};

class recorder {
 public:
  recorder(const partition& p, std::size_t rows) : p_{p} {
    touched_.reserve(rows);
    for (auto* column : {&ordinals_, &statuses_, &attempts_, &at_}) column->reserve(rows);
  }

  void take(const result_row& row) {
    BESTOW_ASSERT(was_released(p_, row.ordinal));  // Others are dead letters, not facts.
    const auto released = p_.attempts[row.ordinal.value];
    auto& now = standing_of(row.ordinal.value);
    const auto effect = effect_of(now.state, released, row.status, row.attempt);
    if (row.status == process_status::success) {
      if (is_success(now.state)) return second_success(row, now);
      now.key_hash = hash_of_key(row.transaction_key);
    } else {
      const auto bit = seen_bit(row.status, attempt_spoken_of(released, row.attempt));
      if (!effect.changes && is_repeat(now.seen, bit, released, row.attempt)) {
        ++recorded_.duplicate_count;
        return;
      }
      now.seen |= bit;
    }
    now.state = effect.next;
    store(row);
  }

  auto finish() && -> std::vector<partition_event> {
    std::vector<partition_event> events;
    if (!ordinals_.empty() || recorded_.duplicate_count > 0) {
      recorded_.ordinals = u64_column::of(std::move(ordinals_));
      recorded_.statuses = u64_column::of(std::move(statuses_));
      recorded_.attempts = u64_column::of(std::move(attempts_));
      recorded_.at = u64_column::of(std::move(at_));
      events.emplace_back(std::move(recorded_));
    }
    for (auto& alarm : alarms_) events.emplace_back(std::move(alarm));
    return events;
  }

 private:
  auto standing_of(std::uint32_t ordinal) -> standing& {
    return touched_
        .try_emplace(ordinal, standing{state_in(p_.states[ordinal]), p_.seen[ordinal],
                                       p_.key_hashes[ordinal]})
        .first->second;
  }

  /// With three attempts or more, "older" no longer names one of them: such a row is kept again
  /// rather than lost.
  static auto is_repeat(std::uint8_t seen, std::uint8_t bit, std::uint16_t released,
                        std::uint16_t attempt) -> bool {
    if ((seen & bit) == 0) return false;
    return released <= 2 || attempt_spoken_of(released, attempt) != spoken_of::older;
  }

  /// A missing second key says nothing of another payment; any other key is an alarm, once.
  void second_success(const result_row& row, const standing& now) {
    const auto hash = hash_of_key(row.transaction_key);
    const auto alarm = std::pair{row.ordinal.value, hash};
    const bool said = p_.double_keys.contains(alarm) || raised_.contains(alarm);
    if (hash == now.key_hash || row.transaction_key.empty() || said) {
      ++recorded_.duplicate_count;
      return;
    }
    raised_.insert(alarm);
    alarms_.push_back(
        {row.ordinal, std::string{row.transaction_key}, attempt_no{row.attempt}, row.at});
  }

  void store(const result_row& row) {
    ordinals_.push_back(row.ordinal.value);
    statuses_.push_back(static_cast<std::uint64_t>(row.status));
    attempts_.push_back(row.attempt);
    at_.push_back(static_cast<std::uint64_t>(row.at.value));
    recorded_.transaction_keys.push_back(row.transaction_key);
    recorded_.error_messages.push_back(
        fit_text(row.error_message, limits::error_message_chars_max));
  }

  const partition& p_;
  std::unordered_map<std::uint32_t, standing> touched_;
  std::set<std::pair<std::uint32_t, std::uint64_t>> raised_;
  std::vector<std::uint64_t> ordinals_, statuses_, attempts_, at_;
  results_recorded recorded_;
  std::vector<double_grant_detected> alarms_;
};

}  // namespace

auto decide(const record_results& c, const partition& p) -> partition_decision {
  recorder r{p, c.rows.size()};
  for (const auto& row : c.rows) r.take(row);
  return std::move(r).finish();
}

}  // namespace bestow::domain
