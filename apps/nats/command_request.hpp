// One message of NATS as one request of HTTP, and its response as one message. Nothing is decided
// here: token, role, fields and rules are those of apps/http.
//
// Thread-safe; answer_command blocks while the engine works.
#pragma once

#include <string_view>

#include "apps/http/http_types.hpp"
#include "apps/nats/command_table.hpp"
#include "bus/responder.hpp"

namespace bestow::commands {

/// The field that holds CSV or NDJSON where a command that takes rows is sent as JSON.
inline constexpr std::string_view rows_field = "rows";

/// Answers the command: checks the sender, turns the message into a request, runs its route.
/// Never throws.
[[nodiscard]] auto answer_command(const http::http_parts& parts, const command& what,
                                  const bus::request_message& message) -> http::response;
/// The answer to a subject that is no command. `name` is what follows the prefix.
[[nodiscard]] auto unknown_command(std::string_view name) -> http::response;
/// The answer to a command that was not looked at.
[[nodiscard]] auto overloaded() -> http::response;
/// The response as a message of at most `bytes_max` payload; a larger one becomes the problem
/// answer_too_large.
[[nodiscard]] auto reply_of(http::response answer, std::size_t bytes_max) -> bus::reply_message;

}  // namespace bestow::commands
