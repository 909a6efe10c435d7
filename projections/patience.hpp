// How long a read may take, and whether anyone still waits for it.
//
// Promise: a read that asks at every fact and at every call of the log ends within its time, give
// or take one fact or one bounded call. Threads: one at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <variant>

#include "events/result.hpp"

namespace bestow::projections {

/// Why there is no answer now.
enum class read_refusal : std::uint8_t {
  busy,            ///< As many as are allowed are at work.
  takes_too_long,  ///< The time that it may take has passed.
  stopping,        ///< The caller's `go_on` said no.
};
using refused_read = std::variant<read_refusal, fault>;

class patience {
 public:
  /// `go_on` is asked often: it must be quick. False ends the read.
  patience(std::chrono::steady_clock::time_point until, std::function<bool()> go_on)
      : until_{until}, go_on_{std::move(go_on)} {}
  /// Why the read must end now; nullopt: it may go on. Cost: the clock and one call of `go_on`.
  [[nodiscard]] auto lost() const -> std::optional<read_refusal> {
    if (!go_on_()) return read_refusal::stopping;
    if (std::chrono::steady_clock::now() > until_) return read_refusal::takes_too_long;
    return std::nullopt;
  }

 private:
  std::chrono::steady_clock::time_point until_;
  std::function<bool()> go_on_;
};

}  // namespace bestow::projections
