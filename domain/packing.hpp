// How released targets are put into messages: the one rule that says how many messages a release
// is. Its outcome stands in targets_released, so encoders, publishers and readers only follow it.
//
// Pure: the sizes come in as data. Thread-agnostic.
#pragma once

#include <cstdint>
#include <functional>

#include "events/columns.hpp"
#include "events/partition.hpp"
#include "events/types.hpp"

namespace bestow::domain {

/// How much one message may hold.
struct message_room {
  std::uint64_t bytes_max{0};  ///< For the grants of one message; 0 = no bound.
  /// The most bytes a target's grant can take. Asked only with a bound.
  std::function<std::uint64_t(target_ordinal)> bytes_of;
};

/// Grants of each message, in the order of `targets`: as many as fit into `grants_max` and into the
/// room, at least one. Empty when each message has one. Cost: linear in the targets with a bound.
[[nodiscard]] auto pack(const ordinal_ranges& targets, std::uint32_t grants_max,
                        const message_room& room) -> u64_column;

/// Fills in message_grants and message_count from the ordinals.
void pack(targets_released& release, std::uint32_t grants_max, const message_room& room);

}  // namespace bestow::domain
