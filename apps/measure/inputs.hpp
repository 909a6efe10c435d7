// Lists of targets to import, made in memory. The same seed gives the same bytes.
//
// Shape: ids given and ascending, customers in random order and each once, most rows with the
// promotion's default amount, a quarter with a round one, one in twenty with an odd one, one in ten
// with a reason of its own. No bad rows. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "events/promotion.hpp"

namespace bestow::measure {

inline constexpr std::uint64_t default_amount = 10'000;

struct target_input {
  std::string csv;
  std::uint64_t count{0};
  std::uint64_t amount{0};  ///< Sum, defaults filled in.
};
[[nodiscard]] auto make_input(promotion_type type, std::uint64_t count, std::uint64_t seed)
    -> target_input;

/// The promotion such a list belongs to.
[[nodiscard]] auto make_promotion(promotion_type type, std::uint32_t partitions)
    -> promotion_created;

/// Customer of row `row`: each once, in random order, below 2^40.
[[nodiscard]] auto customer_of(std::uint64_t seed, std::uint64_t row) -> std::uint64_t;
/// Amount of row `row` in minor units; 0 = the promotion's default.
[[nodiscard]] auto amount_of(std::uint64_t seed, std::uint64_t row) -> std::uint64_t;

}  // namespace bestow::measure
