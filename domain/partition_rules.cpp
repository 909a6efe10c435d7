#include "domain/partition_rules.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace bestow::domain {

auto hash_of_key(std::string_view transaction_key) -> std::uint64_t {
  const auto hash = XXH3_64bits(transaction_key.data(), transaction_key.size());
  return hash != 0 ? hash : 1;
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
      return "unknown";
    case target_state::abandoned:
      return "abandoned";
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
  const bool had_trouble = now == target_state::retrying || now == target_state::failed;
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
  if (now == target_state::retrying) return unchanged;
  return {target_state::retrying, true};
}

}  // namespace bestow::domain
