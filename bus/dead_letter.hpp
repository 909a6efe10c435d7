// A result that could not be used, with the reason, as it is kept in the dead-letter stream; and
// the note that a letter was tried again and is settled.
//
// Promise: what is encoded always fits the broker's limit, so that a letter can always be kept.
// Pure; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "events/types.hpp"

namespace bestow::bus {

/// The subject dead letters are published on, inside the dead-letter stream.
inline constexpr std::string_view dead_letter_subject = "bestow.results.dead";

using message_headers = std::vector<std::pair<std::string, std::string>>;

struct dead_letter {
  std::string reason;
  std::string subject;          ///< Of the original message.
  std::uint64_t stream_seq{0};  ///< Of the original in the result stream.
  timestamp at{};               ///< When it was given up.
  message_headers headers;      ///< Of the original; at most limits::dead_letter_headers_max.
  std::uint64_t retry_of{0};    ///< The letter whose retry this is; 0 = none.
  std::string payload;          ///< Of the original, byte for byte.
  std::uint64_t payload_bytes{0};  ///< More than payload holds when it was cut to fit.
  /// Not a letter but a note: letter `retry_of` was tried again and its result is recorded.
  bool accepted{false};
};

/// {"reason","subject","streamSeq","at","headers","retryOf","payloadBytes","payload"}; a payload
/// that is not UTF-8 stands as "payloadHex". A note: {"accepted":true,"retryOf","at"}. The payload
/// is cut where the whole would exceed `bytes_max` (0 = no bound).
[[nodiscard]] auto encode_dead_letter(const dead_letter& letter, std::size_t bytes_max)
    -> std::string;
/// False: not what encode_dead_letter writes; `out` is then unspecified.
[[nodiscard]] auto decode_dead_letter(std::string_view json, dead_letter& out) -> bool;

}  // namespace bestow::bus
