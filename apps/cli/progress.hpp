// Progress of long work on stderr: a bar with rate and time left on a terminal, plain lines
// otherwise, nothing with --quiet. Private to apps/cli.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "apps/cli/context.hpp"

namespace bestow::cli {

class progress {
 public:
  /// `total` 0 = not known. `unit` is "B" for bytes (shown as MiB), else a word.
  progress(const context& ctx, std::string what, std::uint64_t total, std::string unit);
  /// Call as often as you like; it draws at most ten times a second, lines every few seconds.
  void update(std::uint64_t done);
  /// Whether anything is on the screen: quick work shows nothing until it is finished.
  [[nodiscard]] auto drawn() const -> bool { return shown_.has_value(); }
  /// Draws the last state and ends the line.
  void finish(std::uint64_t done);

 private:
  void draw(std::uint64_t done, bool last);
  [[nodiscard]] auto amount(std::uint64_t n) const -> std::string;

  const context& ctx_;
  std::string what_;
  std::uint64_t total_;
  std::string unit_;
  std::chrono::steady_clock::time_point started_;
  std::chrono::steady_clock::time_point drawn_;
  std::optional<std::uint64_t> shown_;
};

/// "1:02:03", "2:03", "3 s".
[[nodiscard]] auto short_time(std::chrono::seconds s) -> std::string;

}  // namespace bestow::cli
