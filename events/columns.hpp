// Columns: how one bulk fact describes many targets in a few bytes each.
//
// A column is a sequence of values that remembers when it is constant or arithmetic, so that
// a million equal amounts or ascending ids cost bytes, not megabytes, on disk and in memory.
// Value types; not synchronised.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bestow {

/// Unsigned 64-bit values. Signed money and times are stored as their two's complement.
class u64_column {
 public:
  enum class shape : std::uint8_t { constant = 1, arithmetic = 2, explicit_values = 3 };

  u64_column() = default;
  [[nodiscard]] static auto constant(std::uint64_t value, std::size_t count) -> u64_column;
  /// first, first+step, first+2*step, ... (mod 2^64).
  [[nodiscard]] static auto arithmetic(std::uint64_t first, std::uint64_t step, std::size_t count)
      -> u64_column;
  /// Chooses the smallest shape that represents the values exactly.
  [[nodiscard]] static auto of(std::vector<std::uint64_t> values) -> u64_column;

  [[nodiscard]] auto size() const -> std::size_t { return count_; }
  [[nodiscard]] auto empty() const -> bool { return count_ == 0; }
  [[nodiscard]] auto form() const -> shape { return shape_; }
  /// Precondition: i < size().
  [[nodiscard]] auto operator[](std::size_t i) const -> std::uint64_t {
    return shape_ == shape::explicit_values ? values_[i] : first_ + step_ * i;
  }
  /// first and step of a constant (step 0) or arithmetic column.
  [[nodiscard]] auto first() const -> std::uint64_t { return first_; }
  [[nodiscard]] auto step() const -> std::uint64_t { return step_; }
  /// The values of an explicit column; empty for the other shapes.
  [[nodiscard]] auto values() const -> std::span<const std::uint64_t> { return values_; }
  /// Columns are equal when their values are, whatever their shape.
  auto operator==(const u64_column& other) const -> bool;

  /// Appends the encoded column: shape byte, varint count, then first/step as varints. Explicit
  /// values have one of two layouts: a width byte 1..8, varint minimum, and (value - minimum) in
  /// that many little-endian bytes; or, where it saves an eighth, byte 0 and zigzag delta varints
  /// (from 0). docs/internals/log_format.md describes the bytes.
  /// Precondition, asserted: size() <= limits::column_values_max.
  void encode(std::vector<std::byte>& out) const;
  /// Reads one column from the front of `in` and moves `in` past it. False on damaged or hostile
  /// input (count above limits::column_values_max, truncated): `out` is then unspecified.
  [[nodiscard]] static auto decode(std::span<const std::byte>& in, u64_column& out) -> bool;

 private:
  shape shape_{shape::constant};
  std::size_t count_{0};
  std::uint64_t first_{0};
  std::uint64_t step_{0};
  std::vector<std::uint64_t> values_;
};

/// Text values. Remembers when all are equal; equal neighbours are not deduplicated otherwise
/// (zstd does that on disk).
class string_column {
 public:
  string_column() = default;
  [[nodiscard]] static auto constant(std::string value, std::size_t count) -> string_column;
  void push_back(std::string_view value);
  [[nodiscard]] auto size() const -> std::size_t { return count_; }
  [[nodiscard]] auto empty() const -> bool { return count_ == 0; }
  [[nodiscard]] auto is_constant() const -> bool { return constant_; }
  /// Precondition: i < size(). The view lives as long as the column is not changed.
  [[nodiscard]] auto operator[](std::size_t i) const -> std::string_view;
  auto operator==(const string_column& other) const -> bool;

  /// Shape byte, varint count; constant (1): varint length + bytes; plain (2): varint lengths, then
  /// the bytes; zstd (3), when smaller: varint raw size, varint packed size, and the plain body as
  /// one zstd frame of level 3. A body above limits::unpack_string_max stays plain, so that no small
  /// column unpacks to a large one. Precondition, asserted: size() <= limits::column_values_max.
  void encode(std::vector<std::byte>& out) const;
  [[nodiscard]] static auto decode(std::span<const std::byte>& in, string_column& out) -> bool;
  /// As decode for who needs no values: only size() is known afterwards, unless all are equal; reading
  /// a value is asserted against. `in` must hold nothing else; a packed body is not looked into.
  [[nodiscard]] static auto skim(std::span<const std::byte>& in, string_column& out) -> bool;

 private:
  bool constant_{true};
  bool skimmed_{false};  ///< The values were left behind.
  std::size_t count_{0};
  std::string heap_;                 ///< All values end to end, or the one constant value.
  std::vector<std::uint32_t> ends_;  ///< Exclusive end of each value in heap_; unused if constant.
};

/// A set of ordinals as ascending, disjoint, non-adjacent ranges.
class ordinal_ranges {
 public:
  struct range {
    std::uint32_t first{0};
    std::uint32_t count{0};
    auto operator==(const range&) const -> bool = default;
  };
  ordinal_ranges() = default;
  /// Adds [first, first+count); asserts that first is at or after the end of the last range.
  void append(std::uint32_t first, std::uint32_t count);
  [[nodiscard]] auto ranges() const -> std::span<const range> { return ranges_; }
  [[nodiscard]] auto size() const -> std::uint64_t { return total_; }
  [[nodiscard]] auto empty() const -> bool { return total_ == 0; }
  /// The i-th ordinal in ascending order; asserts i < size(). O(log ranges).
  [[nodiscard]] auto at(std::uint64_t i) const -> std::uint32_t;
  [[nodiscard]] auto contains(std::uint32_t ordinal) const -> bool;
  template <class Fn>
  void for_each(Fn&& fn) const {
    for (const auto& r : ranges_)
      for (std::uint32_t i = 0; i < r.count; ++i) fn(r.first + i);
  }
  auto operator==(const ordinal_ranges&) const -> bool = default;

  /// Varint number of ranges, then for each the varint gap to the end of the one before (to 0 for
  /// the first) and its varint count. Precondition: at most limits::column_values_max ranges.
  void encode(std::vector<std::byte>& out) const;
  /// As u64_column::decode. The memory used is bounded by the size of `in`, the ordinals are not.
  [[nodiscard]] static auto decode(std::span<const std::byte>& in, ordinal_ranges& out) -> bool;

 private:
  std::vector<range> ranges_;
  std::vector<std::uint32_t> starts_;  ///< Ordinals before each range: what at() searches.
  std::uint64_t total_{0};
};

}  // namespace bestow
