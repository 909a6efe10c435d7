// The machine's time and randomness: the only implementations that touch them.
// Thread-safe.
#pragma once

#include "events/clock.hpp"

namespace bestow::apps {

class system_clock final : public clock {
 public:
  [[nodiscard]] auto wall() const -> timestamp override;
  [[nodiscard]] auto steady() const -> std::chrono::nanoseconds override;
};

/// getrandom(2). Ends the process when the kernel gives no randomness: nothing could be trusted.
class system_randomness final : public randomness {
 public:
  [[nodiscard]] auto next() -> std::uint64_t override;
};

}  // namespace bestow::apps
