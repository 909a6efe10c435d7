// A file descriptor that closes itself, and what a refused system call becomes. Private to store/.
// Threads: an object belongs to one thread at a time.
#pragma once

#include <unistd.h>

#include <string>
#include <string_view>
#include <system_error>

#include "events/result.hpp"

namespace bestow::store {

/// file_io_failed: the path and what the system says. @param error  errno of the call
[[nodiscard]] inline auto file_fault(std::string_view operation, const std::string& path, int error)
    -> tl::unexpected<fault> {
  return fail(fault_code::file_io_failed, operation,
              path + ": " + std::generic_category().message(error));
}

/// Closes on every way out. Negative: there is nothing to close.
class descriptor {
 public:
  explicit descriptor(int fd) : fd_{fd} {}
  descriptor(const descriptor&) = delete;
  auto operator=(const descriptor&) -> descriptor& = delete;
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] auto get() const -> int { return fd_; }

 private:
  int fd_;
};

}  // namespace bestow::store
