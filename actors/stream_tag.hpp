// Whose a JetStream stream is: the log and the generation that its first message and its
// description name. The description outlives a purge. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bestow::actors {

struct stream_tag {
  std::string log_id;
  std::uint32_t generation{1};
  bool operator==(const stream_tag&) const = default;
};

/// `{"log_id":"<32 hex digits>","generation":1}`: the stream's first message.
[[nodiscard]] auto identity_message(const stream_tag& tag) -> std::string;
/// nullopt: not an identity message.
[[nodiscard]] auto parse_identity(std::string_view payload) -> std::optional<stream_tag>;

/// `bestow log <32 hex digits> generation 1`.
[[nodiscard]] auto stream_description(const stream_tag& tag) -> std::string;
/// nullopt: somebody else's words.
[[nodiscard]] auto parse_description(std::string_view text) -> std::optional<stream_tag>;

}  // namespace bestow::actors
