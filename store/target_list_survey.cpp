#include "store/target_list_survey.hpp"

#include <limits>
#include <utility>

#include "events/limits.hpp"

namespace bestow::store {

auto column_survey::entry() const -> column_entry {
  column_entry e;
  if (computed) {
    e.base = first;
    e.step = step;
    return e;
  }
  const auto range = max - min;
  e.base = min;
  e.width = range <= 0xFFU ? 1 : range <= 0xFFFFU ? 2 : range <= 0xFFFF'FFFFU ? 4 : 8;
  return e;
}

auto text_dictionary::number_of(std::string_view text) -> std::uint64_t {
  if (overflowed_) return 0;
  if (!texts_.empty() && texts_[last_] == text) return last_;  // Most rows repeat the one before.
  if (const auto known = numbers_.find(text); known != numbers_.end()) return last_ = known->second;
  if (texts_.size() == limits::list_dictionary_max) {
    overflowed_ = true;
    numbers_.clear();
    texts_.clear();
    return 0;
  }
  texts_.emplace_back(text);
  last_ = texts_.size() - 1;
  numbers_.emplace(texts_.back(), last_);
  return last_;
}

list_survey::list_survey(const promotion_created& created)
    : hasher_{created}, partitions_(created.partition_count) {}

void list_survey::add(const list_row& row) {
  ++count_;
  for (std::size_t t = 0; t < list_text_count; ++t) text_bytes_ += text_of(row, t).size();
  ascending_ = ascending_ && row.id.value > last_id_;
  if (!ascending_) return;
  last_id_ = row.id.value;
  auto& p = partitions_[row.partition.value];
  const auto column = [&p](list_column c) -> column_survey& {
    return p.columns[static_cast<std::size_t>(c)];
  };
  column(list_column::id).add(row.id.value);
  column(list_column::customer).add(row.customer.value);
  column(list_column::amount).add(static_cast<std::uint64_t>(row.amount.value));
  column(list_column::expiry).add(static_cast<std::uint64_t>(row.expiry.value));
  column(list_column::withdrawal).add(row.is_withdrawal ? 1 : 0);
  for (std::size_t t = 0; t < list_text_count; ++t) {
    const auto text = text_of(row, t);
    p.columns[list_text_first + t].add(dictionaries_[t].number_of(text));
    p.heap_bytes[t] += text.size();
  }
  p.amount += row.amount.value;
  hasher_.add(row);
}

auto list_survey::totals() -> list_totals_result {
  constexpr wide_sum most = std::numeric_limits<std::int64_t>::max();
  list_totals_result out;
  std::vector<std::uint64_t> counts;
  std::vector<std::uint64_t> amounts;
  wide_sum sum = 0;
  for (const auto& p : partitions_) {
    counts.push_back(p.columns[0].count);
    amounts.push_back(static_cast<std::uint64_t>(p.amount));
    sum += p.amount;  // 4e9 targets of 2^63: far below 2^127.
  }
  out.total_overflows = sum > most;
  out.totals.total_count = count_;
  out.totals.total_amount = money_minor{out.total_overflows ? 0 : static_cast<std::int64_t>(sum)};
  out.totals.list_sha256 = hasher_.finish();
  out.totals.partition_counts = u64_column::of(std::move(counts));
  out.totals.partition_amounts = u64_column::of(std::move(amounts));
  return out;
}

}  // namespace bestow::store
