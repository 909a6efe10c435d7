// A promotion's definition file, TOML or JSON, as the body of create.
#include <unistd.h>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include <fmt/format.h>
#include <toml++/toml.h>
#include <nlohmann/json.hpp>

#include "apps/cli/files.hpp"
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

auto wrong(const context& ctx, const std::string& path, const toml::source_position& at,
           std::string_view what) -> definition {
  ctx.complain(fmt::format("{}:{}:{}: {}", path, at.line, at.column, what));
  return {exit_code::usage, "", path, {}};
}

auto from_toml(const context& ctx, const std::string& path, const std::string& text) -> definition {
  definition made{exit_code::done, "", path, {}};
  ordered_json body = ordered_json::object();
  try {
    const auto table = toml::parse(std::string_view{text}, std::string_view{path});
    for (const auto& [name, node] : table) {
      const auto at = node.source().begin;
      auto value = value_of(node);
      if (value.is_discarded())
        return wrong(ctx, path, at,
                     fmt::format("'{}' wants text, a whole number, true, false or a time",
                                 std::string_view{name}));
      const std::string word{std::string_view{name}};
      made.fields.push_back({word, at.line, at.column});
      body[word] = std::move(value);
    }
  } catch (const toml::parse_error& error) {
    return wrong(ctx, path, error.source().begin, error.description());
  }
  made.json = body.dump();
  return made;
}

/// "FILE:LINE:COLUMN: " of the last key of that name; "" when the file does not name it.
auto place_of(const definition& of, std::string_view name) -> std::string {
  const auto at = std::find_if(of.fields.rbegin(), of.fields.rend(),
                               [&](const field_place& f) { return f.name == name; });
  if (at == of.fields.rend()) return "";
  return fmt::format("{}:{}:{}: ", of.path, at->line, at->column);
}

auto from_json(const context& ctx, const std::string& path, std::string text) -> definition {
  definition made{exit_code::done, std::move(text), path, {}};
  made.fields = places_in_json(made.json);
  const auto parsed = http::parse_flat_json(made.json);
  if (parsed) return made;
  auto place = place_of(made, parsed.error().field);
  if (place.empty() && parsed.error().line)
    place = fmt::format("{}:{}: ", path, *parsed.error().line);
  if (place.empty()) place = path + ": ";
  ctx.complain(fmt::format("{}{}: {}", place, parsed.error().code, parsed.error().detail));
  made.code = exit_code::usage;
  return made;
}

}  // namespace

auto readable(const context& ctx, const std::string& path) -> bool {
  if (path == "-") return true;
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  std::string why;
  if (!std::filesystem::exists(status))
    why = "there is no such file";
  else if (std::filesystem::is_directory(status))
    why = "it is a directory; give a file";
  else if (access(path.c_str(), R_OK) != 0)
    why = "this user may not read it";
  if (!why.empty()) ctx.complain(fmt::format("file_unreadable: {}: {}", path, why));
  return why.empty();
}

auto places_in_json(std::string_view text) -> std::vector<field_place> {
  std::vector<field_place> places;
  field_place at;
  int depth = 0;
  bool key_comes = false;
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i, ++at.column) {
    const char c = text[i];
    if (c == '\n') {
      ++at.line;
      at.column = 0;
    }
    if (inside && c == '\\') {
      ++i;
      ++at.column;
    } else if (c == '"') {
      inside = !inside;
      if (!inside || !key_comes) continue;
      const auto end = text.find('"', i + 1);
      if (end == std::string_view::npos) return places;
      const auto name = std::string{text.substr(i + 1, end - i - 1)};
      if (depth == 1) places.push_back({name, at.line, at.column});
      key_comes = false;
    } else if (!inside) {
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      if (c == '{' || c == ',') key_comes = depth == 1;
    }
  }
  return places;
}

auto read_definition(const context& ctx, const std::string& path) -> definition {
  if (!readable(ctx, path)) return {exit_code::usage, "", path, {}};
  std::string text;
  if (path == "-") {
    text.assign(std::istreambuf_iterator<char>{ctx.with.in}, {});
  } else {
    std::ifstream in{path, std::ios::binary};
    text.assign(std::istreambuf_iterator<char>{in}, {});
  }
  const auto first =
      std::find_if(text.begin(), text.end(), [](unsigned char c) { return std::isspace(c) == 0; });
  const bool json = path.ends_with(".json") || (first != text.end() && *first == '{');
  return json ? from_json(ctx, path, std::move(text)) : from_toml(ctx, path, text);
}

auto report_definition(const context& ctx, const definition& of, const reply& r) -> exit_code {
  const auto doc = nlohmann::json::parse(r.body, nullptr, false);
  if (!doc.is_object()) return report(ctx, r);
  const auto field = doc.value("field", "");
  auto place = place_of(of, field);
  const auto detail = doc.value("detail", "");
  // A refusal of the domain begins with the field's name.
  if (place.empty()) place = place_of(of, std::string_view{detail}.substr(0, detail.find(' ')));
  if (place.empty() && !field.empty()) place = of.path + ": ";  // It is missing there.
  return report(ctx, r, place);
}

}  // namespace bestow::cli
