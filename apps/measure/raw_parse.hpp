// The raw limit of reading a list: the parser and the rules of a row, without engine and log.
#pragma once

#include <cstdint>
#include <string_view>

#include "apps/measure/trouble.hpp"
#include "events/types.hpp"

namespace bestow::measure {

/// Reads a CSV in pieces of 1 MiB. @returns rows that are good; void when the input or its header
/// is refused. Threads: any.
[[nodiscard]] auto parse_alone(std::string_view csv, promotion_type type, timestamp now)
    -> outcome<std::uint64_t>;

}  // namespace bestow::measure
