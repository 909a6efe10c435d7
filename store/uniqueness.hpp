// File-backed sets that answer "seen before?" for customers, target ids and voucher numbers
// while lists are being imported. Rebuildable from the log, never the truth.
//
// Threads: each set belongs to one actor at a time. Anonymous memory: none that grows with the
// set (the tables are file-backed mappings; with an empty path they are anonymous, for tests).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "events/result.hpp"
#include "events/types.hpp"

namespace bestow::store {

/// An exact set of 64-bit values: open addressing, growing by half at 75 % load, so at most 16
/// bytes a value once it is past its first page.
class u64_set {
 public:
  u64_set() = default;
  u64_set(const u64_set&) = delete;
  auto operator=(const u64_set&) -> u64_set& = delete;
  virtual ~u64_set() = default;
  /// True when the value was not there and now is. @fault file_io_failed.
  [[nodiscard]] virtual auto insert(std::uint64_t value) -> result<bool> = 0;
  [[nodiscard]] virtual auto contains(std::uint64_t value) const -> bool = 0;
  /// True when it was there.
  virtual auto erase(std::uint64_t value) -> bool = 0;
  [[nodiscard]] virtual auto size() const -> std::uint64_t = 0;
  virtual void clear() = 0;
};
/// A fresh, empty set. An existing file at `path` is replaced; the file is removed on destruction.
/// "" = anonymous memory. @fault file_io_failed.
[[nodiscard]] auto make_u64_set(std::string path) -> result<std::unique_ptr<u64_set>>;

/// Where a voucher number was claimed: enough to read the exact text back from the log.
struct voucher_claim {
  position fact{};  ///< Position of its targets_imported; < 2^43.
  std::uint32_t row{0};  ///< Index in that fact's columns; < limits::column_values_max.
};

/// Tags of voucher numbers -> claim, for numbers that come and go: 21 to 32 bytes each. A tag that
/// is found must be compared with the number's text: two numbers may share a tag.
class voucher_table {
 public:
  voucher_table() = default;
  voucher_table(const voucher_table&) = delete;
  auto operator=(const voucher_table&) -> voucher_table& = delete;
  virtual ~voucher_table() = default;
  /// Brings the place of `tag` into the cache.
  virtual void prefetch(std::uint64_t tag) const = 0;
  /// Visits every claim under this tag until the visitor returns false.
  virtual void find(std::uint64_t tag,
                    const std::function<bool(const voucher_claim&)>& visit) const = 0;
  /// @fault file_io_failed  no room; the table is as before.
  [[nodiscard]] virtual auto insert(std::uint64_t tag, voucher_claim claim) -> result<void> = 0;
  /// Removes one claim equal to `claim` under this tag; false when there is none.
  virtual auto erase(std::uint64_t tag, voucher_claim claim) -> bool = 0;
  [[nodiscard]] virtual auto size() const -> std::uint64_t = 0;
};
/// A fresh, empty table. An existing file at `path` is replaced; the file is removed on destruction.
/// "" = anonymous memory. @fault file_io_failed.
[[nodiscard]] auto make_voucher_table(std::string path) -> result<std::unique_ptr<voucher_table>>;

}  // namespace bestow::store
