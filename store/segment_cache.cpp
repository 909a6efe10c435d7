#include "store/segment_cache.hpp"

#include <algorithm>
#include <utility>

#include "events/limits.hpp"

namespace bestow::store {

auto segment_cache::get(const segment_row& row, const log_identity& identity)
    -> result<segment_ptr> {
  const std::lock_guard lock{mutex_};
  const auto found =
      std::ranges::find_if(open_, [&](const auto& s) { return s->number == row.number; });
  if (found != open_.end()) {
    std::rotate(found, found + 1, open_.end());
    return open_.back();
  }
  auto opened = open_sealed(directory_, row, identity);
  if (!opened) return tl::unexpected<fault>{std::move(opened.error())};
  close_unused(limits::log_segments_open_max - 1);
  open_.push_back(std::make_shared<const open_log>(std::move(*opened)));
  return open_.back();
}

void segment_cache::clear() {
  const std::lock_guard lock{mutex_};
  close_unused(0);
}

auto segment_cache::size() const -> std::size_t {
  const std::lock_guard lock{mutex_};
  return open_.size();
}

/// A count of 1 is this cache's own: nobody else can get hold of it but through the mutex.
void segment_cache::close_unused(std::size_t keep) {
  for (auto it = open_.begin(); it != open_.end() && open_.size() > keep;)
    it = it->use_count() == 1 ? open_.erase(it) : it + 1;
}

}  // namespace bestow::store
