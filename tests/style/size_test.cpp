// Bans and bounds of the code itself: forbidden words, long functions, long files.
#include <set>

#include "tests/catch.hpp"
#include "tests/style/source_tree.hpp"

namespace bestow::style {
namespace {

constexpr std::size_t function_lines_max = 70;
constexpr std::size_t file_lines_max = 400;

struct ban {
  std::string word;
  std::vector<std::string> places;
  std::string reason;
};

auto read_bans() -> std::vector<ban> {
  std::vector<ban> bans;
  for (const auto& line : lines_of(read_text("tests/style/bans.txt"))) {
    if (line.empty() || line.starts_with('#')) continue;
    const auto first = line.find('|');
    const auto second = line.find('|', first + 1);
    REQUIRE(second != std::string::npos);
    bans.push_back({trimmed(line.substr(0, first)),
                    words_of(line.substr(first + 1, second - first - 1)),
                    trimmed(line.substr(second + 1))});
  }
  return bans;
}

auto is_word(char c) -> bool {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// Offset of `word` as a whole word at or after `from`; npos when there is none.
auto find_word(std::string_view text, std::string_view word, std::size_t from) -> std::size_t {
  for (auto at = text.find(word, from); at != std::string_view::npos;
       at = text.find(word, at + 1)) {
    const auto end = at + word.size();
    const bool begins = at == 0 || !is_word(text[at - 1]);
    const bool ends = !is_word(word.back()) || end == text.size() || !is_word(text[end]);
    if (begins && ends) return at;
  }
  return std::string_view::npos;
}

auto banned_uses(const source_file& file, const ban& b) -> std::vector<std::string> {
  std::vector<std::string> found;
  for (const auto& place : b.places) {
    if (covers(place, file.path)) return found;
  }
  for (auto at = find_word(file.code, b.word, 0); at != std::string::npos;
       at = find_word(file.code, b.word, at + 1)) {
    found.push_back(file.path + ":" + std::to_string(line_at(file.code, at)) + ": " + b.word +
                    ": " + b.reason);
  }
  return found;
}

auto joined_lines(const std::vector<std::string>& lines) -> std::string {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

auto read_ratchet() -> std::set<std::string> {
  std::set<std::string> entries;
  for (const auto& line : lines_of(read_text("tests/style/ratchet.txt"))) {
    if (!line.empty() && !line.starts_with('#')) entries.insert(trimmed(line));
  }
  return entries;
}

}  // namespace

TEST_CASE("no banned word stands in the code", "[style]") {
  std::vector<std::string> found;
  for (const auto& b : read_bans()) {
    for (const auto& file : repository()) {
      const auto more = banned_uses(file, b);
      found.insert(found.end(), more.begin(), more.end());
    }
  }
  INFO(joined_lines(found));
  CHECK(found.empty());
}

TEST_CASE("no loose end is left in a comment", "[style]") {
  std::vector<std::string> found;
  for (const auto& file : repository()) {
    // In two parts, or this file would find itself.
    for (const auto& word : {std::string{"TO"} + "DO", std::string{"FIX"} + "ME"}) {
      const auto at = find_word(file.text, word, 0);
      if (at == std::string::npos) continue;
      found.push_back(file.path + ":" + std::to_string(line_at(file.text, at)) + ": " + word);
    }
  }
  INFO(joined_lines(found));
  CHECK(found.empty());
}

TEST_CASE("functions and files stay short", "[style]") {
  auto ratchet = read_ratchet();
  std::vector<std::string> found;
  const auto check = [&](const std::string& entry, std::size_t lines, std::size_t lines_max) {
    if (lines <= lines_max || ratchet.erase(entry) == 1) return;
    found.push_back(entry + ": " + std::to_string(lines) + " lines; at most " +
                    std::to_string(lines_max));
  };
  for (const auto& file : repository()) {
    check("file " + file.path, line_count(file.text), file_lines_max);
    for (const auto& f : functions_of(file)) {
      check("function " + file.path + " " + f.name, f.lines, function_lines_max);
    }
  }
  INFO(joined_lines(found));
  CHECK(found.empty());
  INFO(joined_lines({ratchet.begin(), ratchet.end()}) << "no longer needed in ratchet.txt");
  CHECK(ratchet.empty());
}

TEST_CASE("every header is guarded and opens with its purpose", "[style]") {
  std::vector<std::string> found;
  for (const auto& file : repository()) {
    if (!file.is_header()) continue;
    if (file.code.find("#pragma once") == std::string::npos)
      found.push_back(file.path + ": no #pragma once");
    if (!file.text.starts_with("//")) found.push_back(file.path + ": no opening comment");
  }
  INFO(joined_lines(found));
  CHECK(found.empty());
}

TEST_CASE("the checks see what they are meant to see", "[style]") {
  const auto file =
      make_source("domain/x.cpp",
                  "// sleep_for in a comment\n"
                  "const char* a = \"sleep_for\";\n"
                  "void my_sleep_for();\n"
                  "host::host(int x) : x_{x}, y_(2) {\n  sleep_for(1);\n}\n"
                  "auto f(std::string s = {}) -> int {\n  if (x) {\n  }\n  return 1'000;\n}\n"
                  "TEST_CASE(\"a\") {\n}\n");
  const ban sleeps{"sleep_for", {}, "no"};
  REQUIRE(banned_uses(file, sleeps).size() == 1);
  CHECK(banned_uses(file, sleeps)[0].starts_with("domain/x.cpp:5"));
  CHECK(banned_uses(file, ban{"sleep_for", {"domain/"}, "no"}).empty());

  const auto functions = functions_of(file);
  REQUIRE(functions.size() == 3);
  CHECK(functions[0].name == "host::host");
  CHECK(functions[0].lines == 3);
  CHECK(functions[1].name == "f");
  CHECK(functions[1].lines == 5);
  CHECK(functions[2].name == "TEST_CASE");
}

}  // namespace bestow::style
