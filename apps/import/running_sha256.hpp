// SHA-256 of bytes as they come, with the digest of what came so far at any moment.
//
// Threads: one object belongs to one thread. About 2 GB/s on a CPU with SHA instructions.
#pragma once

#include <memory>
#include <string_view>

#include "events/types.hpp"

namespace bestow::importing {

class running_sha256 {
 public:
  running_sha256();
  running_sha256(const running_sha256&) = delete;
  auto operator=(const running_sha256&) -> running_sha256& = delete;
  ~running_sha256();
  void update(std::string_view bytes);
  /// Of everything given so far; more may follow.
  [[nodiscard]] auto digest() const -> sha256_digest;

 private:
  struct context;
  std::unique_ptr<context> running_;
  std::unique_ptr<context> scratch_;  ///< Finished in place of the running one.
};

/// Of one piece of text.
[[nodiscard]] auto sha256_of(std::string_view bytes) -> sha256_digest;

}  // namespace bestow::importing
