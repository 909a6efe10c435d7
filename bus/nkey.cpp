#include "bus/nkey.hpp"

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace bestow::bus {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::uint8_t prefix_seed = 18U << 3U;  // S
constexpr std::uint8_t prefix_user = 20U << 3U;  // U
constexpr std::size_t key_bytes = 32;
constexpr std::size_t checksum_bytes = 2;

[[nodiscard]] auto from_base32(std::string_view text) -> std::optional<std::vector<std::uint8_t>> {
  std::vector<std::uint8_t> out;
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const auto value = alphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 5U) | static_cast<std::uint32_t>(value);
    held += 5;
    if (held < 8) continue;
    held -= 8;
    out.push_back(static_cast<std::uint8_t>(bits >> held));
    bits &= (1U << held) - 1;
  }
  return out;
}

[[nodiscard]] auto to_base32(std::span<const std::uint8_t> bytes) -> std::string {
  std::string out;
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const auto byte : bytes) {
    bits = (bits << 8U) | byte;
    held += 8;
    while (held >= 5) {
      held -= 5;
      out.push_back(alphabet[(bits >> held) & 31U]);
    }
    bits &= (1U << held) - 1;
  }
  if (held > 0) out.push_back(alphabet[(bits << (5U - held)) & 31U]);
  return out;
}

/// CRC-16/XMODEM.
[[nodiscard]] auto checksum(std::span<const std::uint8_t> bytes) -> std::uint16_t {
  std::uint16_t crc = 0;
  for (const auto byte : bytes) {
    crc = static_cast<std::uint16_t>(crc ^ (byte << 8U));
    for (int i = 0; i < 8; ++i) {
      const bool carry = (crc & 0x8000U) != 0;
      crc = static_cast<std::uint16_t>(crc << 1U);
      if (carry) crc ^= 0x1021U;
    }
  }
  return crc;
}

using private_key = std::array<std::uint8_t, key_bytes>;

/// The seed behind two prefix bytes: kind S with the type folded in, five bits over both.
[[nodiscard]] auto user_key_in(std::string_view seed) -> std::optional<private_key> {
  constexpr std::size_t seed_chars = 58;
  if (seed.size() != seed_chars) return std::nullopt;
  const auto bytes = from_base32(seed);
  if (!bytes || bytes->size() != 2 + key_bytes + checksum_bytes) return std::nullopt;
  const std::span<const std::uint8_t> all{*bytes};
  const auto body = all.first(2 + key_bytes);
  const auto sum = static_cast<std::uint16_t>(all[body.size()] | (all[body.size() + 1] << 8U));
  if (sum != checksum(body)) return std::nullopt;
  const auto kind = static_cast<std::uint8_t>(all[0] & 0xF8U);
  const auto type = static_cast<std::uint8_t>(((all[0] & 7U) << 5U) | ((all[1] & 0xF8U) >> 3U));
  if (kind != prefix_seed || type != prefix_user) return std::nullopt;
  private_key out;
  std::copy(body.begin() + 2, body.end(), out.begin());
  return out;
}

}  // namespace

auto public_key_of_seed(std::string_view seed) -> result<std::string> {
  const auto secret = user_key_in(seed);
  if (!secret) return fail(fault_code::bad_config, "nkey", "not the NKey seed of a user (SU...)");
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, secret->data(), secret->size()),
      &EVP_PKEY_free};
  std::vector<std::uint8_t> out{prefix_user};
  out.resize(1 + key_bytes);
  std::size_t size = key_bytes;
  if (!key || EVP_PKEY_get_raw_public_key(key.get(), out.data() + 1, &size) != 1)
    return fail(fault_code::bad_config, "nkey", "Ed25519 is not available");
  const auto sum = checksum(out);
  out.push_back(static_cast<std::uint8_t>(sum & 0xFFU));
  out.push_back(static_cast<std::uint8_t>(sum >> 8U));
  return to_base32(out);
}

auto public_key_of_seed_file(const std::string& path) -> result<std::string> {
  std::ifstream file{path};
  if (!file) return fail(fault_code::bad_config, "nkey", "cannot read " + path);
  for (std::string line; std::getline(file, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.starts_with("SU")) return public_key_of_seed(line);
  }
  return fail(fault_code::bad_config, "nkey", path + " holds no line that begins with SU");
}

}  // namespace bestow::bus
