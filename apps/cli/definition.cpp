// A promotion's definition file, TOML or JSON, as the body of create.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include <fmt/format.h>
#include <toml++/toml.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/http/flat_json.hpp"

namespace bestow::cli {
namespace {

using nlohmann::ordered_json;

/// One value as JSON; a discarded value when its type fits no field.
auto value_of(const toml::node& node) -> ordered_json {
  if (const auto* v = node.as_string()) return v->get();
  if (const auto* v = node.as_integer()) return v->get();
  if (const auto* v = node.as_boolean()) return v->get();
  std::ostringstream text;
  if (const auto* v = node.as_date_time())
    text << v->get();
  else if (const auto* day = node.as_date())
    text << day->get() << "T00:00:00";
  else
    return ordered_json(ordered_json::value_t::discarded);
  return text.str();
}

auto from_toml(const context& ctx, const std::string& path, const std::string& text) -> definition {
  ordered_json body = ordered_json::object();
  try {
    const auto table = toml::parse(std::string_view{text}, std::string_view{path});
    for (const auto& [name, node] : table) {
      auto value = value_of(node);
      if (value.is_discarded()) {
        const auto at = node.source().begin;
        ctx.complain(fmt::format("{}:{}:{}: '{}' wants text, a whole number, true, false or a time",
                                 path, at.line, at.column, std::string_view{name}));
        return {exit_code::usage, ""};
      }
      body[std::string{std::string_view{name}}] = std::move(value);
    }
  } catch (const toml::parse_error& error) {
    const auto at = error.source().begin;
    ctx.complain(fmt::format("{}:{}:{}: {}", path, at.line, at.column, error.description()));
    return {exit_code::usage, ""};
  }
  return {exit_code::done, body.dump()};
}

auto from_json(const context& ctx, const std::string& path, std::string text) -> definition {
  if (const auto parsed = http::parse_flat_json(text); !parsed) {
    ctx.complain(fmt::format("{}: {}: {}", path, parsed.error().code, parsed.error().detail));
    return {exit_code::usage, ""};
  }
  return {exit_code::done, std::move(text)};
}

}  // namespace

auto read_definition(const context& ctx, const std::string& path) -> definition {
  std::string text;
  if (path == "-") {
    text.assign(std::istreambuf_iterator<char>{ctx.with.in}, {});
  } else {
    std::ifstream in{path, std::ios::binary};
    if (!in) {
      ctx.complain(fmt::format("{}: cannot be read", path));
      return {exit_code::usage, ""};
    }
    text.assign(std::istreambuf_iterator<char>{in}, {});
  }
  const auto first =
      std::find_if(text.begin(), text.end(), [](unsigned char c) { return std::isspace(c) == 0; });
  const bool json = path.ends_with(".json") || (first != text.end() && *first == '{');
  return json ? from_json(ctx, path, std::move(text)) : from_toml(ctx, path, text);
}

}  // namespace bestow::cli
