// A paying service from one seed: answers grants late, twice, out of order, with retries and
// contradictions, and remembers what the end must be. An independent model: it shares no code with
// the rules it checks.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "bus/grant_wire.hpp"
#include "bus/memory_bus.hpp"
#include "events/clock.hpp"

namespace bestow::tests {

class payer_model {
 public:
  payer_model(std::shared_ptr<bus::memory_broker> broker, seeded_randomness& random);

  /// Reads new grants and plans answers; sends some of the planned ones, in random order.
  void work(timestamp now);
  /// Sends everything that is planned.
  void flush(timestamp now);
  [[nodiscard]] auto idle() const -> bool { return planned_.empty(); }

  /// Targets whose final answer must be SUCCESS, and how many distinct second keys were sent.
  [[nodiscard]] auto paid() const -> const std::set<std::uint64_t>& { return paid_; }
  [[nodiscard]] auto answered() const -> const std::set<std::uint64_t>& { return answered_; }
  /// "" or what is wrong with the grants themselves.
  [[nodiscard]] auto problem() const -> const std::string& { return problem_; }
  [[nodiscard]] auto double_grants() const -> std::uint64_t { return double_grants_; }

 private:
  void take_new_grants();
  void plan(const bus::decoded_grant& grant);
  void send(const bus::decoded_result& r, timestamp now);

  bus::memory_bus link_;
  seeded_randomness& random_;
  std::uint64_t seen_{1};
  std::vector<std::deque<bus::decoded_result>> planned_;  ///< Per target, in causal order.
  std::set<std::uint64_t> paid_;
  std::set<std::uint64_t> answered_;
  std::set<std::uint64_t> customers_;
  std::string problem_;
  std::uint64_t double_grants_{0};
};

}  // namespace bestow::tests
