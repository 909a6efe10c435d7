// The file of one promotion's list: its layout, and the list seen through it.
//
// Layout, little-endian, every part at a multiple of 8: list_file_header; partition_entry for each
// partition; dictionaries; columns and texts. A column holds its values as first + step * ordinal
// (step 0: constant), or as fixed-width words above a base. A text column holds dictionary indexes,
// or the exclusive ends of its texts in the partition's heap.
// Promise: one wrong bit anywhere is found by open_list_file before a row is read.
// Threads: an open list may be read from any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "events/result.hpp"
#include "store/mapped_file.hpp"
#include "store/target_list.hpp"

namespace bestow::store {

/// Columns of a partition; the last four are texts.
enum class list_column : std::uint8_t {
  id,
  customer,
  amount,
  expiry,
  withdrawal,
  reason,
  voucher_number,
  merchant_code,
  merchant_brand_code,
};
inline constexpr std::size_t list_column_count = 9;
inline constexpr std::size_t list_text_first = static_cast<std::size_t>(list_column::reason);
inline constexpr std::size_t list_text_count = 4;

struct column_entry {
  std::uint64_t base{0};    ///< First value, or what is added to each word.
  std::uint64_t step{0};    ///< Of computed columns (width 0).
  std::uint64_t offset{0};  ///< Where the words begin, from the file's first byte.
  std::uint64_t width{0};   ///< Bytes of a word: 1, 2, 4, 8; 0 = computed.
};
struct partition_entry {
  std::uint64_t count{0};
  std::int64_t amount{0};
  std::array<column_entry, list_column_count> columns{};
  std::array<std::uint64_t, list_text_count> heaps{};  ///< Offsets; unused with a dictionary.
};
struct list_file_header {
  static constexpr std::array<char, 8> magic_value{'B', 'S', 'T', 'W', 'L', 'S', 'T', '1'};
  std::array<char, 8> magic{magic_value};
  std::uint64_t file_bytes{0};
  std::uint64_t promotion{0};
  std::uint64_t partition_count{0};
  std::array<char, 8> currency{};  ///< ISO 4217, ended by zeros.
  std::uint64_t total_count{0};
  std::int64_t total_amount{0};
  std::uint64_t split_customers{0};
  sha256_digest list_sha256{};
  std::array<std::uint64_t, list_text_count> dictionaries{};  ///< Offsets; 0 = texts in heaps.
  std::uint64_t body_xxh3{0};                                 ///< Of every byte after the header.
  std::uint64_t header_xxh3{0};  ///< Of every byte of the header before it.
};
static_assert(sizeof(column_entry) % 8 == 0 && sizeof(partition_entry) % 8 == 0 &&
              sizeof(list_file_header) % 8 == 0);

/// Sets both checksums over the finished bytes of a list.
void seal_list_bytes(std::span<std::byte> bytes);

/// The list in `file`. Reads every byte once for the checksum (several GB/s when cached).
/// `trusted` skips that: the caller wrote the bytes a moment ago.
/// @fault file_io_failed  damaged, of another promotion, or not such a file at all.
[[nodiscard]] auto open_list(mapped_file file, promotion_id promotion, bool trusted)
    -> result<std::shared_ptr<const target_list>>;

}  // namespace bestow::store
