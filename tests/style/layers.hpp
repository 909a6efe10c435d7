// The table of allowed includes (layers.txt) and the check of one file against it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/style/source_tree.hpp"

namespace bestow::style {

struct layer_table {
  /// Folder -> folders it may include.
  std::map<std::string, std::set<std::string>, std::less<>> folders;
  /// Header or prefix -> beginnings of the paths that may include it.
  std::map<std::string, std::vector<std::string>, std::less<>> third_party;
  std::vector<std::string> system_headers;
  std::vector<std::string> system_places;
  std::vector<std::string> public_headers;  ///< Third parties a public header may pull in.
};

/// Reads tests/style/layers.txt. A line it cannot read ends in `folders` being empty.
[[nodiscard]] auto read_layers(std::string_view text) -> layer_table;
/// "store/x.cpp:3: includes domain/rejection.hpp; store may include: events", one per violation.
[[nodiscard]] auto violations_of(const source_file& file, const layer_table& table)
    -> std::vector<std::string>;
/// Headers that another folder includes (tests do not count) must not pull in a third party.
[[nodiscard]] auto public_violations(const std::vector<source_file>& files,
                                     const layer_table& table) -> std::vector<std::string>;

}  // namespace bestow::style
