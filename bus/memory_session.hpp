// What a memory_bus and its consumers share. Private to bus/memory_bus.cpp and memory_respond.cpp.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "bus/memory_bus.hpp"

namespace bestow::bus {

/// One consumer of this client. Guarded by the session's mutex but for `delivering`.
struct consumer_link {
  consumer_config config;
  std::function<void(incoming_batch)> sink;
  std::mutex delivering;  ///< Held while the sink runs: closing waits for it.
  bool open{true};
  unsigned credit{0};
  std::uint64_t next_token{1};
  std::map<std::uint64_t, std::vector<std::uint64_t>> unacked;  ///< Token -> sequences.

  /// Gives back what was handed out and not acknowledged. Tokens stay valid for a late ack.
  void hand_back(memory_broker& broker) const {
    for (const auto& [token, seqs] : unacked) broker.redeliver(config, seqs);
  }
};

struct memory_bus::session {
  std::shared_ptr<memory_broker> broker;
  memory_bus_options options;
  std::mutex mutex;
  bool connected{true};
  std::function<void(link_state)> link_handler;
  std::function<void(const chunk_ack&)> ack_handler;
  std::deque<memory_flight> flights;
  std::deque<chunk_ack> acks;
  std::list<std::uint64_t> unheard;  ///< Tokens of chunks whose ack the client has not heard.
  std::vector<std::shared_ptr<consumer_link>> links;
  std::size_t acks_to_drop{0};
  std::size_t calls_to_fail{0};
  std::size_t publish_acks_to_lose{0};
  std::size_t batches_to_reorder{0};

  /// Lets the oldest message in flight arrive.
  void land_one() {
    const memory_flight flight = std::move(flights.front());
    flights.pop_front();
    auto stored = broker->store(flight.chunk->subject, flight.chunk->message(flight.index),
                                flight.expected_last, flight.fence);
    if (flight.index + 1 != flight.chunk->size()) return;
    if (acks_to_drop > 0) {
      --acks_to_drop;
      return;
    }
    acks.push_back({flight.token, stored.seq, stored.error_code, std::move(stored.error)});
  }

  /// A call that waits for an answer: refused while disconnected or told to fail.
  [[nodiscard]] auto begin_call(std::string_view operation) -> result<void> {
    const std::lock_guard lock{mutex};
    if (!connected) return fail(fault_code::broker_unavailable, operation, "not connected");
    if (calls_to_fail == 0) return {};
    --calls_to_fail;
    return fail(fault_code::broker_unavailable, operation, "no answer in time");
  }
};

}  // namespace bestow::bus
