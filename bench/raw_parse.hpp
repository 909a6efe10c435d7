// The raw limit of reading a list: the parser and the rules of a row, without engine and log.
#pragma once

#include <cstdint>
#include <string_view>

#include "events/types.hpp"

namespace bestow::bench {

/// Reads a CSV in pieces of 1 MiB. @returns rows that are good. Ends the program when the input or
/// its header is refused.
[[nodiscard]] auto parse_alone(std::string_view csv, promotion_type type, timestamp now)
    -> std::uint64_t;

}  // namespace bestow::bench
