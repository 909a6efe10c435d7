#include "config/settings.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "config/keys.hpp"
#include "config/values.hpp"

namespace bestow::config {

auto name_of(access_role r) -> std::string_view {
  switch (r) {
    case access_role::viewer:
      return "viewer";
    case access_role::operate:
      return "operator";
    case access_role::approver:
      return "approver";
    case access_role::admin:
      return "admin";
  }
  return "";
}

auto allows(access_role has, access_role needs) -> bool {
  return needs == access_role::viewer || has == needs || has == access_role::admin;
}

auto key_table() -> std::span<const key_row> {
  static const std::vector<key_row> rows = [] {
    std::vector<key_row> made;
    for (const auto& key : key_bindings()) made.push_back(key.row);
    return made;
  }();
  return rows;
}

auto value_of(const settings& s, std::string_view section, std::string_view name) -> std::string {
  const auto* key = find_key(section, name);
  return key == nullptr ? "" : key->show(s);
}

auto key_table_markdown() -> std::string {
  std::string out =
      "# Configuration\n\n"
      "Generated from the program (`bestow help config`). A key is set in `bestow.toml`, or by "
      "the\n"
      "environment as `BESTOW_<SECTION>_<KEY>` (`BESTOW_HTTP_LISTEN`), which wins over the file; "
      "an\n"
      "option of `bestow serve` wins over both. An unknown key or a bad value stops the start "
      "with\n"
      "its place, the value and what is allowed.\n\n"
      "Sizes take KiB, MiB, GiB, TiB; durations ms, s, m, h.\n";
  std::string section;
  for (const auto& row : key_table()) {
    if (row.section != section) {
      section = row.section;
      out += fmt::format(
          "\n## [{}]\n\n| key | type | default | allowed | meaning |\n"
          "| --- | --- | --- | --- | --- |\n",
          section);
    }
    out += fmt::format("| `{}` | {} | `{}` | {} | {} |\n", row.name, row.type, row.fallback,
                       row.allowed, row.meaning);
  }
  return out;
}

auto parse_listen(std::string_view text, listen_address& out) -> bool {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  auto host = text.substr(0, colon);
  if (host.front() == '[' && host.back() == ']' && host.size() > 2)
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return false;
  const auto port = parse_unsigned(text.substr(colon + 1));
  if (!port || *port > 65'535) return false;
  out = {std::string{host}, static_cast<std::uint16_t>(*port)};
  return true;
}

auto is_loopback(std::string_view host) -> bool {
  if (host == "localhost" || host == "::1") return true;
  const bool digits = std::all_of(host.begin(), host.end(),
                                  [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
  return digits && host.starts_with("127.") && std::count(host.begin(), host.end(), '.') == 3;
}

}  // namespace bestow::config
