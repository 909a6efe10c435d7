// Time and randomness as things that are handed in. The only implementations that touch the
// machine live in apps/ (system_clock.hpp); tests and the simulator hand in their own.
#pragma once

#include <chrono>
#include <cstdint>

#include "events/types.hpp"

namespace bestow {

/// Thread-safe. `wall` may jump (an operator sets the clock); `steady` never goes back.
class clock {
 public:
  clock() = default;
  clock(const clock&) = delete;
  auto operator=(const clock&) -> clock& = delete;
  virtual ~clock() = default;
  [[nodiscard]] virtual auto wall() const -> timestamp = 0;
  [[nodiscard]] virtual auto steady() const -> std::chrono::nanoseconds = 0;
};

/// Thread-safe source of uniformly distributed 64-bit numbers.
class randomness {
 public:
  randomness() = default;
  randomness(const randomness&) = delete;
  auto operator=(const randomness&) -> randomness& = delete;
  virtual ~randomness() = default;
  [[nodiscard]] virtual auto next() -> std::uint64_t = 0;
};

/// A clock that moves only when told to. For tests and the simulator. Not thread-safe.
class manual_clock final : public clock {
 public:
  explicit manual_clock(timestamp start) : wall_{start} {}
  [[nodiscard]] auto wall() const -> timestamp override { return wall_; }
  [[nodiscard]] auto steady() const -> std::chrono::nanoseconds override { return steady_; }
  void advance(std::chrono::milliseconds by) {
    wall_.value += by.count();
    steady_ += by;
  }
  /// Sets the wall clock alone, as an operator or NTP does.
  void jump_wall(std::chrono::milliseconds by) { wall_.value += by.count(); }

 private:
  timestamp wall_;
  std::chrono::nanoseconds steady_{0};
};

/// SplitMix64 (public domain algorithm, Steele/Lea/Flood 2014): the same seed, the same numbers.
class seeded_randomness final : public randomness {
 public:
  explicit seeded_randomness(std::uint64_t seed) : state_{seed} {}
  [[nodiscard]] auto next() -> std::uint64_t override {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
  }

 private:
  std::uint64_t state_;
};

}  // namespace bestow
