// From created to completed. The checks of each command stand in the order of the enum.
#include <fmt/format.h>

#include <chrono>

#include "domain/promotion.hpp"
#include "domain/promotion_answers.hpp"

namespace bestow::domain {
namespace {

auto is_date(std::uint32_t yyyymmdd) -> bool {
  using namespace std::chrono;
  return yyyymmdd >= 10'000'101 && yyyymmdd <= 99'991'231 &&
         year_month_day{year{static_cast<int>(yyyymmdd / 10'000)}, month{yyyymmdd / 100 % 100},
                        day{yyyymmdd % 100}}
             .ok();
}

auto check_run_date(std::uint32_t yyyymmdd) -> std::optional<refusal> {
  if (is_date(yyyymmdd)) return std::nullopt;
  return refusal{rejection::run_date_invalid,
                 fmt::format("run_date is {}; yyyymmdd of a day of the calendar", yyyymmdd)};
}

/// A stopped promotion goes on with the run date it was started for, and with its retry.
auto resume_run(const start_run& c, const promotion& p) -> promotion_decision {
  if (p.state == promotion_state::running) return nothing();
  if (p.state != promotion_state::stopped && p.state != promotion_state::failed)
    return in_state(rejection::not_stopped, p);
  if (p.closed) return in_state(rejection::promotion_closed, p);
  auto wanted = c.wanted;
  wanted.retry = p.run.retry;
  wanted.retry_run = p.run.retry_run;
  wanted.retry_targets = p.run.retry_targets;
  if (wanted.run_date == 0) wanted.run_date = p.run.run_date;
  if (auto no = check_run_date(wanted.run_date)) return *std::move(no);
  return begin_run(std::move(wanted), true, p);
}

auto start_first_run(const start_run& c, const promotion& p) -> promotion_decision {
  switch (p.state) {
    case promotion_state::none:
      return not_found();
    case promotion_state::draft:
      return in_state(rejection::not_sealed, p);
    case promotion_state::sealed:
      return in_state(rejection::not_approved, p);
    case promotion_state::approved:
    case promotion_state::scheduled:
      if (auto no = check_run_date(c.wanted.run_date)) return *std::move(no);
      return begin_run(c.wanted, false, p);
    case promotion_state::running:
      return nothing();
    case promotion_state::cancelled:
      return in_state(rejection::promotion_cancelled, p);
    case promotion_state::failed:
    case promotion_state::stopping:
    case promotion_state::stopped: {
      auto no = in_state(rejection::already_started, p);
      no.detail += "; `promotion resume` goes on where it stopped";
      return no;
    }
    case promotion_state::completed:
      // A start whose answer was lost may find its small promotion completed already.
      if (c.wanted.run_date == p.run.run_date) return nothing();
      return refusal{rejection::already_completed,
                     fmt::format("completed for run date {}", p.run.run_date)};
  }
  return nothing();
}

auto check_seal_totals(const seal_list& c, const promotion& p) -> std::optional<refusal> {
  const auto& wanted = p.created;
  const auto& is = c.totals;
  if (c.total_overflows)
    return refusal{rejection::total_overflows, "the sum exceeds 9223372036854775807 minor units"};
  if (wanted.total_count != 0 && wanted.total_count != is.total_count)
    return refusal{rejection::total_count_differs,
                   fmt::format("the list has {} targets; total_count is {}", is.total_count,
                               wanted.total_count)};
  if (wanted.total_amount != money_minor{} && wanted.total_amount != is.total_amount)
    return refusal{rejection::total_amount_differs,
                   fmt::format("the list sums to {}; total_amount is {} (minor units of {})",
                               is.total_amount.value, wanted.total_amount.value, wanted.currency)};
  if (wanted.budget_amount != money_minor{} && is.total_amount > wanted.budget_amount)
    return refusal{rejection::budget_exceeded,
                   fmt::format("the list sums to {}; budget_amount is {} (minor units of {})",
                               is.total_amount.value, wanted.budget_amount.value, wanted.currency)};
  return std::nullopt;
}

}  // namespace

auto decide(const create_promotion& c, const promotion& p) -> promotion_decision {
  if (auto no = check_identity(c)) return *std::move(no);
  if (p.state != promotion_state::none) {
    if (same_promotion(c.wanted, p.created)) return nothing();
    return refusal{
        rejection::promotion_exists,
        fmt::format("promotion {} exists with other content", p.created.promotion.value)};
  }
  if (auto no = check_texts(c)) return *std::move(no);
  if (auto no = check_terms(c)) return *std::move(no);
  return one(c.wanted);
}

auto may_seal(const promotion& p) -> std::optional<refusal> {
  if (p.state == promotion_state::none) return not_found();
  if (p.state == promotion_state::cancelled) return in_state(rejection::promotion_cancelled, p);
  if (p.list) return std::nullopt;
  for (const auto& [id, b] : p.batches)
    if (b.state == batch_state::life::open)
      return refusal{rejection::import_open, fmt::format("batch {} is open", id)};
  if (p.any_amount_missing && p.created.default_amount == money_minor{})
    return refusal{rejection::amount_missing_without_default, "a row has no amount"};
  if (p.any_reason_missing && p.created.default_reason.empty())
    return refusal{rejection::reason_missing_without_default, "a row has no reason"};
  if (p.any_expiry_missing && p.created.default_expiry_at == timestamp{})
    return refusal{rejection::expiry_missing_without_default, "a row has no expiry or validity"};
  return std::nullopt;
}

auto decide(const seal_list& c, const promotion& p) -> promotion_decision {
  if (auto no = may_seal(p)) return *std::move(no);
  if (p.list) return nothing();
  if (auto no = check_seal_totals(c, p)) return *std::move(no);
  return one(c.totals);
}

auto decide(const approve_promotion& c, const promotion& p) -> promotion_decision {
  if (p.state == promotion_state::none) return not_found();
  if (p.state == promotion_state::cancelled) return in_state(rejection::promotion_cancelled, p);
  if (p.state == promotion_state::draft) return in_state(rejection::not_sealed, p);
  if (p.state != promotion_state::sealed) return nothing();
  if (p.created.approval == approval_policy::four_eyes && c.by == p.created.created_by)
    return refusal{rejection::approver_is_creator,
                   fmt::format("'{}' created the promotion; somebody else approves it", c.by)};
  std::vector<promotion_event> events{promotion_approved{c.by}};
  // The start was asked for at create; one that is over by now begins at once.
  if (p.created.reservation_at != timestamp{})
    events.emplace_back(promotion_scheduled{p.created.reservation_at, c.by});
  return events;
}

auto decide(const start_run& c, const promotion& p) -> promotion_decision {
  if (p.state == promotion_state::none) return not_found();
  return c.resume ? resume_run(c, p) : start_first_run(c, p);
}

auto decide(const stop_run& c, const promotion& p) -> promotion_decision {
  if (p.state == promotion_state::none) return not_found();
  if (p.state == promotion_state::stopping || p.state == promotion_state::stopped) return nothing();
  if (p.state == promotion_state::cancelled) return in_state(rejection::promotion_cancelled, p);
  if (p.state != promotion_state::running) return in_state(rejection::not_running, p);
  return one(run_stopping{p.run.run, c.reason, c.by});
}

auto decide(const confirm_stopped& c, const promotion& p) -> promotion_decision {
  if (p.state == promotion_state::none) return not_found();
  if (p.state != promotion_state::stopping || c.run != p.run.run) return nothing();
  return one(run_stopped{c.run});
}

auto decide(const complete_promotion& c, const promotion& p) -> promotion_decision {
  switch (p.state) {
    case promotion_state::none:
      return not_found();
    case promotion_state::draft:
    case promotion_state::sealed:
    case promotion_state::approved:
    case promotion_state::scheduled:
    case promotion_state::cancelled:
      return in_state(rejection::not_running, p);
    case promotion_state::completed:
      return nothing();
    case promotion_state::running:
    case promotion_state::stopping:
    case promotion_state::stopped:
    case promotion_state::failed:
      break;
  }
  if (c.run != p.run.run)
    return refusal{rejection::stale_run,
                   fmt::format("run {} is over; run {} is current", c.run.value, p.run.run.value)};
  return one(promotion_completed{c.run, c.success_count, c.fail_count, c.success_amount});
}

}  // namespace bestow::domain
