// What the publishing benchmarks share: a promotion ready to start, the wait for its last
// grants_published, and the look at the stream that makes a run count.
//
// Threads: the main thread only.
#pragma once

#include <cstdint>
#include <string>

#include "bench/inputs.hpp"
#include "bench/world.hpp"

namespace bestow::bench {

inline constexpr std::uint32_t publishing_partitions = 16;

/// A point promotion of 16 partitions with the list imported, sealed and approved, and every
/// view at that point.
[[nodiscard]] auto prepare_promotion(world& w, const target_input& in) -> promotion_id;

/// Blocks until the log says behind `after` that `targets` are published, each in a message of its
/// own. @returns the peak of anonymous memory
auto wait_published(world& w, position after, std::uint64_t targets) -> std::uint64_t;

/// Ends the program unless the stream holds from `first` on, and to its end, every target exactly
/// once, in order within its partition, with its amount.
void check_stream(bus::message_bus& messages, const std::string& stream, std::uint64_t first,
                  const target_input& in);

}  // namespace bestow::bench
