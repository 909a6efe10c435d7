// JetStream's error codes as Bestow reads them. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "events/result.hpp"

namespace bestow::bus {

/// Nats-Expected-Last-Sequence did not hold.
inline constexpr int js_wrong_last_sequence = 10071;
/// Nats-Expected-Last-Msg-Id did not hold: another writer was here.
inline constexpr int js_wrong_last_id = 10070;
/// The stream's limits or the disk refused the message.
inline constexpr int js_store_failed = 10077;
inline constexpr int js_insufficient_resources = 10023;
inline constexpr int js_storage_exceeded = 10047;
inline constexpr int js_stream_not_found = 10059;
inline constexpr int js_consumer_not_found = 10014;
inline constexpr int js_message_not_found = 10037;
/// Nobody answers at the subject: no such stream, or JetStream is still starting.
inline constexpr int nats_no_responders = 503;
/// Ours, in chunk_ack: the acknowledgement was lost with the connection; the outcome is unknown.
inline constexpr int ack_lost = -1;
/// Ours: the broker has a message of this id and stored nothing.
inline constexpr int ack_duplicate = -2;

/// `<writer>.<sequence>`: the id of a fenced message.
[[nodiscard]] auto message_id(std::string_view writer, std::uint64_t seq) -> std::string;

/// The fault for a refused publish.
[[nodiscard]] auto publish_fault(int code, const std::string& text) -> tl::unexpected<fault>;
/// The fault for a stream that is not there.
[[nodiscard]] auto no_such_stream(std::string_view operation, const std::string& stream)
    -> tl::unexpected<fault>;

}  // namespace bestow::bus
