#include "domain/partition_rules.hpp"

#include <limits>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "domain/target_row.hpp"

namespace bestow::domain {

auto hash_of_key(std::string_view transaction_key) -> std::uint64_t {
  const auto hash = XXH3_64bits(transaction_key.data(), transaction_key.size());
  return hash != 0 ? hash : 1;
}

auto fit_text(std::string_view text, std::size_t chars_max) -> std::string {
  static constexpr std::string_view cut_mark = "\u2026";
  if (const auto chars = utf8_length(text); chars && *chars <= chars_max) return std::string{text};
  return std::string{utf8_prefix(text, chars_max - 1)}.append(cut_mark);
}

auto is_terminal(target_state s) -> bool {
  switch (s) {
    case target_state::pending:
    case target_state::released:
    case target_state::published:
    case target_state::retrying:
      return false;
    case target_state::success:
    case target_state::success_after_retry:
    case target_state::failed:
    case target_state::publish_failed:
    case target_state::unknown:
    case target_state::unknown_after_retrying:
    case target_state::abandoned:
      return true;
  }
  return false;
}

auto name_of(target_state s) -> std::string_view {
  switch (s) {
    case target_state::pending:
      return "pending";
    case target_state::released:
      return "released";
    case target_state::published:
      return "published";
    case target_state::retrying:
      return "retrying";
    case target_state::success:
    case target_state::success_after_retry:
      return "success";
    case target_state::failed:
      return "failed";
    case target_state::publish_failed:
      return "publish_failed";
    case target_state::unknown:
    case target_state::unknown_after_retrying:
      return "unknown";
    case target_state::abandoned:
      return "abandoned";
  }
  return {};
}

auto name_of(recall_state s) -> std::string_view {
  switch (s) {
    case recall_state::none:
      return "none";
    case recall_state::recalling:
      return "recalling";
    case recall_state::recalled:
      return "recalled";
    case recall_state::recall_failed:
      return "recall_failed";
  }
  return {};
}

auto publish_status_of(target_state s, bool published) -> std::string_view {
  if (published) return "PUBLISHED";
  return s == target_state::publish_failed ? "FAILED" : "PENDING";
}

auto was_released(const partition& p, target_ordinal ordinal) -> bool {
  return ordinal.value < p.attempts.size() && p.attempts[ordinal.value] > 0;
}

auto effect_of(target_state now, std::uint16_t attempts_released, process_status status,
               std::uint16_t attempt) -> result_effect {
  const result_effect unchanged{now, false};
  if (attempts_released == 0 || is_success(now)) return unchanged;
  const bool had_trouble = now == target_state::retrying || now == target_state::failed ||
                           now == target_state::unknown_after_retrying;
  switch (status) {
    case process_status::success:
      return {had_trouble || attempts_released > 1 ? target_state::success_after_retry
                                                   : target_state::success,
              true};
    case process_status::retrying:
    case process_status::failed:
      break;
  }
  // An older attempt says nothing of the one under way, nor does an attempt that never was.
  if (attempt_spoken_of(attempts_released, attempt) != spoken_of::latest) return unchanged;
  if (now == target_state::failed) return unchanged;
  if (status == process_status::failed) return {target_state::failed, true};
  // No final answer: what is overdue stays overdue, or nothing would ever end it.
  if (now == target_state::unknown) return {target_state::unknown_after_retrying, true};
  if (now == target_state::retrying || now == target_state::unknown_after_retrying)
    return unchanged;
  return {target_state::retrying, true};
}

auto effect_of(recall_state now, std::uint16_t latest, recall_status status, std::uint16_t recall)
    -> recall_effect {
  if (now == recall_state::none || now == recall_state::recalled) return {now, false};
  // Taken back is taken back, whichever recall did it; a refusal speaks of its own recall alone.
  if (status == recall_status::recalled) return {recall_state::recalled, true};
  if (now != recall_state::recalling || (recall != 0 && recall != latest)) return {now, false};
  return {recall_state::recall_failed, true};
}

auto survey(const partition& p) -> survey_counts {
  const auto& c = p.counts;
  const auto unreleased = p.states.size() - p.next;
  return {c.fail, c.unknown, c.success - c.recalled - c.recalling,
          c.total - c.terminal() - unreleased};
}

auto is_retryable(const partition& p, target_ordinal ordinal, retry_scope scope) -> bool {
  if (p.attempts[ordinal.value] == std::numeric_limits<std::uint16_t>::max()) return false;
  const auto s = state_in(p.states[ordinal.value]);
  switch (scope) {
    case retry_scope::none:
      return false;
    case retry_scope::failed:
      return s == target_state::failed || s == target_state::publish_failed;
    case retry_scope::unknown:
      return s == target_state::unknown || s == target_state::unknown_after_retrying;
  }
  return false;
}

auto is_recallable(const partition& p, target_ordinal ordinal) -> bool {
  const auto byte = p.states[ordinal.value];
  const auto recall = recall_in(byte);
  return is_success(state_in(byte)) &&
         (recall == recall_state::none || recall == recall_state::recall_failed);
}

auto has_open_attempt(const partition& p, target_ordinal ordinal) -> bool {
  const auto s = state_in(p.states[ordinal.value]);
  return s != target_state::pending && !is_terminal(s);
}

auto was_recalled(const partition& p, target_ordinal ordinal) -> bool {
  return ordinal.value < p.recalls.size() && p.recalls[ordinal.value] > 0;
}

}  // namespace bestow::domain
