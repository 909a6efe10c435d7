#include "domain/packing.hpp"
#include "tests/catch.hpp"

namespace {

using namespace bestow;
using namespace bestow::domain;

auto targets(std::uint32_t count) -> ordinal_ranges {
  ordinal_ranges r;
  if (count > 0) r.append(7, count);
  return r;
}

auto grants(std::vector<std::uint64_t> values) -> u64_column {
  return u64_column::of(std::move(values));
}

/// Every grant takes as many bytes as its ordinal.
auto room_of(std::uint64_t bytes_max) -> message_room {
  return {bytes_max, [](target_ordinal o) { return std::uint64_t{o.value}; }};
}

}  // namespace

TEST_CASE("one grant a message needs no packing", "[unit][packing]") {
  CHECK(pack(targets(5), 1, {}).empty());
  targets_released release;
  release.ordinals = targets(5);
  pack(release, 1, {});
  CHECK(release.message_count == 5);
}

TEST_CASE("messages are filled up to the count, the last takes the rest", "[unit][packing]") {
  CHECK(pack(targets(10), 4, {}) == grants({4, 4, 2}));
  CHECK(pack(targets(8), 4, {}) == grants({4, 4}));
  CHECK(pack(targets(3), 4, {}) == grants({3}));
  CHECK(pack(targets(0), 4, {}).empty());
  targets_released release;
  release.ordinals = targets(10);
  pack(release, 4, {});
  CHECK(release.message_count == 3);
  CHECK(grants_before(release, 0) == 0);
  CHECK(grants_before(release, 2) == 8);
  CHECK(grants_before(release, 3) == 10);
  CHECK(message_of(release, 0) == 0);
  CHECK(message_of(release, 3) == 0);
  CHECK(message_of(release, 4) == 1);
  CHECK(message_of(release, 9) == 2);
}

TEST_CASE("a message is closed before a grant that no longer fits", "[unit][packing]") {
  // Ordinals 7, 8, 9, 10, 11: 7+8 = 15, 9+10 = 19, 11.
  CHECK(pack(targets(5), 500, room_of(20)) == grants({2, 2, 1}));
  CHECK(pack(targets(5), 500, room_of(15)) == grants({2, 1, 1, 1}));
  CHECK(pack(targets(5), 500, room_of(1'000)) == grants({5}));
  CHECK(pack(targets(5), 2, room_of(1'000)) == grants({2, 2, 1}));
}

TEST_CASE("a grant whose bound exceeds the room stands alone", "[unit][packing]") {
  CHECK(pack(targets(4), 500, room_of(8)) == grants({1, 1, 1, 1}));
}

TEST_CASE("gaps in the list do not divide messages", "[unit][packing]") {
  ordinal_ranges gaps;
  gaps.append(3, 2);
  gaps.append(9, 3);
  CHECK(pack(gaps, 4, {}) == grants({4, 1}));
  targets_released release;
  release.ordinals = gaps;
  pack(release, 4, {});
  CHECK(message_of(release, 4) == 1);
}
