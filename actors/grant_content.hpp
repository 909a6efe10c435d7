// What the log plans for the stream: the messages of a release, as a pure function of the log.
// The publisher sends them, recovery compares them, reconciliation checks them.
// Thread-safe: no state.
#pragma once

#include <cstdint>

#include "bus/bus.hpp"
#include "bus/grant_wire.hpp"
#include "events/partition.hpp"
#include "store/target_list.hpp"

namespace bestow::actors {

[[nodiscard]] auto fields_of(const store::target_list& list, partition_no k, target_ordinal ordinal)
    -> bus::grant_fields;

/// Messages [first, first + count) of the release, byte-exact. Precondition: first + count <=
/// release.message_count. Cost: about 0.3 us a grant.
[[nodiscard]] auto encode_release(const targets_released& release, const store::target_list& list,
                                  std::uint32_t first, std::uint32_t count)
    -> bus::outgoing_chunk;

}  // namespace bestow::actors
