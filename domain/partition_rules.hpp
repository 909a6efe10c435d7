// What deciding, folding and saving a partition share. Private to domain/. Pure.
//
// Each partition keeps one byte `seen` per target: which RETRYING and FAILED rows are stored, so
// that an exact repeat is told from news without reading the log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "domain/partition.hpp"

namespace bestow::domain {

/// Bit of partition::states: at least one message of the target is durable on the stream.
inline constexpr std::uint8_t published_bit = 0x80;
inline constexpr std::uint8_t state_mask = 0x0F;
inline constexpr std::uint8_t recall_mask = 0x30;
inline constexpr unsigned recall_shift = 4;

[[nodiscard]] inline auto state_in(std::uint8_t byte) -> target_state {
  return static_cast<target_state>(byte & state_mask);
}

[[nodiscard]] inline auto recall_in(std::uint8_t byte) -> recall_state {
  return static_cast<recall_state>((byte & recall_mask) >> recall_shift);
}

[[nodiscard]] inline auto is_success(target_state s) -> bool {
  return s == target_state::success || s == target_state::success_after_retry;
}

/// Which of a target's attempts a row speaks of, as a shift into its `seen` byte.
enum class spoken_of : std::uint8_t { latest = 0, older = 2, unsaid = 4, beyond = 6 };

/// A row that names no attempt means the first where only one was released.
[[nodiscard]] inline auto attempt_spoken_of(std::uint16_t attempts_released, std::uint16_t attempt)
    -> spoken_of {
  if (attempt == 0) return attempts_released == 1 ? spoken_of::latest : spoken_of::unsaid;
  if (attempt == attempts_released) return spoken_of::latest;
  return attempt < attempts_released ? spoken_of::older : spoken_of::beyond;
}

/// The `seen` bit of a RETRYING or FAILED row. Precondition: status is not success.
[[nodiscard]] inline auto seen_bit(process_status status, spoken_of which) -> std::uint8_t {
  const unsigned bit = status == process_status::retrying ? 0 : 1;
  return static_cast<std::uint8_t>(1U << (static_cast<unsigned>(which) + bit));
}

/// `seen` after another attempt is released: what was the latest is now an older one.
[[nodiscard]] inline auto seen_after_release(std::uint8_t seen) -> std::uint8_t {
  constexpr unsigned pair = 0x3;
  constexpr unsigned older = static_cast<unsigned>(spoken_of::older);
  return static_cast<std::uint8_t>((seen & ~pair) | ((seen & pair) << older));
}

/// What every release of a run has in common, its ordinals put into messages.
[[nodiscard]] auto release_of(release_kind kind, ordinal_ranges ordinals, attempt_no attempt,
                              const run_started& run, timestamp now, const message_room& room,
                              const partition& p) -> targets_released;

/// At most `chars_max` characters of valid UTF-8; what was cut is marked.
[[nodiscard]] auto fit_text(std::string_view text, std::size_t chars_max) -> std::string;

/// XXH3-64, seed 0, of a transaction key. Never 0, which means "none" in the columns.
[[nodiscard]] auto hash_of_key(std::string_view transaction_key) -> std::uint64_t;

}  // namespace bestow::domain
