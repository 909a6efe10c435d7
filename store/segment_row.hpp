// What a log remembers of each sealed segment: a row of the table `segments` of every later one.
// The newest segment therefore knows where each position is, and what each file must be, without
// opening it. docs/internals/log_format.md describes the bytes. Private to store/. Pure; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "events/result.hpp"
#include "events/types.hpp"
#include "store/event_log.hpp"

namespace bestow::store {

struct segment_row {
  std::uint32_t number{1};
  position first{};                ///< Of its first event.
  position last{};                 ///< Of its last event.
  std::uint64_t frames{0};         ///< Of it alone.
  std::uint64_t file_bytes{0};     ///< Exact: a sealed file never changes.
  std::uint64_t payload_bytes{0};  ///< Pages that hold frames.
  timestamp first_recorded_at{};
  timestamp recorded_at{};         ///< Of its last frame.
  sha256_digest frame_hash{};      ///< Of its last frame.
  auto operator==(const segment_row&) const -> bool = default;
};

inline constexpr std::size_t segment_row_bytes = 104;

[[nodiscard]] auto encode_row(const segment_row& row) -> std::array<std::byte, segment_row_bytes>;
/// nullopt: wrong length or checksum.
[[nodiscard]] auto decode_row(std::span<const std::byte> bytes) -> std::optional<segment_row>;

/// "00000002.mdb with positions 101 to 250": for a person who looks for the file.
[[nodiscard]] auto describe(const segment_row& row) -> std::string;

/// Where the log stands after these segments, which are all from the first one on.
[[nodiscard]] auto head_after(std::span<const segment_row> rows) -> log_head;
/// The row of the segment that holds the position; null: it is beyond the last of them.
[[nodiscard]] auto row_of(std::span<const segment_row> rows, position at) -> const segment_row*;

/// The file is there with the size it was sealed with. One stat.
/// @fault log_corrupt  missing or of another size; names the file and its positions.
[[nodiscard]] auto check_sealed_file(const std::string& directory, const segment_row& row)
    -> result<void>;

}  // namespace bestow::store
