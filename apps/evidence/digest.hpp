// Base64 and SHA-256 as evidence is written in. Thread-safe: no shared state.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "events/result.hpp"
#include "events/types.hpp"

namespace bestow::evidence {

/// RFC 4648 with padding, no line breaks.
[[nodiscard]] auto to_base64(std::span<const std::byte> bytes) -> std::string;
/// nullopt: not the base64 of anything.
[[nodiscard]] auto from_base64(std::string_view text) -> std::optional<std::vector<std::byte>>;

/// SHA-256 of bytes as they come. One object belongs to one thread.
class hasher {
 public:
  hasher();
  hasher(const hasher&) = delete;
  auto operator=(const hasher&) -> hasher& = delete;
  ~hasher();
  void add(std::span<const std::byte> bytes);
  void add(std::string_view text) { add(std::as_bytes(std::span{text.data(), text.size()})); }
  /// Once.
  [[nodiscard]] auto finish() -> sha256_digest;

 private:
  struct context;
  std::unique_ptr<context> running_;
};
[[nodiscard]] auto sha256_of(std::string_view text) -> sha256_digest;

struct file_digest {
  sha256_digest sha256{};
  std::uint64_t bytes{0};
};
/// Reads the whole file, limits::copy_piece_bytes at once. @fault file_io_failed
[[nodiscard]] auto digest_of_file(const std::string& path) -> result<file_digest>;

}  // namespace bestow::evidence
