// A paying service from one seed: answers grants late, twice, out of order, with retries and
// contradictions, or not at all, takes back what is recalled, and remembers what the end must be.
// An independent model: it shares no code with the rules it checks.
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

/// What may happen in a life.
struct payer_habits {
  bool may_drop{false};         ///< Leaves an attempt without a final answer.
  bool names_attempts{false};   ///< Always: an unnamed one means nothing once there are several.
};

class payer_model {
 public:
  payer_model(std::shared_ptr<bus::memory_broker> broker, seeded_randomness& random,
              payer_habits habits);

  /// Reads new grants and plans answers; sends some of the planned ones, in random order.
  void work(timestamp now);
  /// Sends everything that is planned.
  void flush(timestamp now);
  [[nodiscard]] auto idle() const -> bool { return planned_.empty(); }

  /// What a target must come to when every answer has been heard.
  enum class end : std::uint8_t { success, failed, unknown };
  struct account {
    std::uint16_t attempts{0};
    bool paid{false};
    bool refused{false};         ///< The latest attempt was answered FAILED.
    bool paid_twice{false};      ///< Said SUCCESS under a second key.
    std::uint32_t recall{0};     ///< The latest.
    bool taken_back{false};
    bool recall_refused{false};  ///< The latest recall was answered FAILED.
  };
  [[nodiscard]] auto end_of(const account& a) const -> end;
  /// Every target that was granted, by id.
  [[nodiscard]] auto accounts() const -> const std::map<std::uint64_t, account>& {
    return accounts_;
  }
  /// "" or what is wrong with the grants themselves.
  [[nodiscard]] auto problem() const -> const std::string& { return problem_; }

 private:
  using answers = std::deque<bus::decoded_result>;
  void take_new_grants();
  void plan_grant(const bus::decoded_grant& grant);
  void plan_recall(const bus::decoded_grant& grant);
  void check(const bus::decoded_grant& grant, const account& a);
  void send(const bus::decoded_result& r, timestamp now);

  bus::memory_bus link_;
  seeded_randomness& random_;
  const payer_habits habits_;
  std::uint64_t seen_{1};
  std::vector<answers> planned_;  ///< Per message, in causal order.
  std::map<std::uint64_t, account> accounts_;
  std::map<std::uint64_t, std::uint64_t> customers_;  ///< Target that was granted to each.
  std::string problem_;
};

}  // namespace bestow::tests
