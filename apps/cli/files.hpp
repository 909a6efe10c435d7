// Files a command was given, checked before they are opened. Private to apps/cli.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apps/cli/api_client.hpp"
#include "apps/cli/context.hpp"

namespace bestow::cli {

/// Whether `path` is a file that can be read; complains when it is missing, a directory or closed
/// to this user. "-" is standard input and always good.
[[nodiscard]] auto readable(const context& ctx, const std::string& path) -> bool;

/// Where a field of a definition stands in its file; both from 1 on.
struct field_place {
  std::string name;
  std::uint64_t line{1};
  std::uint64_t column{1};
};
/// The keys of a flat JSON object in the order of the text. Tolerates text that is not JSON.
[[nodiscard]] auto places_in_json(std::string_view text) -> std::vector<field_place>;

/// A definition file as the JSON body of create.
struct definition {
  exit_code code{exit_code::done};
  std::string json;
  std::string path;
  std::vector<field_place> fields;
};
/// Complains with file, line and column when the file is wrong; nothing is sent then.
[[nodiscard]] auto read_definition(const context& ctx, const std::string& path) -> definition;
/// Reports what the server found wrong with a definition, with the place of the field it names.
[[nodiscard]] auto report_definition(const context& ctx, const definition& of, const reply& r)
    -> exit_code;

}  // namespace bestow::cli
