// What JetStream answers to a publish, and the numbers in a delivered message's reply subject.
// Pure; thread-safe. The bytes come from the network: anything unreadable is an error, never a
// guess.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bestow::bus {

/// error_code 0 = stored at `seq`; ack_lost = the answer could not be read.
struct pub_ack {
  std::uint64_t seq{0};
  int error_code{0};
  std::string error;
  bool duplicate{false};
};
[[nodiscard]] auto parse_pub_ack(std::string_view json) -> pub_ack;

/// From `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time>.<pending>`, or
/// the longer form with domain and account.
struct delivery_numbers {
  std::uint64_t stream_seq{0};
  std::uint64_t consumer_seq{0};
  std::uint64_t pending{0};  ///< Messages behind this one when it was sent.
};
[[nodiscard]] auto parse_delivery(std::string_view reply) -> std::optional<delivery_numbers>;

}  // namespace bestow::bus
