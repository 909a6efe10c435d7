// Taking in releases that the log has lost and the stream still holds.
#include <fmt/format.h>

#include <algorithm>

#include "domain/partition.hpp"

namespace bestow::domain {
namespace {

auto not_next(const targets_released& e, std::string_view why) -> refusal {
  return {rejection::stream_cannot_be_adopted,
          fmt::format("promotion {}, partition {}: {}", e.promotion.value, e.partition.value, why)};
}

/// "" when every ordinal is released for the first time and none is passed over.
auto wrong_first_attempt(const targets_released& e, const partition& p) -> std::string {
  auto expected = p.next;
  std::string wrong;
  e.ordinals.for_each([&](std::uint32_t ordinal) {
    if (wrong.empty() && ordinal != expected)
      wrong = fmt::format("target number {} of the list stands where number {} is next", ordinal,
                          expected);
    ++expected;
  });
  if (wrong.empty() && expected > p.states.size()) wrong = "a target beyond the sealed list";
  return wrong;
}

auto wrong_later_attempt(const targets_released& e, const partition& p) -> std::string {
  std::string wrong;
  e.ordinals.for_each([&](std::uint32_t ordinal) {
    if (!wrong.empty()) return;
    if (ordinal >= p.states.size())
      wrong = "a target beyond the sealed list";
    else if (p.attempts[ordinal] + 1U != e.attempt.value)
      wrong = fmt::format("attempt {} of target number {}, {} are known", e.attempt.value, ordinal,
                          p.attempts[ordinal]);
  });
  return wrong;
}

}  // namespace

auto decide(const adopt_release& c, const partition& p) -> partition_decision {
  const auto& e = c.facts;
  if (e.type != p.type || e.ordinals.empty()) return not_next(e, "not a release of this partition");
  const auto wrong = e.attempt.value == 1 ? wrong_first_attempt(e, p) : wrong_later_attempt(e, p);
  if (!wrong.empty()) return not_next(e, wrong);
  auto facts = e;
  if (facts.run.value == 0) facts.run = run_no{std::max(p.run.value, 1U)};
  return std::vector<partition_event>{std::move(facts)};
}

}  // namespace bestow::domain
