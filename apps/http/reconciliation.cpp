#include "apps/http/reconciliation.hpp"

#include <algorithm>
#include <array>
#include <deque>

#include <fmt/format.h>

#include "bus/grant_wire.hpp"
#include "events/limits.hpp"

namespace bestow::http {
namespace {

using projections::balance_side;
using projections::published_entry;

/// The promotion's messages, fetched from the stream slice by slice.
class stream_source {
 public:
  stream_source(const http_parts& parts, const projections::promotion_row& row,
                const store::target_list& list, reconciliation& out)
      : parts_{parts}, row_{row}, list_{list}, out_{out} {
    const auto& g = parts.settings->grants;
    stream_ = row.created.type == promotion_type::voucher ? g.voucher_stream : g.point_stream;
    // The id as it stands in every message of the promotion; anything else is another's.
    wanted_ = fmt::format("\"eventId\":\"{}\"", row.created.promotion.value);
  }

  auto open() -> result<void> {
    if (row_.run.run.value == 0) return {};  // Never run: nothing of it can be on the stream.
    if (parts_.messages == nullptr)
      return fail(fault_code::broker_unavailable, "reconcile", "no broker");
    const auto state = parts_.messages->state_of(stream_);
    if (!state) return tl::unexpected(state.error());
    next_ = std::max<std::uint64_t>(state->first_seq, 1);
    // What stands before the generation's identity message is of an older one.
    for (const auto& d : parts_.engine->status().deliveries)
      if (d.stream == stream_) next_ = std::max(next_, d.base_seq);
    last_ = state->last_seq;
    return {};
  }

  auto next() -> result<std::optional<published_entry>> {
    while (waiting_.empty()) {
      if (next_ > last_) return std::nullopt;
      if (parts_.state->stopping.load())
        return fail(fault_code::shutting_down, "reconcile", "stopping");
      const auto to = std::min(last_, next_ + limits::reconcile_slice_messages - 1);
      auto seen = to;
      const auto done = parts_.messages->scan(stream_, next_, to, [&](const auto& m) {
        const bool json = m.payload.starts_with('{');
        if (!json || m.payload.find(wanted_) != std::string::npos) take(m);
        if (waiting_.size() < limits::reconcile_slice_messages) return true;
        seen = m.seq;
        return false;
      });
      if (!done) return tl::unexpected(done.error());
      next_ = seen + 1;
    }
    auto entry = waiting_.front();
    waiting_.pop_front();
    return entry;
  }

 private:
  void differs(std::uint64_t target, std::string_view kind, std::string detail) {
    ++out_.difference_count;
    if (out_.differences.size() < limits::rejects_in_answer_max)
      out_.differences.push_back({target, kind, std::move(detail)});
  }

  void take(const bus::stored_message& m) {
    if (const auto wrong = bus::decode_grants(m.payload, grants_); !wrong.empty()) {
      ++out_.unreadable_messages;
      differs(0, "unreadable_on_stream", fmt::format("sequence {}: {}", m.seq, wrong));
      return;
    }
    // All grants of a message are one promotion's.
    if (grants_.empty() || grants_.front().promotion != row_.created.promotion) return;
    if (grants_.front().recall.value != 0) return;  // Takes back; what was published and paid stays so.
    ++out_.messages;
    for (const auto& grant : grants_) take(m, grant);
  }

  void take(const bus::stored_message& m, const bus::decoded_grant& grant) {
    const bool inside = grant.partition.value < list_.partition_count();
    const auto at = inside ? list_.find(grant.partition, grant.id) : std::nullopt;
    if (at && list_.row(grant.partition, *at).customer != grant.customer)
      differs(grant.id.value, "customer_differs_on_stream", fmt::format("sequence {}", m.seq));
    published_entry entry;
    entry.target = grant.id;
    entry.amount = grant.amount_minor;
    entry.stream_seq = m.seq;
    entry.attempt = grant.attempt;
    if (inside) entry.partition = grant.partition;
    waiting_.push_back(entry);
  }

  const http_parts& parts_;
  const projections::promotion_row& row_;
  const store::target_list& list_;
  reconciliation& out_;
  std::string stream_;
  std::string wanted_;
  std::uint64_t next_{1};
  std::uint64_t last_{0};
  std::vector<bus::decoded_grant> grants_;  ///< Of the message at hand.
  std::deque<published_entry> waiting_;
};

auto detail_of(const projections::named_target& t) -> std::string {
  auto text = fmt::format("{} in the list, {} found", t.expected.value, t.found.value);
  if (t.stream_seq != 0) text += fmt::format(", sequence {}", t.stream_seq);
  return text;
}

void add_differences(reconciliation& out, const projections::reconcile_report& r) {
  const std::array<std::pair<std::string_view, const projections::difference*>, 9> kinds{{
      {"missing_on_stream", &r.missing_on_stream},
      {"extra_on_stream", &r.extra_on_stream},
      {"repeated_on_stream", &r.repeated_on_stream},
      {"amount_differs_on_stream", &r.amount_differs_on_stream},
      {"missing_in_ledger", &r.missing_in_ledger},
      {"extra_in_ledger", &r.extra_in_ledger},
      {"unexpected_in_ledger", &r.unexpected_in_ledger},
      {"repeated_in_ledger", &r.repeated_in_ledger},
      {"amount_differs_in_ledger", &r.amount_differs_in_ledger},
  }};
  for (const auto& [kind, found] : kinds) {
    out.difference_count += found->count;
    for (const auto& t : found->named)
      out.differences.push_back({t.target.value, kind, detail_of(t)});
  }
}

/// Sums that must agree once nothing is under way.
void compare_sums(reconciliation& out, domain::promotion_state state) {
  const auto differs = [&](std::string_view kind, const balance_side& a, const balance_side& b) {
    if (a == b) return;
    ++out.difference_count;
    out.differences.push_back({0, kind,
                               fmt::format("{} targets, {} against {} targets, {}", a.count,
                                           a.amount.value, b.count, b.amount.value)});
  };
  const bool resting =
      state == domain::promotion_state::stopped || state == domain::promotion_state::completed;
  if (out.difference_count > 0 || !resting) return;
  differs("published_sum_differs", out.published, out.published_expected);
  differs("paid_sum_differs", out.paid, out.paid_expected);
}

}  // namespace

auto reconcile(const http_parts& parts, const projections::promotion_row& row,
               const std::vector<ledger_line>* ledger) -> tl::expected<reconciliation, problem> {
  const auto id = row.created.promotion;
  const auto list = parts.lists->open(*parts.log, id);
  if (!list) return tl::unexpected(problem_of(list.error()));
  reconciliation out;
  stream_source stream{parts, row, **list, out};
  if (auto opened = stream.open(); !opened) return tl::unexpected(problem_of(opened.error()));

  projections::reconcile_sources sources;
  sources.list = list->get();
  sources.published = [&] { return stream.next(); };
  sources.states = [&](partition_no k) -> result<std::vector<std::uint8_t>> {
    auto states = parts.answers->states(id, k);
    if (!states) return tl::unexpected(states.error());
    out.as_of = states->as_of;
    return std::move(states->value);
  };
  std::size_t line = 0;
  if (ledger != nullptr)
    sources.ledger = [&]() -> result<std::optional<projections::ledger_entry>> {
      if (line == ledger->size()) return std::nullopt;
      const auto& l = (*ledger)[line++];
      return projections::ledger_entry{{l.target}, {l.amount}, std::nullopt};
    };
  const auto report = projections::reconcile(sources);
  if (!report) return tl::unexpected(problem_of(report.error()));

  out.sealed = report->sealed;
  out.published = report->stream;
  out.published_expected = report->expected_published;
  out.paid_expected = report->expected_paid;
  out.from_ledger = ledger != nullptr;
  out.paid = out.from_ledger ? report->ledger
                             : balance_side{row.counts.success, row.counts.success_amount, false};
  add_differences(out, *report);
  compare_sums(out, row.state);
  return out;
}

}  // namespace bestow::http
