// The customers of one sealed list in a file: (customer_uid, import ordinal) sorted by uid, in blocks
// of one page, each with a checksum. It answers "where was this customer imported?" for 10^7 targets
// by reading a small index and one or two pages.
//
// Layout, little-endian: a page with the header; for each block its first uid and checksum; for each
// targets_imported of the list its position and the ordinal of its first row; then, from the next
// page on, the blocks: 341 uids and their 341 ordinals.
// Promise: immutable; rebuilt from the log and never the truth; a wrong bit is found before an entry
// of its block is used. 12 bytes a target. Threads: reading from any thread. Anonymous memory: none
// that grows with the targets (with an empty path all is anonymous: tests, simulator).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "events/result.hpp"
#include "events/types.hpp"
#include "store/mapped_file.hpp"
#include "store/target_list_source.hpp"

namespace bestow::store {

/// Where a target was imported: a row of a targets_imported.
struct import_place {
  position fact{};
  std::uint32_t row{0};  ///< Index in that fact's columns.
  auto operator==(const import_place&) const -> bool = default;
};

class customer_run {
 public:
  /// Checks header, index and facts (not the blocks) and reads none of the rest.
  /// @fault file_io_failed  missing, cut off, damaged, or of another promotion.
  [[nodiscard]] static auto open(const std::string& path, promotion_id promotion)
      -> result<std::shared_ptr<const customer_run>>;
  /// Reads the promotion's import facts and writes the run. The file appears complete or not at
  /// all. Cost: one pass over the facts and a sort of 16 bytes a target, in a scratch file.
  /// @fault log_corrupt    the list is not sealed, or the facts give another count
  /// @fault shutting_down  scope.cancelled became true
  /// @fault file_io_failed no room; an older file stands
  [[nodiscard]] static auto build(const event_log& log, const list_scope& scope,
                                  const std::string& path)
      -> result<std::shared_ptr<const customer_run>>;

  /// Targets in the run.
  [[nodiscard]] auto size() const -> std::uint64_t { return count_; }
  [[nodiscard]] auto list_sha256() const -> const sha256_digest& { return list_sha256_; }
  /// Of all entries: two runs of one list agree.
  [[nodiscard]] auto digest() const -> std::uint64_t { return digest_; }
  /// The smallest and the largest customer. Precondition: size() > 0.
  [[nodiscard]] auto lowest() const -> customer_uid { return lowest_; }
  [[nodiscard]] auto highest() const -> customer_uid { return highest_; }

  /// Visits every place of this customer in the log's order until the visitor returns false.
  /// Cost: a binary search in the index and the blocks that hold the customer.
  /// @fault file_io_failed  a block is damaged: build anew
  [[nodiscard]] auto find(customer_uid customer,
                          const std::function<bool(const import_place&)>& visit) const
      -> result<void>;
  /// Visits every entry by ascending (customer, place), from the `from`-th on. Faults as find.
  [[nodiscard]] auto visit(
      std::uint64_t from,
      const std::function<bool(customer_uid, const import_place&)>& visitor) const -> result<void>;

 private:
  struct block_entry {
    std::uint64_t first_uid{0};
    std::uint64_t xxh3{0};
  };
  struct fact_entry {
    std::uint64_t first_ordinal{0};
    std::uint64_t at{0};
  };
  struct block;
  class writer;

  [[nodiscard]] static auto adopt(mapped_file file) -> std::shared_ptr<customer_run>;
  [[nodiscard]] auto block_at(std::uint64_t index) const -> result<const block*>;
  [[nodiscard]] auto place_of(std::uint32_t ordinal) const -> import_place;

  mapped_file file_;
  std::string path_;
  sha256_digest list_sha256_{};
  std::uint64_t count_{0};
  std::uint64_t block_count_{0};
  std::uint64_t fact_count_{0};
  std::uint64_t digest_{0};
  customer_uid lowest_{};
  customer_uid highest_{};
  const block_entry* index_{nullptr};
  const fact_entry* facts_{nullptr};
  const block* blocks_{nullptr};
};

}  // namespace bestow::store
