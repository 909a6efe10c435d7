// Who calls, and whether they may: tokens by hash, origins, hosts. Thread-safe; pure.
#pragma once

#include <optional>

#include "apps/http/http_types.hpp"
#include "apps/http/route.hpp"

namespace bestow::http {

/// Who calls, as the facts name them.
struct principal {
  std::string name;
  bool named{false};  ///< By a token of its own.
};
/// The principal of a command over NATS without a token. No token can have this name.
inline constexpr std::string_view anonymous_principal = "nats:anonymous";

/// Checks token and role and, on success, returns the principal: the token's name; "local" where
/// no tokens are configured; over NATS, without a token, anonymous_principal.
[[nodiscard]] auto authorise(const config::settings& settings, const request& in, access needs)
    -> tl::expected<principal, problem>;
/// A page of another origin must not drive the API through a visitor's browser; without tokens a
/// foreign Host is refused too, for it means a name was bent to loopback. nullopt: fine.
[[nodiscard]] auto foreign_origin(const config::settings& settings, const request& in)
    -> std::optional<problem>;

}  // namespace bestow::http
