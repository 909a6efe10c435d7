// The figures of `bestow bench` as rows for people. Pure. Private to apps/cli.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "apps/cli/printer.hpp"

namespace bestow::cli {

/// Names of the works, in the order they are done.
[[nodiscard]] auto bench_works() -> const std::vector<std::string>&;

/// Rows of a work from the JSON lines of its repetitions: the work itself, and indented below it
/// the raw limit of the same work. Lines without figures (void ones) do not count; without any there
/// are no rows.
[[nodiscard]] auto bench_rows(std::string_view work, const std::vector<nlohmann::ordered_json>& lines)
    -> nlohmann::ordered_json;
/// A row that says only how a work ended: "void", "left out".
[[nodiscard]] auto bench_end_row(std::string_view work, std::string_view end)
    -> nlohmann::ordered_json;
/// At most 80 characters together.
[[nodiscard]] auto bench_columns() -> std::vector<column>;

}  // namespace bestow::cli
