#include "domain/packing.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "events/assert.hpp"
#include "events/limits.hpp"

namespace bestow::domain {

auto pack(const ordinal_ranges& targets, std::uint32_t grants_max, const message_room& room)
    -> u64_column {
  BESTOW_ASSERT(grants_max >= 1 && grants_max <= limits::batch_grants_max);
  if (grants_max == 1) return {};
  std::vector<std::uint64_t> grants;
  if (room.bytes_max == 0) {
    for (auto left = targets.size(); left > 0; left -= grants.back())
      grants.push_back(std::min<std::uint64_t>(left, grants_max));
    return u64_column::of(std::move(grants));
  }
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
  targets.for_each([&](std::uint32_t ordinal) {
    const auto more = room.bytes_of(target_ordinal{ordinal});
    if (count == grants_max || (count > 0 && more > room.bytes_max - bytes)) {
      grants.push_back(std::exchange(count, 0));
      bytes = 0;
    }
    ++count;
    bytes += std::min(more, room.bytes_max - bytes);
  });
  if (count > 0) grants.push_back(count);
  return u64_column::of(std::move(grants));
}

void pack(targets_released& release, std::uint32_t grants_max, const message_room& room) {
  release.message_grants = pack(release.ordinals, grants_max, room);
  const auto messages =
      grants_max == 1 ? release.ordinals.size() : release.message_grants.size();
  release.message_count = static_cast<std::uint32_t>(messages);
}

}  // namespace bestow::domain
