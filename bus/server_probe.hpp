// Reads the greeting that every NATS server sends first. nats.c 3.4 hides the version in it.
// Threads: free functions; safe everywhere. They block for at most `within`.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "events/result.hpp"

namespace bestow::bus {

struct server_greeting {
  std::string version;
  std::string server_name;
  bool jetstream{false};
};

struct host_and_port {
  std::string host;
  std::uint16_t port{0};
};
/// The address in `nats://user:password@host:port`; port 4222 when none is given.
[[nodiscard]] auto address_of(std::string_view url) -> host_and_port;

/// "2.9.10" before "2.10.1"; what follows the numbers ("-RC.1") counts for nothing.
[[nodiscard]] auto version_less(std::string_view a, std::string_view b) -> bool;

/// Connects to `address`, reads its INFO line and closes.
/// @fault broker_unavailable  no answer in time, or not a NATS server
[[nodiscard]] auto read_greeting(const host_and_port& address, std::chrono::milliseconds within)
    -> result<server_greeting>;

}  // namespace bestow::bus
