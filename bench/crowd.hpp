// Clients that each wait for an answer before they ask again.
//
// Threads: the main thread; one more for each client while run_crowd blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "bench/harness.hpp"

namespace bestow::bench {

struct crowd_result {
  elapsed took;
  std::vector<float> milliseconds;  ///< Of each command, in no order.
};

/// Gives command n of [first, first + count) to `clients` threads; command(client, n) blocks for
/// the answer. Each client asks for its next one when it has been answered.
[[nodiscard]] auto run_crowd(unsigned clients, std::uint64_t first, std::uint64_t count,
                             int server_pid,
                             const std::function<void(unsigned, std::uint64_t)>& command)
    -> crowd_result;

/// Sets <prefix>_commands_per_second and the latencies.
void set_crowd(figures& f, const std::string& prefix, const crowd_result& r);

}  // namespace bestow::bench
