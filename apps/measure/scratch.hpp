// A fresh directory that is gone with its object, and what lies under it.
//
// Threads: one object belongs to one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "events/result.hpp"

namespace bestow::measure {

class scratch {
 public:
  /// Makes <parent>/bestow-<name>-XXXXXX with mode 0700. @fault file_io_failed
  [[nodiscard]] static auto make(const std::string& parent, std::string_view name)
      -> result<scratch>;
  scratch(scratch&& other) noexcept : path_{std::exchange(other.path_, "")} {}
  auto operator=(scratch&&) -> scratch& = delete;
  ~scratch();
  [[nodiscard]] auto path() const -> const std::string& { return path_; }
  /// Removes it now. What a process that was just killed still writes is waited for, 5 s at most.
  /// @fault file_io_failed  it, or some of it, stands still
  [[nodiscard]] auto remove() -> result<void>;

 private:
  explicit scratch(std::string path) : path_{std::move(path)} {}
  std::string path_;  ///< "" = removed.
};

/// "ext4", "tmpfs", ...; a number in hex for one without a name here; "" when it cannot be told.
[[nodiscard]] auto filesystem_of(const std::string& directory) -> std::string;
/// Bytes this user may still write there; 0 when it cannot be told.
[[nodiscard]] auto free_bytes(const std::string& directory) -> std::uint64_t;

}  // namespace bestow::measure
