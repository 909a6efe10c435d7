#include "domain/promotion_answers.hpp"

#include <fmt/format.h>

#include "domain/target_row.hpp"
#include "domain/text.hpp"
#include "events/limits.hpp"

namespace bestow::domain {
namespace {

auto is_clean(std::string_view text) -> bool {
  return utf8_length(text).has_value() && !has_control_character(text);
}

auto too_long(rejection why, std::string_view field, std::string_view text, std::size_t chars_max)
    -> std::optional<refusal> {
  const auto chars = utf8_length(text).value_or(text.size());
  if (chars <= chars_max) return std::nullopt;
  return refusal{
      why, fmt::format("{} has {} characters; at most {} are allowed", field, chars, chars_max)};
}

auto negative(rejection why, std::string_view field, money_minor amount) -> std::optional<refusal> {
  if (amount >= money_minor{0}) return std::nullopt;
  return refusal{why, fmt::format("{} is {}; above 0, or leave it out", field, amount.value)};
}

}  // namespace

auto nothing() -> promotion_decision {
  return std::vector<promotion_event>{};
}

auto one(promotion_event e) -> promotion_decision {
  std::vector<promotion_event> events;
  events.push_back(std::move(e));
  return events;
}

auto begin_run(run_started wanted, bool resumed, const promotion& p) -> promotion_decision {
  wanted.run = run_no{p.run.run.value + 1};
  wanted.resumed = resumed;
  return one(std::move(wanted));
}

auto not_found() -> refusal {
  return {rejection::promotion_not_found, "no such promotion"};
}

auto in_state(rejection why, const promotion& p) -> refusal {
  // Shown as running elsewhere; here the difference is the reason.
  const auto state =
      p.state == promotion_state::stopping ? std::string_view{"stopping"} : name_of(p.state);
  return {why, fmt::format("promotion {} is {}", p.created.promotion.value, state)};
}

auto same_promotion(const promotion_created& a, const promotion_created& b) -> bool {
  auto by_same_hand = b;
  by_same_hand.created_by = a.created_by;
  return a == by_same_hand;
}

auto check_identity(const create_promotion& c) -> std::optional<refusal> {
  const auto id = c.wanted.promotion.value;
  if (id >= 1 && id <= limits::id_max) return std::nullopt;
  return refusal{rejection::promotion_id_out_of_range,
                 fmt::format("promotion_id is {}; 1..{}", id, limits::id_max)};
}

auto check_texts(const create_promotion& c) -> std::optional<refusal> {
  const auto malformed = [](std::string_view field) {
    return refusal{rejection::text_malformed,
                   fmt::format("{} must be UTF-8 without control characters", field)};
  };
  if (!is_clean(c.wanted.external_id)) return malformed("external_id");
  if (!is_clean(c.wanted.default_reason)) return malformed("default_reason");
  if (!is_clean(c.wanted.created_by)) return malformed("created_by");
  return too_long(rejection::external_id_too_long, "external_id", c.wanted.external_id,
                  limits::external_id_chars_max);
}

auto check_terms(const create_promotion& c) -> std::optional<refusal> {
  const auto& w = c.wanted;
  if (!currency_exponent(w.currency))
    return refusal{
        rejection::currency_unknown,
        fmt::format("currency is '{}'; an ISO 4217 code such as KRW", utf8_prefix(w.currency, 16))};
  if (w.partition_count < 1 || w.partition_count > limits::partition_count_max)
    return refusal{rejection::partition_count_out_of_range,
                   fmt::format("partition_count is {}; 1..{}", w.partition_count,
                               limits::partition_count_max)};
  if (auto no = too_long(rejection::default_reason_too_long, "default_reason", w.default_reason,
                         limits::reason_chars_max))
    return no;
  if (auto no =
          negative(rejection::default_amount_not_positive, "default_amount", w.default_amount))
    return no;
  if (w.default_expiry_at != timestamp{} && w.default_expiry_at <= c.now)
    return refusal{rejection::default_expiry_in_past,
                   fmt::format("default_expiry_at is {}; later than {}",
                               to_rfc3339(w.default_expiry_at), to_rfc3339(c.now))};
  if (w.reservation_at != timestamp{} && w.reservation_at <= c.now)
    return refusal{rejection::reservation_in_past,
                   fmt::format("reservation_at is {}; later than {}", to_rfc3339(w.reservation_at),
                               to_rfc3339(c.now))};
  if (auto no = negative(rejection::control_total_negative, "total_amount", w.total_amount))
    return no;
  if (auto no = negative(rejection::budget_not_positive, "budget_amount", w.budget_amount))
    return no;
  if (w.approval == approval_policy::four_eyes && !c.named_tokens)
    return refusal{rejection::approval_policy_needs_tokens,
                   "approval is four_eyes, and the configuration names no tokens"};
  return std::nullopt;
}

}  // namespace bestow::domain
