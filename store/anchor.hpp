// The anchor: the log's head as it was, in a small text file outside the log, so that a log that
// was cut short, rolled back or exchanged is noticed at start.
//
// Promise: an anchor never names what was not durable in the log when it was written.
// Pure but for the file; one writer at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "events/result.hpp"
#include "events/types.hpp"

namespace bestow::store {

struct log_anchor {
  std::string log_id;
  position at{};
  sha256_digest frame_hash{};  ///< Of the frame that ends at `at`.
  std::uint64_t frames{0};
  auto operator==(const log_anchor&) const -> bool = default;
};

/// nullopt when there is none. @fault log_corrupt  the file is not an anchor; log_io_failed.
[[nodiscard]] auto read_anchor(const std::string& directory) -> result<std::optional<log_anchor>>;
/// Replaces it atomically and durably: one fsync. @fault log_io_failed  the old one stands.
[[nodiscard]] auto write_anchor(const std::string& directory, const log_anchor& anchor)
    -> result<void>;

}  // namespace bestow::store
