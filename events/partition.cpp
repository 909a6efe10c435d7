#include "events/partition.hpp"

#include "events/assert.hpp"

namespace bestow {

auto grants_before(const targets_released& e, std::uint32_t message) -> std::uint64_t {
  BESTOW_ASSERT(message <= e.message_count);
  if (e.message_grants.empty()) return message;
  std::uint64_t grants = 0;
  for (std::uint32_t i = 0; i < message; ++i) grants += e.message_grants[i];
  return grants;
}

auto grants_of(const targets_released& e, std::uint32_t message) -> std::uint32_t {
  BESTOW_ASSERT(message < e.message_count);
  return e.message_grants.empty() ? 1U : static_cast<std::uint32_t>(e.message_grants[message]);
}

auto message_of(const targets_released& e, std::uint64_t grant) -> std::uint32_t {
  BESTOW_ASSERT(grant < e.ordinals.size());
  if (e.message_grants.empty()) return static_cast<std::uint32_t>(grant);
  std::uint32_t message = 0;
  for (auto end = e.message_grants[0]; end <= grant; end += e.message_grants[message]) ++message;
  return message;
}

}  // namespace bestow
