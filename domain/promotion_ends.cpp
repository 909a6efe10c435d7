// What surrounds the runs: schedule, cancel, close, retry, recall, failure. The checks of each command
// stand in the order of the enum.
#include <fmt/format.h>

#include "domain/promotion.hpp"
#include "domain/promotion_answers.hpp"
#include "domain/target_row.hpp"
#include "domain/text.hpp"
#include "events/limits.hpp"

namespace bestow::domain {
namespace {

auto has_run(const promotion& p) -> bool {
  return p.run.run.value != 0;
}

auto names(const u64_column& a, const u64_column& b) -> bool {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i]) return false;
  return true;
}

auto check_named(const u64_column& ids) -> std::optional<refusal> {
  if (ids.size() <= limits::named_targets_max) return std::nullopt;
  return refusal{rejection::too_many_named_targets,
                 fmt::format("{} targets are named; at most {}", ids.size(),
                             limits::named_targets_max)};
}

auto check_survey(const target_survey& s, rejection unfit) -> std::optional<refusal> {
  if (s.missing)
    return refusal{rejection::target_not_found,
                   fmt::format("target {} is not in the list", s.missing->value)};
  if (s.unfit)
    return refusal{unfit, fmt::format("target {} is in another state", s.unfit->value)};
  return std::nullopt;
}

/// What retry and recall share.
auto check_has_run(const promotion& p) -> std::optional<refusal> {
  if (p.state == promotion_state::none) return not_found();
  if (p.state == promotion_state::cancelled) return in_state(rejection::promotion_cancelled, p);
  if (p.closed) return in_state(rejection::promotion_closed, p);
  return std::nullopt;
}

auto check_reason(const std::string& reason) -> std::optional<refusal> {
  const auto chars = utf8_length(reason);
  if (!chars || has_control_character(reason))
    return refusal{rejection::text_malformed,
                   "the reason must be UTF-8 without control characters"};
  if (*chars == 0) return refusal{rejection::recall_reason_missing, "the reason is empty"};
  if (*chars > limits::reason_chars_max)
    return refusal{rejection::recall_reason_too_long,
                   fmt::format("the reason has {} characters; at most {} are allowed", *chars,
                               limits::reason_chars_max)};
  return std::nullopt;
}

}  // namespace

auto refused_approval(const approve_promotion& c, const promotion& p)
    -> std::optional<approval_refused> {
  const auto decided = decide(c, p);
  const auto* no = std::get_if<refusal>(&decided);
  if (no == nullptr || no->why != rejection::approver_is_creator) return std::nullopt;
  if (p.refused_approvers.contains(c.by)) return std::nullopt;
  return approval_refused{c.by, std::string{name_of(no->why)}};
}

auto decide(const schedule_promotion& c, const promotion& p) -> promotion_decision {
  switch (p.state) {
    case promotion_state::none:
      return not_found();
    case promotion_state::cancelled:
      return in_state(rejection::promotion_cancelled, p);
    case promotion_state::draft:
      return in_state(rejection::not_sealed, p);
    case promotion_state::sealed:
      return in_state(rejection::not_approved, p);
    case promotion_state::approved:
    case promotion_state::scheduled:
      break;
    case promotion_state::running:
    case promotion_state::stopping:
    case promotion_state::stopped:
    case promotion_state::completed:
    case promotion_state::failed:
      return in_state(rejection::already_started, p);
  }
  if (p.state == promotion_state::scheduled && p.start_at == c.start_at) return nothing();
  if (c.start_at <= c.now)
    return refusal{rejection::start_time_in_past,
                   fmt::format("the start is {}; later than {}", to_rfc3339(c.start_at),
                               to_rfc3339(c.now))};
  return one(promotion_scheduled{c.start_at, c.by});
}

auto decide(const cancel_promotion& c, const promotion& p) -> promotion_decision {
  if (p.state == promotion_state::none) return not_found();
  if (p.state == promotion_state::cancelled) return nothing();
  if (has_run(p)) return in_state(rejection::cancel_after_start, p);
  return one(promotion_cancelled{c.reason, c.by});
}

auto decide(const close_promotion& c, const promotion& p) -> promotion_decision {
  if (p.state == promotion_state::none) return not_found();
  if (p.state == promotion_state::cancelled) return in_state(rejection::promotion_cancelled, p);
  if (p.closed) return nothing();
  const bool at_rest = p.state == promotion_state::stopped ||
                       p.state == promotion_state::completed || p.state == promotion_state::failed;
  if (!at_rest) return in_state(rejection::close_while_open, p);
  if (p.recall_open) return in_state(rejection::recall_open, p);
  return one(promotion_closed{c.reason, c.by});
}

auto decide(const retry_promotion& c, const promotion& p) -> promotion_decision {
  if (auto no = check_has_run(p)) return *std::move(no);
  const bool active =
      p.state == promotion_state::running || p.state == promotion_state::stopping;
  // A repeat whose answer was lost: the retry it asks for is under way.
  if (p.state == promotion_state::running && p.run.retry == c.wanted.retry &&
      names(p.run.retry_targets, c.wanted.retry_targets))
    return nothing();
  if (active) return in_state(rejection::retry_while_running, p);
  if (!has_run(p)) return in_state(rejection::never_run, p);
  if (auto no = check_named(c.wanted.retry_targets)) return *std::move(no);
  if (auto no = check_survey(c.survey, rejection::target_not_retryable)) return *std::move(no);
  if (c.survey.matching == 0)
    return refusal{rejection::nothing_to_retry,
                   fmt::format("no target is {}", name_of(c.wanted.retry))};
  auto wanted = c.wanted;
  if (wanted.run_date == 0) wanted.run_date = p.run.run_date;
  wanted.retry_run = run_no{p.run.run.value + 1};
  return begin_run(std::move(wanted), true, p);
}

auto decide(const recall_promotion& c, const promotion& p) -> promotion_decision {
  if (auto no = check_has_run(p)) return *std::move(no);
  if (!has_run(p)) return in_state(rejection::never_run, p);
  // A repeat whose answer was lost: the recall it asks for is under way.
  if (p.recall_open && p.recall.reason == c.reason && names(p.recall.target_ids, c.target_ids))
    return nothing();
  if (auto no = check_named(c.target_ids)) return *std::move(no);
  if (auto no = check_survey(c.survey, rejection::target_not_granted)) return *std::move(no);
  if (auto no = check_reason(c.reason)) return *std::move(no);
  if (p.recall_open) return in_state(rejection::recall_open, p);
  if (p.recall.recall.value == limits::recalls_per_promotion_max)
    return refusal{rejection::too_many_recalls,
                   fmt::format("{} recalls were made", p.recall.recall.value)};
  if (c.survey.open > 0)
    return refusal{rejection::attempt_open,
                   fmt::format("{} attempts have no final answer yet", c.survey.open)};
  if (c.survey.matching == 0)
    return refusal{rejection::nothing_to_recall, "no target is granted and not yet recalled"};
  return one(recall_started{recall_no{p.recall.recall.value + 1}, c.reason, c.target_ids, c.by});
}

auto decide(const finish_recall& c, const promotion& p) -> promotion_decision {
  if (p.state == promotion_state::none) return not_found();
  if (!p.recall_open || c.recall != p.recall.recall) return nothing();
  return one(recall_finished{c.recall, c.target_count, c.amount});
}

auto decide(const fail_run& c, const promotion& p) -> promotion_decision {
  if (p.state == promotion_state::none) return not_found();
  const bool active =
      p.state == promotion_state::running || p.state == promotion_state::stopping;
  if (!active || c.run != p.run.run) return nothing();
  return one(promotion_failed{c.run, c.code, c.detail});
}

}  // namespace bestow::domain
