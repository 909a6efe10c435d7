#include "projections/target_history.hpp"

#include <fmt/format.h>

namespace bestow::projections {

namespace {

/// How many ordinals of the set come before this one. Precondition: it is in the set.
auto rank_of(const ordinal_ranges& set, std::uint32_t ordinal) -> std::uint64_t {
  std::uint64_t before = 0;
  for (const auto& r : set.ranges()) {
    if (ordinal < r.first + r.count) return before + (ordinal - r.first);
    before += r.count;
  }
  return before;
}

}  // namespace

void target_history::add(const fact_head& head, std::string_view what, std::string detail) {
  lines_.push_back({head.at, head.recorded_at, std::string{what}, std::move(detail)});
}

auto target_history::apply(const fact_head& head, const targets_released& e) -> result<void> {
  if (!e.ordinals.contains(ordinal_.value)) return {};
  releases_[head.at] = {e.attempt, message_of(e, rank_of(e.ordinals, ordinal_.value))};
  if (e.kind == release_kind::recall)
    add(head, e.name, fmt::format("recall {}: {}", e.recall.value, e.recall_reason));
  else
    add(head, e.name,
        fmt::format("{}, attempt {}, run {}", name_of(e.kind), e.attempt.value, e.run.value));
  return {};
}

auto target_history::apply(const fact_head& head, const targets_publish_failed& e) -> result<void> {
  if (e.ordinals.contains(ordinal_.value))
    add(head, e.name, fmt::format("attempt {}, {}", e.attempt.value, e.reason));
  return {};
}

auto target_history::apply(const fact_head& head, const grants_published& e) -> result<void> {
  const auto it = releases_.find(e.released_at);
  if (it == releases_.end()) return {};
  const auto& [attempt, message] = it->second;
  add(head, e.name,
      fmt::format("attempt {}, stream_seq {}", attempt.value, e.first_stream_seq + message));
  return {};
}

auto target_history::apply(const fact_head& head, const results_recorded& e) -> result<void> {
  const auto count = e.ordinals.size();
  if (e.statuses.size() != count || e.attempts.size() != count ||
      e.transaction_keys.size() != count || e.error_messages.size() != count)
    return poison(head, e.name, "its columns differ in length");
  for (std::size_t i = 0; i < count; ++i) {
    if (e.ordinals[i] != ordinal_.value) continue;
    std::string detail{name_of(static_cast<process_status>(e.statuses[i]))};
    if (const auto key = e.transaction_keys[i]; !key.empty()) detail += fmt::format(" {}", key);
    if (e.attempts[i] != 0) detail += fmt::format(", attempt {}", e.attempts[i]);
    if (const auto error = e.error_messages[i]; !error.empty())
      detail += fmt::format(", {}", error);
    add(head, e.name, std::move(detail));
  }
  return {};
}

auto target_history::apply(const fact_head& head, const double_grant_detected& e) -> result<void> {
  if (e.ordinal == ordinal_)
    add(head, e.name, fmt::format("a second SUCCESS {}", e.transaction_key));
  return {};
}

auto target_history::apply(const fact_head& head, const targets_abandoned& e) -> result<void> {
  if (e.ordinals.contains(ordinal_.value)) add(head, e.name, "the promotion was closed");
  return {};
}

auto target_history::apply(const fact_head& head, const results_overdue& e) -> result<void> {
  if (e.ordinals.contains(ordinal_.value))
    add(head, e.name, fmt::format("attempt {}, no answer in time", e.attempt.value));
  return {};
}

auto target_history::apply(const fact_head& head, const recalls_recorded& e) -> result<void> {
  for (std::size_t i = 0; i < e.ordinals.size(); ++i) {
    if (e.ordinals[i] != ordinal_.value) continue;
    std::string detail{name_of(static_cast<recall_status>(e.recall_statuses[i]))};
    if (const auto key = e.transaction_keys[i]; !key.empty()) detail += fmt::format(" {}", key);
    if (const auto error = e.error_messages[i]; !error.empty())
      detail += fmt::format(", {}", error);
    add(head, e.name, std::move(detail));
  }
  return {};
}

auto queries::history(promotion_id id, target_id target) const
    -> result<answer<std::vector<target_fact>>> {
  answer<std::vector<target_fact>> out{{}, log_->head().last};
  auto shown = this->target(id, target);
  if (!shown) return tl::unexpected{shown.error()};
  if (!shown->value) return out;
  target_history lines{shown->value->ordinal};
  result<void> applied;
  const auto seen =
      log_->read_stream(stream_of(id, shown->value->target.partition), {},
                        {target_history::handles::types()}, [&](const store::stored_event& e) {
                          if (e.at > out.as_of) return false;
                          applied = target_history::handles::apply(lines, e);
                          return applied.has_value();
                        });
  if (!seen) return tl::unexpected{seen.error()};
  if (!applied) return tl::unexpected{applied.error()};
  out.value = lines.take();
  return out;
}

}  // namespace bestow::projections
