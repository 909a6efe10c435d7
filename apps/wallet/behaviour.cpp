#include "apps/wallet/behaviour.hpp"

#include <fmt/format.h>
#include <xxhash.h>

namespace bestow::wallet {
namespace {

enum class trait : std::uint8_t { fail = 1, transient, duplicate, early, delay, drop };

/// True for `rate` of all (key, attempt), independently for each trait.
[[nodiscard]] auto happens(double rate, std::uint64_t seed, std::string_view key, trait what,
                           std::uint16_t attempt) -> bool {
  if (rate <= 0) return false;
  const std::uint64_t salt =
      seed * 0x9E3779B97F4A7C15ULL + (static_cast<std::uint64_t>(what) << 16U) + attempt;
  const std::uint64_t h = XXH3_64bits_withSeed(key.data(), key.size(), salt);
  return static_cast<double>(h >> 11U) * 0x1.0p-53 < rate;
}

}  // namespace

auto conduct_of(const behaviour& b, std::string_view key, std::uint16_t attempt) -> conduct {
  conduct c;
  // A permanent failure stays one: the attempt has no part in it.
  c.fail = happens(b.fail, b.seed, key, trait::fail, 0);
  c.transient = !c.fail && happens(b.transient, b.seed, key, trait::transient, attempt);
  c.duplicate = happens(b.duplicate, b.seed, key, trait::duplicate, attempt);
  c.early = happens(b.early, b.seed, key, trait::early, attempt);
  c.delay = !c.early && happens(b.delay, b.seed, key, trait::delay, attempt);
  c.drop = happens(b.drop, b.seed, key, trait::drop, attempt);
  return c;
}

auto transaction_key_of(std::string_view key) -> std::string {
  const XXH128_hash_t h = XXH3_128bits(key.data(), key.size());
  return fmt::format("T{:016x}{:016x}", h.high64, h.low64);
}

}  // namespace bestow::wallet
