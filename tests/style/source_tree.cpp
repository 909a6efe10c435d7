#include "tests/style/source_tree.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace bestow::style {
namespace {

constexpr std::array folders = {"events", "domain", "store", "projections", "bus",  "actors",
                                "config", "apps",   "tests", "bench",       "tools"};

auto is_word(char c) -> bool {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

void blank(std::string& code, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to && i < code.size(); ++i) {
    if (code[i] != '\n') code[i] = ' ';
  }
}

/// Offset just behind the string or character literal that begins at `at`.
auto literal_end(std::string_view text, std::size_t at) -> std::size_t {
  const char quote = text[at];
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == quote || text[i] == '\n') {
      return i + 1;
    }
  }
  return text.size();
}

/// Offset just behind R"delimiter( ... )delimiter" whose quote is at `at`.
auto raw_literal_end(std::string_view text, std::size_t at) -> std::size_t {
  const auto open = text.find('(', at);
  if (open == std::string_view::npos) return text.size();
  const std::string close = ")" + std::string{text.substr(at + 1, open - at - 1)} + "\"";
  const auto end = text.find(close, open);
  return end == std::string_view::npos ? text.size() : end + close.size();
}

/// Offset just behind the comment or literal that begins at `at`; `at` when none does.
auto skipped_end(std::string_view text, std::size_t at) -> std::size_t {
  const auto rest = text.substr(at);
  if (rest.starts_with("//")) return std::min(text.find('\n', at), text.size());
  if (rest.starts_with("/*")) {
    const auto end = text.find("*/", at + 2);
    return end == std::string_view::npos ? text.size() : end + 2;
  }
  if (rest.starts_with('"')) {
    const bool raw = at > 0 && text[at - 1] == 'R';
    return raw ? raw_literal_end(text, at) : literal_end(text, at);
  }
  // A quote inside a number (1'000) separates digits.
  const bool separates = at > 0 && is_word(text[at - 1]);
  if (rest.starts_with('\'') && !separates) return literal_end(text, at);
  return at;
}

auto without_comments_and_literals(const std::string& text) -> std::string {
  std::string code = text;
  for (std::size_t i = 0; i < text.size();) {
    const bool include_line = text.compare(i, 8, "#include") == 0;
    if (include_line) {
      i = std::min(text.find('\n', i), text.size());
      continue;
    }
    const auto end = skipped_end(text, i);
    blank(code, i, end);
    i = end == i ? i + 1 : end;
  }
  return code;
}

auto read_all() -> std::vector<source_file> {
  namespace fs = std::filesystem;
  const fs::path root = BESTOW_SOURCE_DIR;
  std::vector<source_file> files;
  for (const auto* folder : folders) {
    if (!fs::is_directory(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const auto extension = entry.path().extension();
      if (!entry.is_regular_file()) continue;
      if (extension != ".hpp" && extension != ".cpp" && extension != ".c") continue;
      const auto path = fs::relative(entry.path(), root).generic_string();
      files.push_back(make_source(path, read_text(path)));
    }
  }
  std::ranges::sort(files, {}, &source_file::path);
  return files;
}

/// The text in front of a `{`, back to the last statement or block border.
auto introduction(std::string_view code, std::size_t brace) -> std::string_view {
  std::size_t from = brace;
  int parentheses = 0;
  while (from > 0) {
    const char c = code[from - 1];
    if (c == ')') ++parentheses;
    if (c == '(') --parentheses;
    // Braces and semicolons inside parentheses belong to default arguments.
    if (parentheses == 0 && (c == ';' || c == '{' || c == '}')) break;
    --from;
  }
  return code.substr(from, brace - from);
}

auto begins_with_word(std::string_view text, std::string_view word) -> bool {
  return text.starts_with(word) && (text.size() == word.size() || !is_word(text[word.size()]));
}

auto opens_function(std::string_view intro) -> bool {
  const auto text = trimmed(intro);
  for (const std::string_view word : {"namespace", "class", "struct", "enum", "union", "extern"}) {
    if (begins_with_word(text, word)) return false;
  }
  const auto parenthesis = text.find('(');
  if (parenthesis == std::string::npos) return false;
  // `auto x = f() {`: an initialiser, unless it is an operator such as operator==.
  const auto equals = text.find('=');
  return equals == std::string::npos || equals > parenthesis ||
         text.find("operator") != std::string::npos;
}

auto function_name(std::string_view intro) -> std::string {
  const auto open = intro.find('(');
  std::size_t end = open;
  while (end > 0 && intro[end - 1] == ' ') --end;
  std::size_t from = end;
  while (from > 0 &&
         (is_word(intro[from - 1]) || intro[from - 1] == ':' || intro[from - 1] == '~')) {
    --from;
  }
  return std::string{intro.substr(from, end - from)};
}

auto matching_brace(std::string_view code, std::size_t open) -> std::size_t {
  int depth = 0;
  for (std::size_t i = open; i < code.size(); ++i) {
    if (code[i] == '{') ++depth;
    if (code[i] == '}' && --depth == 0) return i;
  }
  return code.size() - 1;
}

/// Constructor initialisers with braces (`: a_{1}, b_{2} {`) come before the body.
auto body_of(std::string_view code, std::size_t open) -> std::size_t {
  for (;;) {
    const auto close = matching_brace(code, open);
    const auto next = code.find_first_not_of(" \n", close + 1);
    if (next == std::string_view::npos || (code[next] != ',' && code[next] != '{')) return open;
    const auto following = code.find('{', next);
    if (following == std::string_view::npos) return open;
    open = following;
  }
}

}  // namespace

auto source_file::folder() const -> std::string_view {
  return std::string_view{path}.substr(0, path.find('/'));
}
auto source_file::is_header() const -> bool {
  return path.ends_with(".hpp");
}

auto make_source(std::string path, std::string text) -> source_file {
  auto code = without_comments_and_literals(text);
  return {std::move(path), std::move(text), std::move(code)};
}

auto read_text(std::string_view path) -> std::string {
  std::ifstream in{std::filesystem::path{BESTOW_SOURCE_DIR} / path, std::ios::binary};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

auto repository() -> const std::vector<source_file>& {
  static const auto files = read_all();
  return files;
}

auto includes_of(const source_file& file) -> std::vector<include_line> {
  std::vector<include_line> found;
  std::size_t number = 0;
  for (const auto& line : lines_of(file.code)) {
    ++number;
    if (!line.starts_with("#include")) continue;
    const auto open = line.find_first_of("<\"");
    if (open == std::string::npos) continue;
    const bool angle = line[open] == '<';
    const auto close = line.find(angle ? '>' : '"', open + 1);
    found.push_back({line.substr(open + 1, close - open - 1), angle, number});
  }
  return found;
}

auto functions_of(const source_file& file) -> std::vector<function_span> {
  // Preprocessor lines, with those they go on in, would confuse the braces.
  std::string code;
  bool goes_on = false;
  for (const auto& line : lines_of(file.code)) {
    const bool preprocessor = goes_on || line.starts_with('#');
    goes_on = preprocessor && line.ends_with('\\');
    code += (preprocessor ? std::string(line.size(), ' ') : line) + "\n";
  }
  std::vector<function_span> found;
  for (std::size_t i = 0; i < code.size(); ++i) {
    if (code[i] != '{') continue;
    const auto intro = introduction(code, i);
    if (!opens_function(intro)) continue;
    const auto open = body_of(code, i);
    const auto close = matching_brace(code, open);
    const auto first = line_at(code, open);
    found.push_back({function_name(intro), first, line_at(code, close) - first + 1});
    i = close;
  }
  return found;
}

auto line_count(std::string_view text) -> std::size_t {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}
auto line_at(std::string_view text, std::size_t offset) -> std::size_t {
  return line_count(text.substr(0, offset)) + 1;
}
auto covers(std::string_view prefix, std::string_view path) -> bool {
  return path.starts_with(prefix);
}

auto words_of(std::string_view text) -> std::vector<std::string> {
  std::istringstream in{std::string{text}};
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

auto trimmed(std::string_view text) -> std::string {
  const auto from = text.find_first_not_of(" \t\r\n");
  if (from == std::string_view::npos) return "";
  return std::string{text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1)};
}

auto lines_of(std::string_view text) -> std::vector<std::string> {
  std::istringstream in{std::string{text}};
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace bestow::style
