// Releasing again and giving up waiting: a partition's retries, recalls and result deadlines.
#include <algorithm>

#include "actors/partition_host.hpp"
#include "events/limits.hpp"

namespace bestow::actors {

namespace {

/// Answers that become overdue close together are looked at together.
constexpr auto deadline_step_max = std::chrono::milliseconds{1'000};
/// A wall clock that was set is noticed within this.
constexpr auto deadline_wait_max = std::chrono::milliseconds{60'000};

auto deadline_of(const partition_state& s) -> std::int64_t {
  return static_cast<std::int64_t>(s.run.result_deadline_ms);
}

}  // namespace

auto events_of(domain::partition_decision decided) -> std::vector<partition_event> {
  auto* events = std::get_if<std::vector<partition_event>>(&decided);
  return events == nullptr ? std::vector<partition_event>{} : std::move(*events);
}

auto has_retries(const partition_state& s) -> bool {
  return s.run.retry != retry_scope::none && s.facts.retry_done != s.run.retry_run;
}

auto has_recalls(const partition_state& s) -> bool {
  return s.facts.recall_done < s.recall.recall.recall;
}

auto next_again(const partition_state& s, std::uint32_t grants) -> std::vector<partition_event> {
  const auto now = s.context->parts.time->wall();
  if (has_recalls(s))
    return events_of(domain::decide(
        domain::release_recalls{s.recall.recall, s.recall.run, grants, now,
                                s.named_recalls,
                                room_of(s, release_kind::recall, s.recall.run)},
        s.facts));
  return events_of(domain::decide(
      domain::release_retries{s.run, grants, now,
                              s.named_retries,
                              too_large_ones(s, 0, s.facts.states.size()),
                              room_of(s, release_kind::retry, s.run)},
      s.facts));
}

auto ordinals_of(const partition_state& s, const u64_column& ids) -> std::vector<std::uint32_t> {
  std::vector<std::uint32_t> out;
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (const auto ordinal = s.list->find(s.key.number, target_id{ids[i]}))
      out.push_back(ordinal->value);
  return out;  // A partition's list is in the order of its ids.
}

void begin_recall(partition_actor_host* self, const recall_begin& r) {
  auto& s = self->state;
  ++s.activity;
  if (r.recall.recall < s.recall.recall.recall) return;
  if (s.recall.recall.recall != r.recall.recall)
    s.named_recalls = ordinals_of(s, r.recall.target_ids);
  s.recall = r;
  ask_for_credit(self);
  report_recall(self);
}

void report_recall(partition_actor_host* self) {
  auto& s = self->state;
  const auto recall = s.recall.recall.recall;
  if (recall.value == 0 || s.appends_in_flight > 0 || has_recalls(s)) return;
  tell_promotion(self, recall_share{s.key.number, recall, s.facts.recall_count,
                                    s.facts.recall_amount});
  s.recall = {};  // Told; the promotion asks again when it did not arrive.
  s.named_recalls.clear();
}

auto survey_targets(const partition_state& s, const survey_request& r) -> survey_reply {
  survey_reply out;
  if (r.named.empty()) {
    out.counts = domain::survey(s.facts);
    return out;
  }
  for (const auto at : r.named) {
    const target_ordinal ordinal{at};
    const bool fits = r.scope == retry_scope::none
                          ? domain::is_recallable(s.facts, ordinal)
                          : domain::is_retryable(s.facts, ordinal, r.scope);
    const bool open = domain::has_open_attempt(s.facts, ordinal);
    out.counts.open += open ? 1 : 0;
    if (!fits) {
      if (!open || r.scope != retry_scope::none) out.unfit.push_back(at);
      continue;
    }
    out.counts.granted += r.scope == retry_scope::none ? 1 : 0;
    out.counts.failed += r.scope == retry_scope::failed ? 1 : 0;
    out.counts.unknown += r.scope == retry_scope::unknown ? 1 : 0;
  }
  return out;
}

void arm_deadline(partition_actor_host* self) {
  auto& s = self->state;
  if (s.deadline_armed || s.retiring || deadline_of(s) == 0) return;
  const auto published = domain::next_awaited(s.facts, s.overdue_from);
  if (!published) return;
  const auto left = published->value + deadline_of(s) - s.context->parts.time->wall().value;
  const auto step = std::min<std::int64_t>(deadline_step_max.count(), deadline_of(s) / 10 + 1);
  const auto wait = std::clamp<std::int64_t>(left + step, 1, deadline_wait_max.count());
  s.deadline_armed = true;
  self->delayed_send(self, std::chrono::milliseconds{wait}, deadline_tick{});
}

void on_deadline(partition_actor_host* self) {
  auto& s = self->state;
  s.deadline_armed = false;
  if (s.retiring || deadline_of(s) == 0) return;
  const timestamp until{s.context->parts.time->wall().value - deadline_of(s)};
  auto look = domain::look_for_overdue(s.facts, s.overdue_from, until);
  s.overdue_from = look.next;
  if (!look.events.empty())
    append_partition(self, std::move(look.events), [](const store::append_receipt&) {});
  arm_deadline(self);
}

}  // namespace bestow::actors
