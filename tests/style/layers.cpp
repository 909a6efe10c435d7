#include "tests/style/layers.hpp"

#include <algorithm>

namespace bestow::style {
namespace {

auto is_standard(std::string_view header) -> bool {
  return header.find_first_of("./") == std::string_view::npos;
}

auto any_covers(const std::vector<std::string>& prefixes, std::string_view path) -> bool {
  return std::ranges::any_of(prefixes, [&](const auto& p) { return covers(p, path); });
}

auto joined(const auto& names) -> std::string {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : " ") + name;
  return text.empty() ? "nothing" : text;
}

auto quoted_problem(const source_file& file, std::string_view name, const layer_table& table)
    -> std::string {
  const auto slash = name.find('/');
  if (slash == std::string_view::npos) {
    return "is not a path from the repository root";
  }
  const auto target = name.substr(0, slash);
  if (target == file.folder()) return "";
  const auto row = table.folders.find(file.folder());
  if (row == table.folders.end()) return "is in a folder that layers.txt does not name";
  if (row->second.contains(std::string{target})) return "";
  return std::string{file.folder()} + " may include: " + joined(row->second);
}

auto angle_problem(const source_file& file, std::string_view name, const layer_table& table)
    -> std::string {
  if (is_standard(name)) return "";
  for (const auto& [header, places] : table.third_party) {
    if (header != name && !(header.ends_with('/') && covers(header, name))) continue;
    return any_covers(places, file.path) ? "" : "is allowed only in: " + joined(places);
  }
  if (any_covers(table.system_headers, name)) {
    return any_covers(table.system_places, file.path)
               ? ""
               : "is allowed only in: " + joined(table.system_places);
  }
  return "is a third party that layers.txt does not name";
}

/// Third parties that `header` pulls in, over this repository's own headers.
void collect_third_parties(const std::vector<source_file>& files, const std::string& header,
                           std::set<std::string>& seen, std::set<std::string>& found) {
  if (!seen.insert(header).second) return;
  const auto file = std::ranges::find(files, header, &source_file::path);
  if (file == files.end()) return;
  for (const auto& include : includes_of(*file)) {
    if (!include.angle) {
      collect_third_parties(files, include.name, seen, found);
    } else if (!is_standard(include.name)) {
      found.insert(include.name);
    }
  }
}

}  // namespace

auto read_layers(std::string_view text) -> layer_table {
  layer_table table;
  std::string section;
  for (const auto& raw : lines_of(text)) {
    const auto line = trimmed(raw);
    if (line.empty() || line.starts_with('#')) continue;
    if (line.starts_with('[')) {
      section = line;
      continue;
    }
    const auto colon = line.find(':');
    if (colon == std::string::npos) return {};
    const auto key = trimmed(std::string_view{line}.substr(0, colon));
    auto values = words_of(std::string_view{line}.substr(colon + 1));
    if (section == "[folders]") {
      table.folders[key] = {values.begin(), values.end()};
    } else if (section == "[third-party]") {
      table.third_party[key] = std::move(values);
    } else if (section == "[system]") {
      (key == "place" ? table.system_places : table.system_headers) = std::move(values);
    } else if (section == "[public]") {
      table.public_headers = std::move(values);
    } else {
      return {};
    }
  }
  return table;
}

auto violations_of(const source_file& file, const layer_table& table) -> std::vector<std::string> {
  std::vector<std::string> found;
  for (const auto& include : includes_of(file)) {
    const auto problem = include.angle ? angle_problem(file, include.name, table)
                                       : quoted_problem(file, include.name, table);
    if (problem.empty()) continue;
    found.push_back(file.path + ":" + std::to_string(include.line) + ": " + include.name + " " +
                    problem);
  }
  return found;
}

auto public_violations(const std::vector<source_file>& files, const layer_table& table)
    -> std::vector<std::string> {
  std::set<std::string> headers;
  for (const auto& file : files) {
    if (file.folder() == "tests" || file.folder() == "bench") continue;
    for (const auto& include : includes_of(file)) {
      const bool foreign =
          !include.angle && !covers(std::string{file.folder()} + "/", include.name);
      if (foreign) headers.insert(include.name);
    }
  }
  std::vector<std::string> found;
  for (const auto& header : headers) {
    std::set<std::string> seen;
    std::set<std::string> third_parties;
    collect_third_parties(files, header, seen, third_parties);
    for (const auto& name : third_parties) {
      if (any_covers(table.public_headers, name)) continue;
      found.push_back(header + " is included by other folders and pulls in <" + name + ">");
    }
  }
  return found;
}

}  // namespace bestow::style
