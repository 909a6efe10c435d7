// Clients that ask one after the other and wait for each answer, many at once; and the wishes that
// single commands are made of.
//
// Threads: the caller's; a crowd has one thread for each client, gone when it returns.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "apps/measure/stopwatch.hpp"
#include "apps/measure/trouble.hpp"
#include "events/types.hpp"

namespace bestow::measure {

struct crowd_plan {
  unsigned clients{1};
  std::uint64_t first{0};
  std::uint64_t count{0};
  /// No client asks again after this.
  std::chrono::milliseconds within{std::chrono::hours{24}};
  int server_pid{0};  ///< Whose CPU time is taken too; 0 = none.
};
struct crowd_result {
  elapsed took;
  std::vector<float> milliseconds;  ///< Of each command; as many as were given.
};
/// Gives commands first, first + 1, ... to the clients, at most `count`; command(client, n) blocks
/// for the answer. Those given are [first, first + milliseconds.size()), each once. The first trouble
/// ends the crowd.
[[nodiscard]] auto run_crowd(const crowd_plan& plan,
                             const std::function<outcome<void>(unsigned, std::uint64_t)>& command)
    -> outcome<crowd_result>;

/// Wish n moves the start of a promotion to a time of its own, so none is answered as a repeat: one
/// second apart, from 2090 on.
[[nodiscard]] auto wished_start(std::uint64_t n) -> timestamp;
/// Which of `promotions` promotions wish n is for: ids from 1 on.
[[nodiscard]] auto wished_promotion(std::uint64_t n, std::uint64_t promotions) -> promotion_id;
/// The log of a data directory that nobody has open holds wishes [0, count), each once and at its
/// promotion, and its chain is whole.
[[nodiscard]] auto check_wishes(const std::string& directory, std::uint64_t promotions,
                                std::uint64_t count) -> outcome<void>;

}  // namespace bestow::measure
