#include "projections/reconcile.hpp"

#include <fmt/format.h>

#include <limits>

#include "events/limits.hpp"
#include "projections/state_tally.hpp"
#include "store/find_target.hpp"

namespace bestow::projections {

namespace {

void add(balance_side& side, money_minor amount) {
  ++side.count;
  std::int64_t sum = 0;
  if (__builtin_add_overflow(side.amount.value, amount.value, &sum)) {
    side.amount_overflows = true;
    sum = std::numeric_limits<std::int64_t>::max();
  }
  side.amount.value = side.amount_overflows ? std::numeric_limits<std::int64_t>::max() : sum;
}

void name(difference& d, const named_target& target) {
  ++d.count;
  if (d.named.size() < limits::reconcile_named_max) d.named.push_back(target);
}

/// One bit for each target of the list.
class target_bits {
 public:
  explicit target_bits(const store::target_list& list) {
    for (std::uint32_t k = 0; k < list.partition_count(); ++k)
      bits_.emplace_back(list.size(partition_no{static_cast<partition_no::rep>(k)}));
  }
  /// What it was before.
  auto set(const store::target_place& p) -> bool {
    auto bit = bits_[p.partition.value][p.ordinal.value];
    const bool before = bit;
    bit = true;
    return before;
  }
  [[nodiscard]] auto get(const store::target_place& p) const -> bool {
    return bits_[p.partition.value][p.ordinal.value];
  }

 private:
  std::vector<std::vector<bool>> bits_;
};

auto read_stream(const reconcile_sources& in, target_bits& seen, reconcile_report& out)
    -> result<void> {
  for (;;) {
    const auto next = in.published();
    if (!next) return tl::unexpected{next.error()};
    if (!*next) return {};
    const auto& entry = **next;
    ++out.stream_grants;
    const auto at = store::find_target(*in.list, entry.target, entry.partition);
    if (!at) {
      name(out.extra_on_stream, {entry.target, {}, entry.amount, entry.stream_seq});
      continue;
    }
    const auto expected = in.list->amount(at->partition, at->ordinal);
    const named_target named{entry.target, expected, entry.amount, entry.stream_seq};
    if (entry.amount != expected) name(out.amount_differs_on_stream, named);
    if (!seen.set(*at))
      add(out.stream, entry.amount);
    else if (entry.attempt <= 1)
      name(out.repeated_on_stream, named);
  }
}

auto read_ledger(const reconcile_sources& in, target_bits& seen, reconcile_report& out)
    -> result<void> {
  for (;;) {
    const auto next = in.ledger();
    if (!next) return tl::unexpected{next.error()};
    if (!*next) return {};
    const auto& entry = **next;
    const auto at = store::find_target(*in.list, entry.target, entry.partition);
    if (!at) {
      name(out.extra_in_ledger, {entry.target, {}, entry.amount, 0});
      continue;
    }
    const auto expected = in.list->amount(at->partition, at->ordinal);
    const named_target named{entry.target, expected, entry.amount, 0};
    if (entry.amount != expected) name(out.amount_differs_in_ledger, named);
    if (!seen.set(*at))
      add(out.ledger, entry.amount);
    else
      name(out.repeated_in_ledger, named);
  }
}

/// Holds what was seen against what the engine holds of one partition.
auto compare(const reconcile_sources& in, partition_no k, const target_bits& on_stream,
             const target_bits& in_ledger, reconcile_report& out) -> result<void> {
  const auto states = in.states(k);
  if (!states) return tl::unexpected{states.error()};
  if (states->size() != in.list->size(k))
    return fail(fault_code::internal, "reconcile",
                fmt::format("partition {} has {} targets and {} states", k.value, in.list->size(k),
                            states->size()));
  for (std::uint32_t i = 0; i < states->size(); ++i) {
    const store::target_place at{k, target_ordinal{i}};
    const auto amount = in.list->amount(k, at.ordinal);
    const auto status = (*states)[i];
    const auto named = [&] { return named_target{in.list->row(k, at.ordinal).id, amount, {}, 0}; };
    add(out.sealed, amount);
    if (is_published(status)) {
      add(out.expected_published, amount);
      if (!on_stream.get(at)) name(out.missing_on_stream, named());
    }
    if (is_success(status)) add(out.expected_paid, amount);
    if (!out.ledger_given || is_success(status) == in_ledger.get(at)) continue;
    name(is_success(status) ? out.missing_in_ledger : out.unexpected_in_ledger, named());
  }
  return {};
}

}  // namespace

auto reconcile_report::agrees() const -> bool {
  for (const auto* d : {&missing_on_stream, &extra_on_stream, &repeated_on_stream,
                        &amount_differs_on_stream, &missing_in_ledger, &extra_in_ledger,
                        &unexpected_in_ledger, &repeated_in_ledger, &amount_differs_in_ledger})
    if (d->count != 0) return false;
  return true;
}

auto reconcile(const reconcile_sources& in) -> result<reconcile_report> {
  reconcile_report out;
  out.ledger_given = static_cast<bool>(in.ledger);
  target_bits on_stream{*in.list};
  target_bits in_ledger{*in.list};
  if (auto done = read_stream(in, on_stream, out); !done) return tl::unexpected{done.error()};
  if (out.ledger_given)
    if (auto done = read_ledger(in, in_ledger, out); !done) return tl::unexpected{done.error()};
  for (std::uint32_t k = 0; k < in.list->partition_count(); ++k) {
    const partition_no number{static_cast<partition_no::rep>(k)};
    if (auto done = compare(in, number, on_stream, in_ledger, out); !done)
      return tl::unexpected{done.error()};
  }
  return out;
}

}  // namespace bestow::projections
