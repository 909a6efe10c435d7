#define XXH_INLINE_ALL
#include "apps/import/dry_tables.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <utility>

namespace bestow::importing {
namespace {

using domain::row_field;
using domain::row_rejection;

/// Walks ascending indices beside a loop over all of them.
class index_walk {
 public:
  explicit index_walk(const std::vector<std::uint32_t>& indices) : indices_{&indices} {}
  auto holds(std::uint32_t i) -> bool {
    while (at_ < indices_->size() && (*indices_)[at_] < i) ++at_;
    return at_ < indices_->size() && (*indices_)[at_] == i;
  }

 private:
  const std::vector<std::uint32_t>* indices_;
  std::size_t at_{0};
};

}  // namespace

dry_tables::dry_tables(std::string stem, bool one_each, std::uint32_t partition_count)
    : stem_{std::move(stem)}, one_each_{one_each}, by_partition_(partition_count) {}

auto dry_tables::claim(const targets_imported& facts, const actors::probe_receipt& known)
    -> result<std::vector<dry_duplicate>> {
  if (auto open = open_tables(); !open) return tl::unexpected{open.error()};
  std::vector<dry_duplicate> refused;
  index_walk known_ids{known.ids};
  index_walk known_customers{known.customers};
  for (std::uint32_t i = 0; i < facts.customer_uids.size(); ++i) {
    if (known_ids.holds(i) || (facts.ids_given && ids_->contains(facts.target_ids[i]))) {
      refused.push_back({i, row_field::target_id, row_rejection::target_id_duplicate});
      continue;
    }
    auto fresh = known_customers.holds(i)
                     ? result<bool>{false}
                     : claim_customer(customer_uid{facts.customer_uids[i]});
    if (!fresh) return tl::unexpected{fresh.error()};
    if (!*fresh) {
      refused.push_back({i, row_field::customer_uid, row_rejection::customer_duplicate});
      continue;
    }
    if (!facts.ids_given) continue;
    if (auto in = ids_->insert(facts.target_ids[i]); !in) return tl::unexpected{in.error()};
  }
  const auto first_pass = refused.size();
  index_walk known_numbers{known.vouchers};
  for (std::uint32_t i = 0, next = 0; i < facts.customer_uids.size(); ++i) {
    if (next < first_pass && refused[next].index == i) {
      ++next;
      continue;
    }
    if (!facts.voucher_numbers.empty()) {
      auto fresh = known_numbers.holds(i) ? result<bool>{false}
                                          : claim_number(facts.voucher_numbers[i]);
      if (!fresh) return tl::unexpected{fresh.error()};
      if (!*fresh) {
        if (one_each_) customers_->erase(facts.customer_uids[i]);
        if (facts.ids_given) ids_->erase(facts.target_ids[i]);
        refused.push_back({i, row_field::voucher_number, row_rejection::voucher_number_duplicate});
        continue;
      }
    }
    if (one_each_) continue;
    if (auto noted = note_partition(facts.customer_uids[i], facts.partitions[i]); !noted)
      return tl::unexpected{noted.error()};
  }
  std::ranges::sort(refused, {}, &dry_duplicate::index);
  return refused;
}

auto dry_tables::split_customers() const -> std::uint64_t {
  return split_ ? split_->size() : 0;
}

auto dry_tables::open_tables() -> result<void> {
  if (customers_) return {};
  for (auto [slot, name] : {std::pair{&ids_, "ids"}, std::pair{&number_low_, "numbers-low"},
                            std::pair{&number_high_, "numbers-high"}, std::pair{&split_, "split"},
                            std::pair{&customers_, "customers"}}) {
    auto made = make(name);
    if (!made) return tl::unexpected{std::move(made).error()};
    *slot = *std::move(made);
  }
  return {};
}

auto dry_tables::make(std::string_view name) -> result<table> {
  return store::make_u64_set(stem_.empty() ? std::string{} : fmt::format("{}.{}", stem_, name));
}

auto dry_tables::claim_number(std::string_view number) -> result<bool> {
  const auto hash = XXH3_128bits(number.data(), number.size());
  auto low = number_low_->insert(hash.low64);
  if (!low) return low;
  auto high = number_high_->insert(hash.high64);
  if (!high) return high;
  return *low || *high;
}

auto dry_tables::claim_customer(customer_uid customer) -> result<bool> {
  if (!one_each_) return true;
  return customers_->insert(customer.value);
}

auto dry_tables::note_partition(std::uint64_t customer, std::uint64_t partition) -> result<void> {
  auto& here = by_partition_[partition];
  if (!here) {
    auto made = make(fmt::format("partition-{}", partition));
    if (!made) return tl::unexpected{std::move(made).error()};
    here = *std::move(made);
  }
  const auto new_here = here->insert(customer);
  if (!new_here) return tl::unexpected{new_here.error()};
  if (!*new_here) return {};
  const auto new_at_all = customers_->insert(customer);
  if (!new_at_all) return tl::unexpected{new_at_all.error()};
  if (*new_at_all) return {};
  if (auto in = split_->insert(customer); !in) return tl::unexpected{in.error()};
  return {};
}

}  // namespace bestow::importing
