#include "projections/target_walk.hpp"

#include <algorithm>

namespace bestow::projections {

state_filter::state_filter(std::optional<domain::target_state> wanted) : all_{!wanted} {
  if (!wanted) return;
  for (std::size_t s = 0; s <= static_cast<std::size_t>(domain::target_state::unknown_after_retrying);
       ++s)
    taken_[s] = name_of(static_cast<domain::target_state>(s)) == name_of(*wanted);
}

target_walk::target_walk(const store::view_reader& rows, const store::target_list& list,
                         state_filter filter)
    : rows_{&rows}, list_{&list}, filter_{filter} {}

auto target_walk::add(promotion_id promotion, partition_no k, target_id after) -> result<void> {
  if (after.value == ~0ULL) return {};
  cursor c{target_status::reader{*rows_, {promotion, k}}, k, 0, list_->size(k), {}};
  c.next = list_->lower_bound(k, target_id{after.value + 1}).value;
  cursors_.push_back(c);
  return advance(cursors_.size() - 1);
}

auto target_walk::advance(std::size_t which) -> result<void> {
  constexpr auto per_page = target_status::reader::per_page;
  auto& c = cursors_[which];
  while (c.next < c.size) {
    auto page = c.pages.page(c.next / per_page);
    if (!page) return tl::unexpected{page.error()};
    const auto end = std::min(c.size, (c.next / per_page + 1) * per_page);
    if (page->empty() && !filter_.all() && !filter_.takes(0)) {
      c.next = end;  // A missing page is all pending.
      continue;
    }
    for (; c.next < end; ++c.next) {
      c.record = target_status::reader::at(*page, c.next % per_page);
      if (!filter_.all() && !filter_.takes(c.record.status)) continue;
      heap_.emplace(list_->row(c.number, target_ordinal{c.next}).id, which);
      return {};
    }
  }
  return {};
}

auto target_walk::next() -> result<std::optional<walked_target>> {
  if (heap_.empty()) return std::nullopt;
  const auto which = heap_.top().second;
  heap_.pop();
  auto& c = cursors_[which];
  const walked_target found{c.number, target_ordinal{c.next}, c.record};
  ++c.next;
  if (auto done = advance(which); !done) return tl::unexpected{done.error()};
  return found;
}

}  // namespace bestow::projections
