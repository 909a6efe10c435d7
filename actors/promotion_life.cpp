// A promotion around its runs: approval, schedule, cancel, close, retries and recalls. The rules are
// domain/promotion_ends.cpp; here is what they need to be asked and who is told.
#include <algorithm>

#include "actors/promotion_host.hpp"
#include "domain/target_row.hpp"
#include "store/find_target.hpp"

namespace bestow::actors {

namespace {

using host = promotion_actor_host;
using domain::promotion_state;

/// What the partitions answered so far.
struct survey_in_hand {
  domain::target_survey sum;
  retry_scope scope{retry_scope::none};
  std::shared_ptr<const store::target_list> list;
  std::uint32_t waiting{0};
  bool failed{false};
  std::function<void(const domain::target_survey&)> done;
  std::function<void(const fault&)> lost;
};

void settle(const std::shared_ptr<survey_in_hand>& survey) {
  if (--survey->waiting > 0) return;
  if (survey->failed)
    return survey->lost({fault_code::outcome_unknown, fault_action::retry_later, "survey",
                         "a partition did not answer; nothing was done"});
  survey->done(survey->sum);
}

void add(survey_in_hand& survey, partition_no k, const survey_reply& r) {
  const auto& c = r.counts;
  survey.sum.open += c.open;
  survey.sum.matching += survey.scope == retry_scope::none     ? c.granted
                         : survey.scope == retry_scope::failed ? c.failed
                                                               : c.unknown;
  for (const auto at : r.unfit) {
    const auto id = survey.list->row(k, target_ordinal{at}).id;
    if (!survey.sum.unfit || id < *survey.sum.unfit) survey.sum.unfit = id;
  }
}

void ask_partition(host* self, partition_no k, std::vector<std::uint32_t> named,
                   const std::shared_ptr<survey_in_hand>& survey) {
  auto& s = self->state;
  const auto lost = [survey](const caf::error&) {
    survey->failed = true;
    settle(survey);
  };
  self->request(s.context->book.directory(), limits::request_timeout, find_partition{s.id, k})
      .then(
          [self, k, survey, lost, named = std::move(named)](const found& f) {
            if (!f.host) return lost({});
            self->request(f.host, limits::request_timeout, survey_request{survey->scope, named})
                .then(
                    [k, survey](const survey_reply& r) {
                      add(*survey, k, r);
                      settle(survey);
                    },
                    lost);
          },
          lost);
}

/// Ordinals of the named targets in each partition; the first id that is in none of them.
auto locate(const store::target_list& list, const std::vector<std::uint64_t>& ids,
            std::map<std::uint16_t, std::vector<std::uint32_t>>& out)
    -> std::optional<target_id> {
  for (const auto id : ids) {
    const auto found = store::find_target(list, target_id{id});
    if (!found) return target_id{id};
    out[found->partition.value].push_back(found->ordinal.value);
  }
  return std::nullopt;
}

/// Asks every partition concerned; `done` gets the sum, `lost` a fault when one did not answer.
void take_survey(host* self, retry_scope scope, const std::vector<std::uint64_t>& ids,
                 std::function<void(const domain::target_survey&)> done,
                 std::function<void(const fault&)> lost) {
  auto& s = self->state;
  auto list = s.context->parts.lists->open(*s.context->parts.log, s.id);
  if (!list) return lost(list.error());
  auto survey = std::make_shared<survey_in_hand>();
  survey->scope = scope;
  survey->list = std::move(*list);
  survey->done = std::move(done);
  survey->lost = std::move(lost);
  std::map<std::uint16_t, std::vector<std::uint32_t>> named;
  if (!ids.empty()) {
    survey->sum.missing = locate(*survey->list, ids, named);
    if (survey->sum.missing) return survey->done(survey->sum);
  } else {
    for (std::uint32_t k = 0; k < s.facts.created.partition_count; ++k)
      named[static_cast<std::uint16_t>(k)] = {};
  }
  survey->waiting = static_cast<std::uint32_t>(named.size());
  for (auto& [k, ordinals] : named)
    ask_partition(self, partition_no{k}, std::move(ordinals), survey);
}

/// Whether the command would be answered without knowing anything of the targets.
template <class Command>
auto is_settled(Command command, const domain::promotion& p) -> bool {
  command.survey = {1, 0, {}, {}};
  const auto decided = domain::decide(command, p);
  const auto* events = std::get_if<std::vector<promotion_event>>(&decided);
  return events == nullptr || events->empty();
}

/// Decides a command that rests on a survey of the targets.
template <class Command>
auto answer_surveyed(host* self, std::string_view verb, Command command, retry_scope scope,
                     const std::vector<std::uint64_t>& ids, const caller& by,
                     std::function<void()> done) -> caf::result<command_reply> {
  if (known_key(self->state, verb, by) || is_settled(command, self->state.facts)) {
    command.survey = {1, 0, {}, {}};
    return answer_command(self, verb, command, by, [] {});
  }
  auto promise = self->make_response_promise();
  ++self->state.activity;
  take_survey(
      self, scope, ids,
      [self, command, by, promise, done = std::move(done)](const domain::target_survey& s) mutable {
        command.survey = s;
        answer_decided(self, domain::decide(command, self->state.facts), by, std::move(done),
                       promise);
      },
      [promise](const fault& f) mutable {
        promise.deliver(command_reply{tl::unexpected<trouble>{f}});
      });
  return promise;
}

}  // namespace

auto standing_of(const domain::promotion& p) -> promotion_host_state::standing {
  return {p.state, p.closed, p.run, p.recall, p.recall_open};
}

auto abandons(const promotion_host_state::standing& s) -> bool {
  return s.closed && (s.state == promotion_state::stopped || s.state == promotion_state::failed);
}

void tell_start(host* self) {
  const auto& s = self->state;
  const bool waits = s.facts.state == promotion_state::scheduled;
  self->send(s.context->book.directory(),
             start_set{s.id, waits ? s.facts.start_at : timestamp{}});
}

/// A refused attempt to approve is evidence too: it is recorded before it is answered.
auto approve(host* self, const approve_request& r) -> caf::result<command_reply> {
  const domain::approve_promotion command{r.by.principal};
  if (auto refused = domain::refused_approval(command, self->state.facts))
    append_promotion(self, {*refused}, metadata_of({r.by.principal, {}, 0}),
                     [](const store::append_receipt&) {}, [](const fault&) {});
  return answer_command(self, "approve", command, r.by, [self] { tell_start(self); });
}

auto schedule(host* self, const schedule_request& r) -> caf::result<command_reply> {
  const domain::schedule_promotion command{r.start_at, r.by.principal,
                                           self->state.context->parts.time->wall()};
  return answer_command(self, "schedule", command, r.by, [self] { tell_start(self); });
}

/// The directory's clock struck. Whoever scheduled it started it.
void on_start_due(host* self) {
  auto& s = self->state;
  if (s.facts.state != promotion_state::scheduled ||
      s.facts.start_at > s.context->parts.time->wall())
    return tell_start(self);
  if (refused_while_ahead(s)) return self->delayed_send(self, limits::broker_retry_max, start_due{});
  const domain::start_run command{
      run_settings(s, domain::seoul_date(s.facts.start_at), "schedule"), false};
  auto decided = domain::decide(command, s.facts);
  auto* events = std::get_if<std::vector<promotion_event>>(&decided);
  if (events == nullptr || events->empty()) return tell_start(self);
  append_promotion(self, std::move(*events), {},
                   [self](const store::append_receipt&) { on_run_started(self); },
                   [](const fault&) {});
}

/// Its voucher numbers are free again.
auto cancel(host* self, const cancel_request& r) -> caf::result<command_reply> {
  return answer_command(
      self, "cancel", domain::cancel_promotion{r.reason, r.by.principal}, r.by, [self] {
        auto& s = self->state;
        tell_start(self);
        if (s.facts.created.type != promotion_type::voucher) return;
        self->send(s.context->book.registry(), claims_released{0, s.id, {}});
      });
}

auto close(host* self, const close_request& r) -> caf::result<command_reply> {
  return answer_command(self, "close", domain::close_promotion{r.reason, r.by.principal}, r.by,
                        [self] {
                          if (!abandons(self->state.durable)) return;
                          self->state.finished.clear();
                          tell_partitions(self, abandon_begin{self->state.durable.run});
                        });
}

auto retry(host* self, const retry_request& r) -> caf::result<command_reply> {
  if (auto no = refused_while_ahead(self->state)) return answer_refused(self, *no, r.by);
  domain::retry_promotion command{run_settings(self->state, 0, r.by.principal), {}};
  command.wanted.retry = r.scope;
  command.wanted.retry_targets = u64_column::of(r.targets);
  return answer_surveyed(self, "retry", std::move(command), r.scope, r.targets, r.by, [self] {
    if (self->state.durable.state == promotion_state::running) on_run_started(self);
  });
}

auto recall(host* self, const recall_request& r) -> caf::result<command_reply> {
  if (auto no = refused_while_ahead(self->state)) return answer_refused(self, *no, r.by);
  domain::recall_promotion command{r.reason, u64_column::of(r.targets), r.by.principal, {}};
  return answer_surveyed(
      self, "recall", std::move(command), retry_scope::none, r.targets, r.by, [self] {
        auto& s = self->state;
        if (!s.durable.recall_open) return;
        s.recall_shares.clear();
        tell_partitions(self, recall_begin{s.durable.recall, s.durable.run});
      });
}

void on_recall_share(host* self, const recall_share& r) {
  auto& s = self->state;
  if (!s.facts.recall_open || r.recall != s.facts.recall.recall) return;
  s.recall_shares[r.partition.value] = r;
  if (s.recall_shares.size() < s.facts.created.partition_count) return;
  domain::finish_recall command{r.recall, 0, {}};
  for (const auto& [k, share] : s.recall_shares) {
    command.target_count += share.target_count;
    command.amount.value += share.amount.value;
  }
  auto decided = domain::decide(command, s.facts);
  auto* events = std::get_if<std::vector<promotion_event>>(&decided);
  if (events == nullptr || events->empty()) return;
  append_promotion(self, std::move(*events), {}, [](const store::append_receipt&) {},
                   [](const fault&) {});
}

void on_partition_broken(host* self, const partition_broken& b) {
  auto& s = self->state;
  if (++s.broken[b.partition.value] < limits::partition_failures_max) return;
  s.broken.erase(b.partition.value);
  auto decided = domain::decide(
      domain::fail_run{s.facts.run.run, std::string{name_of(b.why.code)},
                       "partition " + std::to_string(b.partition.value) + ": " + b.why.detail},
      s.facts);
  auto* events = std::get_if<std::vector<promotion_event>>(&decided);
  if (events == nullptr || events->empty()) return;
  append_promotion(self, std::move(*events), {},
                   [self](const store::append_receipt& r) {
                     answer_stop_waiters(self, receipt_of(self->state, r.last, false));
                     tell_partitions(self, run_end{self->state.durable.run});
                   },
                   [](const fault&) {});
}

}  // namespace bestow::actors
