#include <algorithm>
#include <iterator>
#include <limits>

#include "events/assert.hpp"
#include "events/columns.hpp"
#include "events/limits.hpp"
#include "events/varint.hpp"

namespace bestow {
namespace {

/// One past the largest ordinal; one below 2^32, so that the count of any range fits its type.
constexpr std::uint64_t ordinal_end = std::numeric_limits<std::uint32_t>::max();
static_assert(limits::targets_per_promotion_max <= ordinal_end);

auto end_of(const ordinal_ranges::range& r) -> std::uint64_t {
  return std::uint64_t{r.first} + r.count;
}

}  // namespace

void ordinal_ranges::append(std::uint32_t first, std::uint32_t count) {
  if (count == 0) return;
  BESTOW_ASSERT(std::uint64_t{first} + count <= ordinal_end);
  BESTOW_ASSERT(ranges_.empty() || first >= end_of(ranges_.back()));
  if (!ranges_.empty() && first == end_of(ranges_.back())) {
    ranges_.back().count += count;
  } else {
    starts_.push_back(static_cast<std::uint32_t>(total_));
    ranges_.push_back({first, count});
  }
  total_ += count;
}

auto ordinal_ranges::at(std::uint64_t i) const -> std::uint32_t {
  BESTOW_ASSERT(i < total_);
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), i);
  const auto index = static_cast<std::size_t>(std::distance(starts_.begin(), after)) - 1;
  return ranges_[index].first + static_cast<std::uint32_t>(i - starts_[index]);
}

auto ordinal_ranges::contains(std::uint32_t ordinal) const -> bool {
  const auto after =
      std::upper_bound(ranges_.begin(), ranges_.end(), ordinal,
                       [](std::uint32_t wanted, const range& r) { return wanted < r.first; });
  return after != ranges_.begin() && ordinal < end_of(*std::prev(after));
}

void ordinal_ranges::encode(std::vector<std::byte>& out) const {
  BESTOW_ASSERT(ranges_.size() <= limits::column_values_max);
  varint::append(out, ranges_.size());
  std::uint64_t end = 0;
  for (const auto& r : ranges_) {
    varint::append(out, r.first - end);
    varint::append(out, r.count);
    end = end_of(r);
  }
}

auto ordinal_ranges::decode(std::span<const std::byte>& in, ordinal_ranges& out) -> bool {
  const auto count = varint::take(in);
  // Every range takes two bytes at least: bounds the memory.
  if (!count || *count > limits::column_values_max || *count > in.size() / 2) return false;
  ordinal_ranges decoded;
  decoded.ranges_.reserve(*count);
  decoded.starts_.reserve(*count);
  std::uint64_t end = 0;
  for (std::uint64_t i = 0; i < *count; ++i) {
    const auto gap = varint::take(in);
    if (!gap || (i > 0 && *gap == 0) || *gap >= ordinal_end - end) return false;
    const auto length = varint::take(in);
    if (!length || *length == 0 || *length > ordinal_end - end - *gap) return false;
    decoded.append(static_cast<std::uint32_t>(end + *gap), static_cast<std::uint32_t>(*length));
    end += *gap + *length;
  }
  out = std::move(decoded);
  return true;
}

}  // namespace bestow
