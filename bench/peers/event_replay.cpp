#include "bench/peers/event_replay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "apps/measure/inputs.hpp"
#include "events/clock.hpp"

namespace bestow::bench {
namespace {

constexpr std::uint64_t chunk = 1'000;

}  // namespace

void visit_lives(const lives& wanted, const std::function<void(const life_row&)>& visit) {
  seeded_randomness keys{wanted.seed};
  for (std::uint64_t from = 0; from < wanted.targets; from += chunk) {
    const auto to = std::min(from + chunk, wanted.targets);
    for (auto row = from; row < to; ++row) visit({row + 1, 0, "target_released", ""});
    for (auto row = from; row < to; ++row) visit({row + 1, 1, "grant_published", ""});
    for (auto row = from; row < to; ++row) {
      const auto given = measure::amount_of(wanted.seed, row);
      const auto high = keys.next();
      visit({row + 1, 2, "result_recorded",
             fmt::format("{} T{:016x}{:016x}", given != 0 ? given : measure::default_amount, high,
                         keys.next())});
    }
  }
}

void summary::apply(std::string_view type, std::string_view payload) {
  if (type == "target_released") {
    ++released;
  } else if (type == "grant_published") {
    ++published;
  } else if (type == "result_recorded") {
    std::uint64_t amount = 0;
    const auto end = std::from_chars(payload.data(), payload.data() + payload.size(), amount).ptr;
    require(end != payload.data() + payload.size() && *end == ' ', "a payload of a peer is broken");
    ++success;
    success_amount += amount;
  } else {
    give_up("a fact of a peer has another type");
  }
}

}  // namespace bestow::bench
