// Sealed segments that are open for reading. Private to store/. Thread-safe; opening one takes some
// page reads and keeps other callers waiting meanwhile.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "events/result.hpp"
#include "store/log_tables.hpp"

namespace bestow::store {

/// An open segment, open for as long as someone holds it.
using segment_ptr = std::shared_ptr<const open_log>;

class segment_cache {
 public:
  explicit segment_cache(std::string directory) : directory_{std::move(directory)} {}

  /// Opens and checks it, or answers the one that is open. Beyond limits::log_segments_open_max
  /// those that nobody reads are closed, the longest unused first.
  /// @fault those of open_sealed.
  [[nodiscard]] auto get(const segment_row& row, const log_identity& identity)
      -> result<segment_ptr>;
  /// Closes whatever nobody reads.
  void clear();
  [[nodiscard]] auto size() const -> std::size_t;

 private:
  void close_unused(std::size_t keep);

  const std::string directory_;
  mutable std::mutex mutex_;
  std::vector<segment_ptr> open_;  ///< The latest used last.
};

}  // namespace bestow::store
