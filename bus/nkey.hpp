// NATS NKeys: Ed25519 keys as base32 text with a prefix and a checksum. Pure but for reading the
// seed file; thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "events/result.hpp"

namespace bestow::bus {

/// The public user key ("U...") of a user seed ("SU...").
/// @fault bad_config  not the seed of a user; the seed itself is in no message
[[nodiscard]] auto public_key_of_seed(std::string_view seed) -> result<std::string>;
/// Of the first line that begins with "SU": a bare seed or a credentials file.
/// @fault bad_config  the file cannot be read or holds no such line
[[nodiscard]] auto public_key_of_seed_file(const std::string& path) -> result<std::string>;

}  // namespace bestow::bus
