#include "apps/http/auth.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

namespace bestow::http {
namespace {

auto sha256_of(std::string_view text) -> sha256_digest {
  sha256_digest digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

auto role_for(access needs) -> config::access_role {
  switch (needs) {
    case access::operate:
      return config::access_role::operate;
    case access::approver:
      return config::access_role::approver;
    case access::admin:
      return config::access_role::admin;
    case access::open:
    case access::viewer:
      break;
  }
  return config::access_role::viewer;
}

auto bearer(const request& in) -> std::string_view {
  constexpr std::string_view scheme = "Bearer ";
  const auto value = in.header("Authorization");
  return value.starts_with(scheme) ? value.substr(scheme.size()) : "";
}

auto role_refused(config::access_role has, const std::string& who, access needs)
    -> std::optional<problem> {
  const auto role = role_for(needs);
  if (config::allows(has, role)) return std::nullopt;
  return problem_of(request_error::role_insufficient,
                    fmt::format("{} has the role {}; this needs {}", who, name_of(has),
                                name_of(role)));
}

auto role_of(config::command_role r) -> config::access_role {
  switch (r) {
    case config::command_role::operate:
      return config::access_role::operate;
    case config::command_role::approver:
      return config::access_role::approver;
    case config::command_role::admin:
      return config::access_role::admin;
    case config::command_role::none:
    case config::command_role::viewer:
      break;
  }
  return config::access_role::viewer;
}

auto without_token(const request& in, access needs) -> tl::expected<principal, problem> {
  principal anonymous{std::string{anonymous_principal}, false};
  if (needs == access::open) return anonymous;
  if (*in.without_token == config::command_role::none)
    return tl::unexpected(problem_of(request_error::token_missing,
                                     "send the header Authorization: Bearer TOKEN; "
                                     "nats.command_role is none"));
  if (auto p = role_refused(role_of(*in.without_token),
                            "a command without an Authorization header", needs))
    return tl::unexpected(std::move(*p));
  return anonymous;
}

}  // namespace

auto authorise(const config::settings& settings, const request& in, access needs)
    -> tl::expected<principal, problem> {
  const auto& tokens = settings.http.tokens;
  if (in.without_token && in.header("Authorization").empty()) return without_token(in, needs);
  if (tokens.empty() && !in.without_token) return principal{"local", false};
  if (needs == access::open) return principal{"anyone", false};
  const auto token = bearer(in);
  if (token.empty())
    return tl::unexpected(
        problem_of(request_error::token_missing, "send Authorization: Bearer TOKEN"));
  const auto hash = sha256_of(token);
  const config::access_token* found = nullptr;
  for (const auto& t : tokens)
    if (CRYPTO_memcmp(hash.data(), t.sha256.data(), hash.size()) == 0) found = &t;
  if (found == nullptr)
    return tl::unexpected(problem_of(request_error::token_unknown, "the token is not known"));
  if (auto p = role_refused(found->role, fmt::format("'{}'", found->name), needs))
    return tl::unexpected(std::move(*p));
  return principal{found->name, true};
}

auto foreign_origin(const config::settings& settings, const request& in) -> std::optional<problem> {
  const auto host = in.header("Host");
  const auto origin = in.header("Origin");
  const auto same = fmt::format("://{}", host);
  if (!origin.empty() && !(origin.starts_with("http") && origin.ends_with(same)))
    return problem_of(request_error::origin_refused, "the Origin is not this server's");
  if (!settings.http.tokens.empty() || host.empty()) return std::nullopt;
  config::listen_address address;
  const bool with_port = config::parse_listen(host, address);
  const auto name = with_port ? std::string_view{address.host} : host;
  if (config::is_loopback(name) || name == "[::1]") return std::nullopt;
  return problem_of(request_error::origin_refused,
                    "without tokens only loopback names are served: 127.0.0.1, localhost");
}

}  // namespace bestow::http
