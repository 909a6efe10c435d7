// The limit that the disk and LMDB set: values in a file of their own, with nothing of the log
// around them. For measuring only; nothing reads it back.
//
// Threads: one object belongs to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "events/result.hpp"

namespace bestow::store {

class bare_file {
 public:
  /// Creates the file, with the log's durability and address space.
  [[nodiscard]] static auto create(const std::string& path) -> result<bare_file>;
  bare_file(bare_file&&) noexcept;
  auto operator=(bare_file&&) -> bare_file& = delete;
  ~bare_file();

  /// Puts each value under the next u64 key, all in one transaction. Durable when it returns: one
  /// commit and its fsync.
  [[nodiscard]] auto append(std::span<const std::vector<std::byte>> values) -> result<void>;
  /// Values it holds.
  [[nodiscard]] auto count() const -> result<std::uint64_t>;

 private:
  struct environment;
  explicit bare_file(std::unique_ptr<environment> env);
  std::unique_ptr<environment> env_;
  std::uint64_t next_{1};
};

}  // namespace bestow::store
