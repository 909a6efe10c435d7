// The repository's own C++ as text, for the style tests.
//
// Read once, then constant. A file is kept twice: as written, and with comments and literals
// blanked out (same length, same lines), so that a word in a comment is not taken for code.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace bestow::style {

struct source_file {
  std::string path;  ///< From the repository root: "store/event_log.hpp".
  std::string text;
  std::string code;  ///< `text` with comments, string and character literals as spaces.
  /// First part of the path: "store".
  [[nodiscard]] auto folder() const -> std::string_view;
  [[nodiscard]] auto is_header() const -> bool;
};

/// One #include. `line` counts from 1.
struct include_line {
  std::string name;
  bool angle{false};
  std::size_t line{0};
};

/// A function's body: where its `{` stands, how many lines from there to its `}`.
struct function_span {
  std::string name;
  std::size_t line{0};
  std::size_t lines{0};
};

/// Makes a file out of its text, as read() does. For testing the checks themselves.
[[nodiscard]] auto make_source(std::string path, std::string text) -> source_file;
/// Every .hpp, .cpp and .c file of the product, its tests and tools. Ascending paths.
[[nodiscard]] auto repository() -> const std::vector<source_file>&;
/// A text file of the repository; "" when it is not there.
[[nodiscard]] auto read_text(std::string_view path) -> std::string;

[[nodiscard]] auto includes_of(const source_file& file) -> std::vector<include_line>;
/// Outermost function bodies. Heuristic: knows this project's style, not all of C++.
[[nodiscard]] auto functions_of(const source_file& file) -> std::vector<function_span>;
[[nodiscard]] auto line_count(std::string_view text) -> std::size_t;
[[nodiscard]] auto line_at(std::string_view text, std::size_t offset) -> std::size_t;
/// Does `prefix` (a path, or a folder ending in /) cover `path`?
[[nodiscard]] auto covers(std::string_view prefix, std::string_view path) -> bool;
/// Parts of `text` between blanks.
[[nodiscard]] auto words_of(std::string_view text) -> std::vector<std::string>;
[[nodiscard]] auto trimmed(std::string_view text) -> std::string;
[[nodiscard]] auto lines_of(std::string_view text) -> std::vector<std::string>;

}  // namespace bestow::style
