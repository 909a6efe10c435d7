// A file seen as memory. The building block of every table and column beside the log.
//
// Promise: space is reserved on disk before it is mapped, so a full disk is a fault from create()
// and never a SIGBUS later. Pages belong to the page cache: anonymous memory does not grow.
// Threads: as plain memory; the object itself is not synchronised.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "events/result.hpp"

namespace bestow::store {

class mapped_file {
 public:
  enum class access : std::uint8_t { read_only, read_write };

  mapped_file() = default;
  mapped_file(const mapped_file&) = delete;
  auto operator=(const mapped_file&) -> mapped_file& = delete;
  mapped_file(mapped_file&& other) noexcept;
  auto operator=(mapped_file&& other) noexcept -> mapped_file&;
  /// Unmaps. The file stays.
  ~mapped_file();

  /// A new file of `bytes` zero bytes (at least one), mode 0600, in place of any at `path`.
  /// An empty path gives anonymous memory. Costs one system call for the space, none per page.
  /// @fault file_io_failed  cannot be created, no room on the disk, or cannot be mapped; a file
  ///                        begun here is removed again.
  [[nodiscard]] static auto create(const std::string& path, std::size_t bytes)
      -> result<mapped_file>;
  /// An existing file in its whole length.
  /// @fault file_io_failed  missing, empty or cannot be mapped.
  [[nodiscard]] static auto open(const std::string& path, access mode) -> result<mapped_file>;

  [[nodiscard]] auto data() const -> std::byte* { return data_; }
  [[nodiscard]] auto size() const -> std::size_t { return size_; }
  [[nodiscard]] auto bytes() const -> std::span<std::byte> { return {data_, size_}; }
  /// Writes the first `length` bytes' pages to the disk and waits. Nothing to do when anonymous.
  /// @fault file_io_failed  the disk refused; what is on it is unknown.
  [[nodiscard]] auto sync(std::size_t length) const -> result<void>;

 private:
  std::byte* data_{nullptr};
  std::size_t size_{0};
  bool anonymous_{false};
};

/// Creates `path` and its parents with mode 0700. @fault file_io_failed.
[[nodiscard]] auto make_directories(const std::string& path) -> result<void>;
/// The folder that will hold the file `path`; nothing to do for "" and for a bare name.
[[nodiscard]] auto make_parent_directories(const std::string& path) -> result<void>;

}  // namespace bestow::store
