// A result that could not be used, with the reason, as it is kept in the dead-letter stream.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bestow::bus {

/// The subject dead letters are published on, inside the dead-letter stream.
inline constexpr std::string_view dead_letter_subject = "bestow.results.dead";

/// {"reason","subject","streamSeq","payload"}; a payload that is not UTF-8 stands as "payloadHex".
[[nodiscard]] auto encode_dead_letter(std::string_view reason, std::string_view subject,
                                      std::uint64_t stream_seq, std::string_view payload)
    -> std::string;

}  // namespace bestow::bus
