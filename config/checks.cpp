#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "bus/dead_letter.hpp"
#include "config/keys.hpp"

namespace bestow::config {

auto make_token(std::string_view name, std::string_view role, std::string_view sha256,
                access_token& out) -> std::string {
  constexpr std::size_t name_chars_max = 64;
  const bool good = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_' || c == '@';
  });
  if (name.empty() || name.size() > name_chars_max || !good)
    return "a token's name is 1..64 letters, digits, '.', '-', '_', '@'";
  bool known = false;
  for (const auto r :
       {access_role::viewer, access_role::operate, access_role::approver, access_role::admin}) {
    if (name_of(r) != role) continue;
    out.role = r;
    known = true;
  }
  if (!known)
    return fmt::format("role '{}' of token '{}': allowed are viewer, operator, approver, admin",
                       role, name);
  if (!from_hex(sha256, out.sha256))
    return fmt::format("sha256 of token '{}' is not 64 hex digits", name);
  out.name = std::string{name};
  return "";
}

namespace {

/// One of the two subjects is the other's beginning.
auto overlap(std::string_view a, std::string_view b) -> bool {
  if (a.size() > b.size()) std::swap(a, b);
  return b.starts_with(a) && (b.size() == a.size() || b[a.size()] == '.');
}

/// What a command over NATS may do, and where it comes.
void check_commands(const settings& s, std::vector<std::string>& problems) {
  if (!s.nats.commands) return;
  const auto role = s.nats.role;
  if (!s.http.tokens.empty() && (role == command_role::approver || role == command_role::admin))
    problems.push_back(fmt::format(
        "nats.command_role is '{}': with http.tokens an approval has a name; allowed are none, "
        "viewer, operator",
        role == command_role::admin ? "admin" : "approver"));
  const auto& g = s.grants;
  for (const std::string_view other :
       {std::string_view{g.voucher_topic}, std::string_view{g.point_topic},
        std::string_view{g.voucher_result_topic}, std::string_view{g.point_result_topic},
        std::string_view{g.event_prefix}, bus::dead_letter_subject})
    if (overlap(s.nats.command_prefix, other))
      problems.push_back(fmt::format("nats.command_prefix '{}' and the subject '{}' overlap",
                                     s.nats.command_prefix, other));
}

}  // namespace

auto check_whole(const settings& s) -> std::vector<std::string> {
  std::vector<std::string> problems;
  listen_address address;
  if (parse_listen(s.http.listen, address) && !is_loopback(address.host) && s.http.tokens.empty())
    problems.push_back(fmt::format(
        "http.listen is '{}': an address other than loopback needs http.tokens", s.http.listen));
  std::set<std::string> names;
  std::set<sha256_digest> hashes;
  for (const auto& token : s.http.tokens) {
    if (!names.insert(token.name).second)
      problems.push_back(fmt::format("http.tokens: the name '{}' stands twice", token.name));
    if (!hashes.insert(token.sha256).second)
      problems.push_back(
          fmt::format("http.tokens: '{}' has the hash of another token", token.name));
  }
  const auto& n = s.nats;
  if (n.tls_cert.empty() != n.tls_key.empty())
    problems.emplace_back("nats.tls_cert and nats.tls_key belong together: give both or none");
  const int logins = (n.user.empty() ? 0 : 1) + (n.credentials.empty() ? 0 : 1) +
                     (n.nkey.empty() ? 0 : 1);
  if (logins > 1)
    problems.emplace_back("nats.user, nats.credentials and nats.nkey exclude each other");
  if (n.user.empty() && !n.password.empty())
    problems.emplace_back("nats.password is given without nats.user");
  if (n.mode == nats_mode::embedded && n.replicas > 1)
    problems.push_back(
        fmt::format("nats.replicas is {}: the embedded server is a single one", n.replicas));
  check_commands(s, problems);
  const auto& g = s.grants;
  const std::array<const std::string*, 4> streams{&g.voucher_stream, &g.point_stream,
                                                  &g.result_stream, &g.dead_stream};
  for (std::size_t i = 0; i < streams.size(); ++i)
    for (std::size_t j = i + 1; j < streams.size(); ++j)
      if (*streams[i] == *streams[j])
        problems.push_back(fmt::format("grants: the stream '{}' is named twice", *streams[i]));
  return problems;
}

}  // namespace bestow::config
