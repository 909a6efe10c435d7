#include "apps/system/system_clock.hpp"

#include <sys/random.h>
#include <cerrno>

#include "events/assert.hpp"

namespace bestow::apps {

auto system_clock::wall() const -> timestamp {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::milliseconds>(since).count()};
}

auto system_clock::steady() const -> std::chrono::nanoseconds {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

auto system_randomness::next() -> std::uint64_t {
  std::uint64_t value = 0;
  ssize_t got = 0;
  do {
    got = getrandom(&value, sizeof value, 0);
  } while (got < 0 && errno == EINTR);
  BESTOW_ASSERT(got == static_cast<ssize_t>(sizeof value));
  return value;
}

}  // namespace bestow::apps
