#include <cstdlib>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "config/keys.hpp"
#include "config/settings.hpp"
#include "config/suggest.hpp"

namespace bestow::config {
namespace {

constexpr std::size_t file_bytes_max = 1U << 20U;
constexpr std::size_t problems_max = 20;

/// What the loading of one configuration has found so far.
struct loading {
  settings value;
  std::vector<std::string> problems;
  std::string file;
};

auto place(const loading& l, const toml::source_region& at) -> std::string {
  return fmt::format("{}:{}:{}", l.file, at.begin.line, at.begin.column);
}

auto shown(const key_binding& key, std::string_view value) -> std::string {
  return key.row.secret ? "is not accepted" : fmt::format("is '{}'", value);
}

void apply(loading& l, const key_binding& key, std::string_view value, const std::string& where) {
  const auto problem = key.set(l.value, value);
  if (!problem.empty())
    l.problems.push_back(fmt::format("{}: {}.{} {}; {}", where, key.row.section, key.row.name,
                                     shown(key, value), problem));
}

auto known_keys(std::string_view section) -> std::vector<std::string> {
  std::vector<std::string> names;
  for (const auto& row : key_table())
    if (row.section == section) names.push_back(row.name);
  return names;
}

/// The node's value as text when its TOML type fits the key; nullopt otherwise.
auto text_for(const key_binding& key, const toml::node& node) -> std::optional<std::string> {
  const bool takes_integer = key.kind == key_kind::integer || key.kind == key_kind::size;
  const bool takes_text = key.kind != key_kind::integer && key.kind != key_kind::boolean;
  if (const auto* text = node.as_string(); text != nullptr && takes_text) return text->get();
  if (const auto* number = node.as_integer(); number != nullptr && takes_integer)
    return fmt::to_string(number->get());
  if (const auto* flag = node.as_boolean(); flag != nullptr && key.kind == key_kind::boolean)
    return flag->get() ? "true" : "false";
  return std::nullopt;
}

auto type_word(const toml::node& node) -> std::string_view {
  switch (node.type()) {
    case toml::node_type::string:
      return "text";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "a boolean";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::table:
      return "a table";
    default:
      return "a date or time";
  }
}

auto token_part(const toml::table& table, std::string_view name) -> std::string {
  const auto* node = table.get(name);
  const auto* text = node == nullptr ? nullptr : node->as_string();
  return text == nullptr ? "" : text->get();
}

void apply_tokens(loading& l, const toml::node& node) {
  const auto* list = node.as_array();
  if (list == nullptr) {
    l.problems.push_back(place(l, node.source()) +
                         ": http.tokens wants an array of tables: [[http.tokens]]");
    return;
  }
  std::vector<access_token> tokens;
  for (const auto& item : *list) {
    const auto* table = item.as_table();
    if (table == nullptr) {
      l.problems.push_back(place(l, item.source()) + ": http.tokens wants tables in its array");
      continue;
    }
    for (const auto& [name, part] : *table) {
      if (name == "name" || name == "role" || name == "sha256") continue;
      l.problems.push_back(
          fmt::format("{}: http.tokens has no key '{}'; allowed are name, role, sha256",
                      place(l, part.source()), std::string_view{name}));
    }
    access_token token;
    const auto problem = make_token(token_part(*table, "name"), token_part(*table, "role"),
                                    token_part(*table, "sha256"), token);
    if (problem.empty())
      tokens.push_back(std::move(token));
    else
      l.problems.push_back(fmt::format("{}: http.tokens: {}", place(l, item.source()), problem));
  }
  l.value.http.tokens = std::move(tokens);
}

void apply_section(loading& l, std::string_view section, const toml::table& table) {
  const auto names = known_keys(section);
  for (const auto& [name, node] : table) {
    const std::string_view word{name};
    const auto* key = find_key(section, word);
    if (key == nullptr) {
      l.problems.push_back(fmt::format("{}: unknown key {}.{}.{} Allowed in [{}]: {}",
                                       place(l, node.source()), section, word,
                                       did_you_mean(word, names), section, fmt::join(names, ", ")));
    } else if (key->kind == key_kind::tokens) {
      apply_tokens(l, node);
    } else if (const auto text = text_for(*key, node)) {
      apply(l, *key, *text, place(l, node.source()));
    } else {
      l.problems.push_back(fmt::format("{}: {}.{} is {}; it wants {} ({})", place(l, node.source()),
                                       section, word, type_word(node), key->row.type,
                                       key->row.allowed));
    }
  }
}

void apply_file(loading& l, const toml::table& root) {
  const auto sections = section_names();
  for (const auto& [name, node] : root) {
    const std::string_view word{name};
    const bool known = std::find(sections.begin(), sections.end(), word) != sections.end();
    const auto* table = node.as_table();
    if (known && table != nullptr)
      apply_section(l, word, *table);
    else if (known)
      l.problems.push_back(fmt::format("{}: {} is {}; it wants a section [{}]",
                                       place(l, node.source()), word, type_word(node), word));
    else
      l.problems.push_back(fmt::format("{}: unknown {} {}.{} Sections: {}", place(l, node.source()),
                                       table != nullptr ? "section" : "key", word,
                                       did_you_mean(word, sections), fmt::join(sections, ", ")));
  }
}

auto variable_name(const key_row& row) -> std::string {
  std::string name = "BESTOW_" + row.section + "_" + row.name;
  for (auto& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

void apply_environment(loading& l, const load_request& request) {
  std::vector<std::string> names;
  for (const auto& row : key_table()) names.push_back(variable_name(row));
  for (const auto& [name, value] : request.environment) {
    const auto it = std::find(names.begin(), names.end(), name);
    if (it != names.end()) {
      const auto& key = key_bindings()[static_cast<std::size_t>(it - names.begin())];
      apply(l, key, value, "environment " + name);
      continue;
    }
    for (const auto& section : section_names()) {
      const auto prefix = variable_name({section, "", "", "", "", "", false});
      if (name.starts_with(prefix))
        l.problems.push_back(
            fmt::format("environment {}: no such key.{}", name, did_you_mean(name, names)));
    }
  }
}

void apply_overrides(loading& l, const load_request& request) {
  for (const auto& o : request.overrides) {
    const auto dot = o.key.find('.');
    const auto* key = dot == std::string::npos ? nullptr
                                               : find_key(std::string_view{o.key}.substr(0, dot),
                                                          std::string_view{o.key}.substr(dot + 1));
    if (key == nullptr)
      l.problems.push_back(fmt::format("{}: no such key: {}", o.origin, o.key));
    else
      apply(l, *key, o.value, o.origin);
  }
}

auto finish(loading l) -> result<settings> {
  if (l.problems.empty()) l.problems = check_whole(l.value);
  if (l.problems.empty()) {
    l.value.grants.named_tokens = !l.value.http.tokens.empty();
    return std::move(l.value);
  }
  const auto more = l.problems.size() > problems_max ? l.problems.size() - problems_max : 0;
  l.problems.resize(l.problems.size() - more);
  auto text = fmt::format("{}", fmt::join(l.problems, "\n"));
  if (more > 0) text += fmt::format("\nand {} more", more);
  return fail(fault_code::bad_config, "load", std::move(text));
}

}  // namespace

auto load_text(std::string_view text, std::string_view name, const load_request& request)
    -> result<settings> {
  loading l;
  l.file = std::string{name};
  try {
    apply_file(l, toml::parse(text, name));
  } catch (const toml::parse_error& error) {
    return fail(fault_code::bad_config, "load",
                fmt::format("{}: {}", place(l, error.source()), error.description()));
  }
  apply_environment(l, request);
  apply_overrides(l, request);
  return finish(std::move(l));
}

auto load(const load_request& request) -> result<settings> {
  if (request.path.empty()) return load_text("", "", request);
  std::ifstream in{request.path, std::ios::binary};
  if (!in) return fail(fault_code::bad_config, "load", request.path + ": cannot be read");
  std::string text(file_bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (in.bad()) return fail(fault_code::bad_config, "load", request.path + ": cannot be read");
  if (text.size() > file_bytes_max)
    return fail(fault_code::bad_config, "load", request.path + ": larger than 1 MiB");
  return load_text(text, request.path, request);
}

}  // namespace bestow::config
