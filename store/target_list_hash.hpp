// The canonical text of a list and its SHA-256: what list_sealed.list_sha256 is taken over.
//
// Promise: the text is the one docs/internals/list_hash.md defines, byte for byte; the same list
// has the same hash however its rows arrived. Threads: one hasher belongs to one thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "events/promotion.hpp"
#include "events/types.hpp"
#include "store/target_list.hpp"

namespace bestow::store {

/// First line of the canonical text, with its line end.
[[nodiscard]] auto canonical_first_line(const promotion_created& created) -> std::string;
/// Appends one target's line, with its line end. `row` has its defaults resolved.
void append_canonical_line(std::string& text, const list_row& row, promotion_type type);

class list_hasher {
 public:
  explicit list_hasher(const promotion_created& created);
  list_hasher(const list_hasher&) = delete;
  auto operator=(const list_hasher&) -> list_hasher& = delete;
  ~list_hasher();
  /// Rows in ascending order of id; about 0.2 us each.
  void add(const list_row& row);
  /// The hash of all rows added. Call once.
  [[nodiscard]] auto finish() -> sha256_digest;

 private:
  void flush();

  struct digest_context;
  std::unique_ptr<digest_context> digest_;
  promotion_type type_;
  std::string pending_;  ///< Lines not yet hashed; bounded by pending_bytes_max and one line.
};

}  // namespace bestow::store
