// Seeded misbehaviour of the paying service.
//
// Promise: what happens to a grant is a pure function of (seed, idempotency key, attempt), so a
// wallet that was killed and started again does to every grant what it would have done anyway.
// Threads: pure; safe everywhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace bestow::wallet {

/// Rates are shares of all grants, 0..1.
struct behaviour {
  std::uint64_t seed{0};
  double fail{0};       ///< FAILED for ever, nothing is paid.
  double transient{0};  ///< RETRYING first, then SUCCESS.
  double duplicate{0};  ///< The final result is sent twice.
  double early{0};      ///< The result is sent before the ledger knows of it.
  double delay{0};      ///< The final result is held back for `delay_by`.
  double drop{0};       ///< Paid, but no result is ever sent.
  std::chrono::milliseconds delay_by{500};
};

/// What happens to one attempt of one grant.
struct conduct {
  bool fail{false};
  bool transient{false};
  bool duplicate{false};
  bool early{false};
  bool delay{false};
  bool drop{false};
};
[[nodiscard]] auto conduct_of(const behaviour& b, std::string_view idempotency_key,
                              std::uint16_t attempt) -> conduct;

/// The payment's key, 33 characters: the same grant always gets the same one.
[[nodiscard]] auto transaction_key_of(std::string_view idempotency_key) -> std::string;

}  // namespace bestow::wallet
