#include "events/columns.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include "events/assert.hpp"
#include "events/limits.hpp"
#include "events/varint.hpp"

namespace bestow {
namespace {

static_assert(std::endian::native == std::endian::little,
              "stored integers are little-endian and copied without swapping");

/// Layout byte of an explicit column: 0 = deltas, 1..8 = bytes of each fixed-width value.
constexpr std::uint64_t delta_layout = 0;
constexpr std::size_t width_max = 8;

auto width_of(std::uint64_t value) -> std::size_t {
  return (static_cast<std::size_t>(std::bit_width(value | 1U)) + 7) / 8;
}

auto delta_bytes(std::span<const std::uint64_t> values) -> std::size_t {
  std::size_t bytes = 0;
  std::uint64_t previous = 0;
  for (const auto value : values)
    bytes += varint::size_of(varint::zigzag(value - std::exchange(previous, value)));
  return bytes;
}

void append_deltas(std::span<const std::uint64_t> values, std::vector<std::byte>& out) {
  std::uint64_t previous = 0;
  for (const auto value : values)
    varint::append(out, varint::zigzag(value - std::exchange(previous, value)));
}

void append_fixed(std::span<const std::uint64_t> values, std::uint64_t minimum, std::size_t width,
                  std::vector<std::byte>& out) {
  const auto start = out.size();
  // Whole words are stored over each other, so the last one needs room beyond the column's end.
  out.resize(start + values.size() * width + width_max);
  auto* to = out.data() + start;
  for (const auto value : values) {
    const auto above = value - minimum;
    std::memcpy(to, &above, sizeof above);
    to += width;
  }
  out.resize(start + values.size() * width);
}

auto read_deltas(std::span<const std::byte>& in, std::span<std::uint64_t> values) -> bool {
  static constexpr std::uint64_t more_bits = 0x8080'8080'8080'8080U;
  static constexpr std::size_t word = sizeof(std::uint64_t);
  std::uint64_t previous = 0;
  std::size_t i = 0;
  while (i < values.size()) {
    if (in.size() >= word && values.size() - i >= word) {
      std::uint64_t eight = 0;
      std::memcpy(&eight, in.data(), word);
      if ((eight & more_bits) == 0) {  // Eight one-byte deltas: the common case of sorted ids.
        for (std::size_t k = 0; k < word; ++k, eight >>= 8U)
          values[i++] = previous += varint::unzigzag(eight & 0xFFU);
        in = in.subspan(word);
        continue;
      }
    }
    const auto delta = varint::take(in);
    if (!delta) return false;
    values[i++] = previous += varint::unzigzag(*delta);
  }
  return true;
}

/// Precondition: `in` holds Width bytes for each value.
template <std::size_t Width>
void read_fixed(const std::byte* in, std::size_t readable, std::uint64_t minimum,
                std::span<std::uint64_t> values) {
  static constexpr auto mask =
      Width == width_max ? ~std::uint64_t{0} : (std::uint64_t{1} << (Width * 8U % 64U)) - 1;
  // A word may be loaded while eight readable bytes are left; the last few values are copied.
  const auto whole = readable < width_max
                         ? std::size_t{0}
                         : std::min(values.size(), (readable - width_max) / Width + 1);
  auto* to = values.data();
  for (std::size_t i = 0; i < whole; ++i) {
    std::uint64_t loaded = 0;
    std::memcpy(&loaded, in + i * Width, sizeof loaded);
    to[i] = minimum + (loaded & mask);
  }
  for (std::size_t i = whole; i < values.size(); ++i) {
    std::uint64_t loaded = 0;
    std::memcpy(&loaded, in + i * Width, Width);
    to[i] = minimum + loaded;
  }
}

auto read_fixed_of_width(std::uint64_t width, std::span<const std::byte> in, std::uint64_t minimum,
                         std::span<std::uint64_t> values) -> void {
  switch (width) {
    case 1: return read_fixed<1>(in.data(), in.size(), minimum, values);
    case 2: return read_fixed<2>(in.data(), in.size(), minimum, values);
    case 3: return read_fixed<3>(in.data(), in.size(), minimum, values);
    case 4: return read_fixed<4>(in.data(), in.size(), minimum, values);
    case 5: return read_fixed<5>(in.data(), in.size(), minimum, values);
    case 6: return read_fixed<6>(in.data(), in.size(), minimum, values);
    case 7: return read_fixed<7>(in.data(), in.size(), minimum, values);
    default: return read_fixed<8>(in.data(), in.size(), minimum, values);
  }
}

auto take_explicit(std::span<const std::byte>& in, std::size_t count)
    -> std::optional<std::vector<std::uint64_t>> {
  const auto layout = varint::take(in);
  if (!layout || *layout > width_max) return std::nullopt;
  if (*layout == delta_layout) {
    if (count > in.size()) return std::nullopt;  // Every value takes a byte: bounds the memory.
    std::vector<std::uint64_t> values(count);
    if (!read_deltas(in, values)) return std::nullopt;
    return values;
  }
  const auto minimum = varint::take(in);
  if (!minimum || count > in.size() / *layout) return std::nullopt;
  std::vector<std::uint64_t> values(count);
  read_fixed_of_width(*layout, in, *minimum, values);
  in = in.subspan(count * *layout);
  return values;
}

}  // namespace

auto u64_column::constant(std::uint64_t value, std::size_t count) -> u64_column {
  return arithmetic(value, 0, count);
}

auto u64_column::arithmetic(std::uint64_t first, std::uint64_t step, std::size_t count)
    -> u64_column {
  u64_column column;
  column.count_ = count;
  // One shape per sequence of values, so that equal columns have equal bytes.
  column.first_ = count > 0 ? first : 0;
  column.step_ = count > 1 ? step : 0;
  column.shape_ = column.step_ == 0 ? shape::constant : shape::arithmetic;
  return column;
}

auto u64_column::of(std::vector<std::uint64_t> values) -> u64_column {
  const auto count = values.size();
  if (count == 0) return {};
  const auto first = values[0];
  const auto step = count > 1 ? values[1] - first : 0;
  for (std::size_t i = 1; i < count; ++i) {
    if (values[i] - values[i - 1] == step) continue;
    u64_column column;
    column.shape_ = shape::explicit_values;
    column.count_ = count;
    column.values_ = std::move(values);
    return column;
  }
  return arithmetic(first, step, count);
}

auto u64_column::operator==(const u64_column& other) const -> bool {
  if (count_ != other.count_) return false;
  const auto listed = shape_ == shape::explicit_values;
  if (listed && other.shape_ == shape::explicit_values) return values_ == other.values_;
  if (!listed && other.shape_ != shape::explicit_values)
    return first_ == other.first_ && step_ == other.step_;
  for (std::size_t i = 0; i < count_; ++i)
    if ((*this)[i] != other[i]) return false;
  return true;
}

void u64_column::encode(std::vector<std::byte>& out) const {
  BESTOW_ASSERT(count_ <= limits::column_values_max);
  out.push_back(static_cast<std::byte>(shape_));
  varint::append(out, count_);
  if (shape_ != shape::explicit_values) {
    varint::append(out, first_);
    if (shape_ == shape::arithmetic) varint::append(out, step_);
    return;
  }
  const auto [low, high] = std::minmax_element(values_.begin(), values_.end());
  const auto minimum = *low;
  const auto width = width_of(*high - minimum);
  const auto fixed = varint::size_of(minimum) + width * count_;
  // Fixed width is read several times faster, so deltas must be worth it: an eighth fewer bytes.
  if (delta_bytes(values_) >= fixed - fixed / 8) {
    varint::append(out, width);
    varint::append(out, minimum);
    append_fixed(values_, minimum, width, out);
  } else {
    varint::append(out, delta_layout);
    append_deltas(values_, out);
  }
}

auto u64_column::decode(std::span<const std::byte>& in, u64_column& out) -> bool {
  if (in.empty()) return false;
  const auto form = static_cast<shape>(in.front());
  in = in.subspan(1);
  const auto count = varint::take(in);
  if (!count || *count > limits::column_values_max) return false;
  switch (form) {
    case shape::constant:
    case shape::arithmetic: {
      const auto first = varint::take(in);
      const auto step = form == shape::arithmetic ? varint::take(in) : std::uint64_t{0};
      if (!first || !step) return false;
      out = arithmetic(*first, *step, *count);
      return true;
    }
    case shape::explicit_values: {
      auto values = take_explicit(in, *count);
      if (!values) return false;
      out.shape_ = *count == 0 ? shape::constant : shape::explicit_values;
      out.count_ = *count;
      out.first_ = out.step_ = 0;
      out.values_ = std::move(*values);
      return true;
    }
  }
  return false;
}

}  // namespace bestow
