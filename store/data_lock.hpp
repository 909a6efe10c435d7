// One bestow per data directory. Taken by apps before anything in the directory is opened.
//
// Promise: the kernel frees the lock when the holder ends, however it ends; a program that the
// holder starts does not inherit it. Any thread.
#pragma once

#include <string>

#include "events/result.hpp"

namespace bestow::store {

class data_lock {
 public:
  /// Creates the directory (mode 0700) if need be, locks <directory>/LOCK and writes the holder's
  /// pid into it. Does not wait.
  /// @fault log_locked     held by someone else; their pid is in the detail.
  /// @fault file_io_failed
  [[nodiscard]] static auto acquire(const std::string& directory) -> result<data_lock>;

  data_lock(data_lock&& other) noexcept;
  auto operator=(data_lock&& other) noexcept -> data_lock&;
  data_lock(const data_lock&) = delete;
  auto operator=(const data_lock&) -> data_lock& = delete;
  /// Releases it. The file stays.
  ~data_lock();

 private:
  explicit data_lock(int fd) : fd_{fd} {}
  int fd_{-1};
};

}  // namespace bestow::store
