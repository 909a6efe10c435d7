// What a stream holds beyond the log, read back as the releases it must have come from: what
// `nats adopt` rests on. Changes nothing and needs no actor.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "actors/engine.hpp"
#include "domain/rejection.hpp"
#include "events/partition.hpp"

namespace bestow::actors {

struct adoption {
  std::uint64_t first_seq{0};
  std::uint64_t last_seq{0};
  std::vector<targets_released> releases;  ///< In stream order; run 0: the stream does not say it.
};

/// Every message behind the plan's last one, proved to be what its release would make of this log's
/// sealed lists, byte for byte. Whether the releases are the next ones is the partitions' to say.
/// Or why not, and which message: stream_is_not_ahead, stream_belongs_to_another,
/// stream_cannot_be_adopted. Blocks for some 10 us a message.
/// @fault broker_unavailable, broker_access_refused, log_corrupt
[[nodiscard]] auto read_adoption(const engine_parts& parts, promotion_type type,
                                 const bus::stream_config& wanted)
    -> result<std::variant<adoption, domain::refusal>>;

}  // namespace bestow::actors
