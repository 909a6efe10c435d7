// What a backup holds, and how to tell that it is whole: manifest.json beside the copies.
// docs/guides/backup.md describes it. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "events/result.hpp"
#include "events/types.hpp"

namespace bestow::evidence {

inline constexpr std::string_view manifest_name = "manifest.json";

struct manifest_file {
  std::string path;  ///< Relative to the backup's directory, with '/'.
  std::uint64_t bytes{0};
  sha256_digest sha256{};
  auto operator==(const manifest_file&) const -> bool = default;
};

struct manifest {
  std::string version;  ///< Of the program that made it.
  timestamp made_at{};
  std::string log_id;
  std::uint32_t epoch{1};
  std::uint32_t incarnation{1};
  position head{};
  sha256_digest head_hash{};  ///< Of the last frame.
  std::uint64_t frames{0};
  std::vector<manifest_file> files;  ///< All but the manifest, ascending by path.

  [[nodiscard]] auto bytes() const -> std::uint64_t;
  auto operator==(const manifest&) const -> bool = default;
};

/// Indented JSON with a last line feed; the same manifest always gives the same bytes.
[[nodiscard]] auto to_json(const manifest& m) -> std::string;
/// Reads what to_json wrote. Paths outside log/ and rejects/, or that lead elsewhere, are refused.
/// @fault log_corrupt          not a manifest; says what is wrong
/// @fault log_version_unknown  of a newer format
[[nodiscard]] auto parse_manifest(std::string_view text) -> result<manifest>;

}  // namespace bestow::evidence
