// What every measurement of publishing needs: a promotion ready to start, the wait for its last
// grants_published, and the look at the stream that makes a run count.
//
// Threads: the main thread only.
#pragma once

#include <cstdint>
#include <string>

#include "apps/measure/inputs.hpp"
#include "apps/measure/trouble.hpp"
#include "apps/measure/world.hpp"

namespace bestow::measure {

inline constexpr std::uint32_t publishing_partitions = 16;

/// A point promotion of 16 partitions with the list imported, sealed and approved, and every
/// view at that point.
[[nodiscard]] auto prepare_promotion(world& w, const target_input& in) -> outcome<promotion_id>;

/// Blocks until the log says behind `after` that `targets` are published.
/// @returns the peak of anonymous memory; void when it stands still for two minutes
[[nodiscard]] auto wait_published(world& w, position after, std::uint64_t targets,
                                  grant_wire wire = grant_wire::single) -> outcome<std::uint64_t>;

struct stream_content {
  std::uint64_t messages{0};
  std::uint64_t bytes{0};  ///< Of their payloads.
};

/// Void unless the stream holds from `first` on, and to its end, every target exactly once, in order
/// within its partition, with its amount; on either wire.
[[nodiscard]] auto check_stream(bus::message_bus& messages, const std::string& stream,
                                std::uint64_t first, const target_input& in)
    -> outcome<stream_content>;

}  // namespace bestow::measure
