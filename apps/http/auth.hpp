// Who calls, and whether they may: tokens by hash, origins, hosts. Thread-safe; pure.
#pragma once

#include <optional>

#include "apps/http/http_types.hpp"
#include "apps/http/route.hpp"

namespace bestow::http {

/// Checks token and role and, on success, returns the principal: the token's name, or "local"
/// where no tokens are configured.
[[nodiscard]] auto authorise(const config::settings& settings, const request& in, access needs)
    -> tl::expected<std::string, problem>;
/// A page of another origin must not drive the API through a visitor's browser; without tokens a
/// foreign Host is refused too, for it means a name was bent to loopback. nullopt: fine.
[[nodiscard]] auto foreign_origin(const config::settings& settings, const request& in)
    -> std::optional<problem>;

}  // namespace bestow::http
