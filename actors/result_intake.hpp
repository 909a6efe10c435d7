// Result intake: durable consumer -> batch -> partitions -> durable -> ack. A result is
// acknowledged to the broker only after its fact, or its dead letter, is durable.
#pragma once

#include <caf/all.hpp>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/host.hpp"

namespace bestow::actors {

struct result_intake_state {
  static constexpr const char* name = "intake";
  using group_key = std::pair<std::uint64_t, std::uint16_t>;  ///< promotion, partition
  struct open_batch {
    std::shared_ptr<bus::incoming_batch> batch;
    std::shared_ptr<std::vector<bus::decoded_result>> results;
    std::map<group_key, std::vector<std::uint32_t>> groups;  ///< Not yet durable.
    std::vector<std::pair<std::uint32_t, std::string>> dead;
    unsigned asked{0};  ///< Groups with a request under way.
    bool retry_scheduled{false};
    bool done{false};
  };
  context_ptr context;
  std::deque<open_batch> batches;  ///< In order of delivery; acknowledged in that order.
  std::unique_ptr<bus::consumer> consumer;
};

/// Blocks on the dead-letter stream: spawned detached outside the simulator.
[[nodiscard]] auto run_result_intake(caf::stateful_actor<result_intake_state>* self,
                                     context_ptr context) -> caf::behavior;

}  // namespace bestow::actors
