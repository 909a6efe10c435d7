#include "projections/target_history.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace bestow::projections {

namespace {

/// Calls fn(ordinal, rank) for each of the ascending `own` that is in the set; rank: how many of the
/// set come before it.
template <class Fn>
void each_own(const std::vector<target_ordinal>& own, const ordinal_ranges& set, Fn&& fn) {
  std::uint64_t before = 0;
  for (const auto& r : set.ranges()) {
    auto at = std::lower_bound(own.begin(), own.end(), target_ordinal{r.first});
    for (; at != own.end() && at->value - r.first < r.count; ++at)
      fn(*at, before + (at->value - r.first));
    before += r.count;
  }
}

/// What a payer's answer said, as one line.
void say(target_fact& line, std::string_view status, std::string_view key, std::string_view error,
         std::uint64_t at) {
  line.status = status;
  line.transaction_key = key;
  line.error_message = error;
  line.said_at = timestamp{static_cast<std::int64_t>(at)};
  line.detail = status;
  if (!key.empty()) line.detail += fmt::format(" {}", key);
  if (line.attempt.value != 0) line.detail += fmt::format(", attempt {}", line.attempt.value);
  if (!error.empty()) line.detail += fmt::format(", {}", error);
}

}  // namespace

target_history::target_history(std::vector<target_ordinal> ordinals)
    : ordinals_{std::move(ordinals)} {
  std::sort(ordinals_.begin(), ordinals_.end());
  ordinals_.erase(std::unique(ordinals_.begin(), ordinals_.end()), ordinals_.end());
}

auto target_history::follows(std::uint64_t ordinal) const -> bool {
  const auto at = std::lower_bound(ordinals_.begin(), ordinals_.end(), ordinal,
                                   [](target_ordinal o, std::uint64_t n) { return o.value < n; });
  return at != ordinals_.end() && at->value == ordinal;
}

auto target_history::add(const fact_head& head, std::string_view what, target_ordinal ordinal,
                         std::string detail) -> target_fact& {
  auto& line = lines_.emplace_back();
  line.at = head.at;
  line.recorded_at = head.recorded_at;
  line.what = what;
  line.ordinal = ordinal;
  line.detail = std::move(detail);
  return line;
}

auto target_history::apply(const fact_head& head, const targets_released& e) -> result<void> {
  each_own(ordinals_, e.ordinals, [&](target_ordinal o, std::uint64_t rank) {
    releases_[head.at].push_back({o, e.run, e.attempt, message_of(e, rank)});
    auto& line = add(head, e.name, o, "");
    line.run = e.run;
    line.attempt = e.attempt;
    line.detail = e.kind == release_kind::recall
                      ? fmt::format("recall {}: {}", e.recall.value, e.recall_reason)
                      : fmt::format("{}, attempt {}, run {}", name_of(e.kind), e.attempt.value,
                                    e.run.value);
  });
  return {};
}

auto target_history::apply(const fact_head& head, const targets_publish_failed& e) -> result<void> {
  each_own(ordinals_, e.ordinals, [&](target_ordinal o, std::uint64_t) {
    auto& line = add(head, e.name, o, fmt::format("attempt {}, {}", e.attempt.value, e.reason));
    line.run = e.run;
    line.attempt = e.attempt;
    line.error_message = e.reason;
  });
  return {};
}

auto target_history::apply(const fact_head& head, const grants_published& e) -> result<void> {
  const auto it = releases_.find(e.released_at);
  if (it == releases_.end()) return {};
  for (const auto& own : it->second) {
    const auto seq = e.first_stream_seq + own.message;
    auto& line = add(head, e.name, own.ordinal,
                     fmt::format("attempt {}, stream_seq {}", own.attempt.value, seq));
    line.run = own.run;
    line.attempt = own.attempt;
    line.stream_seq = seq;
  }
  return {};
}

auto target_history::apply(const fact_head& head, const results_recorded& e) -> result<void> {
  const auto count = e.ordinals.size();
  if (e.statuses.size() != count || e.attempts.size() != count || e.at.size() != count ||
      e.transaction_keys.size() != count || e.error_messages.size() != count)
    return poison(head, e.name, "its columns differ in length");
  for (std::size_t i = 0; i < count; ++i) {
    if (!follows(e.ordinals[i])) continue;
    auto& line = add(head, e.name, {static_cast<std::uint32_t>(e.ordinals[i])}, "");
    line.attempt = {static_cast<std::uint16_t>(e.attempts[i])};
    say(line, name_of(static_cast<process_status>(e.statuses[i])), e.transaction_keys[i],
        e.error_messages[i], e.at[i]);
  }
  return {};
}

auto target_history::apply(const fact_head& head, const double_grant_detected& e) -> result<void> {
  if (!follows(e.ordinal.value)) return {};
  auto& line =
      add(head, e.name, e.ordinal, fmt::format("a second SUCCESS {}", e.transaction_key));
  line.attempt = e.attempt;
  line.transaction_key = e.transaction_key;
  line.said_at = e.at;
  return {};
}

auto target_history::apply(const fact_head& head, const targets_abandoned& e) -> result<void> {
  each_own(ordinals_, e.ordinals, [&](target_ordinal o, std::uint64_t) {
    add(head, e.name, o, "the promotion was closed");
  });
  return {};
}

auto target_history::apply(const fact_head& head, const results_overdue& e) -> result<void> {
  each_own(ordinals_, e.ordinals, [&](target_ordinal o, std::uint64_t) {
    add(head, e.name, o, fmt::format("attempt {}, no answer in time", e.attempt.value)).attempt =
        e.attempt;
  });
  return {};
}

auto target_history::apply(const fact_head& head, const recalls_recorded& e) -> result<void> {
  const auto count = e.ordinals.size();
  if (e.recall_statuses.size() != count || e.at.size() != count ||
      e.transaction_keys.size() != count || e.error_messages.size() != count)
    return poison(head, e.name, "its columns differ in length");
  for (std::size_t i = 0; i < count; ++i) {
    if (!follows(e.ordinals[i])) continue;
    auto& line = add(head, e.name, {static_cast<std::uint32_t>(e.ordinals[i])}, "");
    say(line, name_of(static_cast<recall_status>(e.recall_statuses[i])), e.transaction_keys[i],
        e.error_messages[i], e.at[i]);
  }
  return {};
}

auto queries::history(promotion_id id, target_id target) const
    -> result<answer<std::vector<target_fact>>> {
  answer<std::vector<target_fact>> out{{}, until_.value_or(log_->head().last)};
  auto shown = this->target(id, target);
  if (!shown) return tl::unexpected{shown.error()};
  if (!shown->value) return out;
  target_history lines{{shown->value->ordinal}};
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
