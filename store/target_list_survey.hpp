// First pass over a list's rows: what the columns must hold, the totals and the hash.
//
// Promise: anonymous memory is bounded by partitions and limits::list_dictionary_max, never by
// targets.
// Threads: one survey belongs to one thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/target_list_file.hpp"
#include "store/target_list_hash.hpp"

namespace bestow::store {

__extension__ using wide_sum = __int128;

/// Range and regularity of one column's values.
struct column_survey {
  std::uint64_t count{0};
  std::uint64_t first{0};
  std::uint64_t step{0};
  std::uint64_t last{0};
  std::uint64_t min{~0ULL};
  std::uint64_t max{0};
  bool computed{true};  ///< first + step * i gives every value so far.

  void add(std::uint64_t value) {
    if (count == 0)
      first = value;
    else if (count == 1)
      step = value - first;
    else if (value - last != step)
      computed = false;
    if (value < min) min = value;
    if (value > max) max = value;
    last = value;
    ++count;
  }
  /// The column's shape, without its place in the file.
  [[nodiscard]] auto entry() const -> column_entry;
};

/// Numbers texts by first appearance until there are too many different ones.
class text_dictionary {
 public:
  /// The text's number; 0 and no meaning once overflowed().
  auto number_of(std::string_view text) -> std::uint64_t;
  [[nodiscard]] auto overflowed() const -> bool { return overflowed_; }
  [[nodiscard]] auto texts() const -> const std::deque<std::string>& { return texts_; }

 private:
  std::deque<std::string> texts_;  // Never moves its elements: the map's keys point into it.
  std::unordered_map<std::string_view, std::uint64_t> numbers_;
  std::uint64_t last_{0};
  bool overflowed_{false};
};

struct partition_survey {
  std::array<column_survey, list_column_count> columns;
  std::array<std::uint64_t, list_text_count> heap_bytes{};
  wide_sum amount{0};
};

[[nodiscard]] inline auto text_of(const list_row& row, std::size_t t) -> std::string_view {
  switch (t) {
    case 0:
      return row.reason;
    case 1:
      return row.voucher_number;
    case 2:
      return row.merchant_code;
    default:
      return row.merchant_brand_code;
  }
}

class list_survey {
 public:
  explicit list_survey(const promotion_created& created);
  /// Rows must come in strictly ascending order of id; from the first that does not, only
  /// count() and text_bytes() go on and ascending() is false.
  void add(const list_row& row);

  [[nodiscard]] auto ascending() const -> bool { return ascending_; }
  [[nodiscard]] auto count() const -> std::uint64_t { return count_; }
  [[nodiscard]] auto text_bytes() const -> std::uint64_t { return text_bytes_; }
  [[nodiscard]] auto partitions() const -> const std::vector<partition_survey>& {
    return partitions_;
  }
  [[nodiscard]] auto dictionaries() -> std::array<text_dictionary, list_text_count>& {
    return dictionaries_;
  }
  /// Count, sums and hash of all rows; split_customers is left 0. Call once, when ascending().
  [[nodiscard]] auto totals() -> list_totals_result;

 private:
  list_hasher hasher_;
  std::vector<partition_survey> partitions_;
  std::array<text_dictionary, list_text_count> dictionaries_;
  std::uint64_t count_{0};
  std::uint64_t text_bytes_{0};
  std::uint64_t last_id_{0};
  bool ascending_{true};
};

}  // namespace bestow::store
