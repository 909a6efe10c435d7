#include <rapidcheck.h>

#include <string>

#include "domain/target_row.hpp"
#include "domain/text.hpp"
#include "tests/catch.hpp"

namespace bestow::domain::test {
namespace {

auto encoded(std::uint32_t c) -> std::string {
  std::string out;
  const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6));
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | (c >> 18));
    put(0x80 | ((c >> 12) & 0x3F));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  }
  return out;
}

}  // namespace

TEST_CASE("every Unicode character has length one, every surrogate none", "[unit][utf8]") {
  std::size_t wrong = 0;
  for (std::uint32_t c = 0; c <= 0x10FFFF; ++c) {
    const bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    const auto length = utf8_length(encoded(c));
    if (surrogate ? length.has_value() : length != std::optional<std::size_t>{1}) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK_FALSE(utf8_length(encoded(0x110000)).has_value());
}

TEST_CASE("bytes that are no UTF-8 have no length", "[unit][utf8]") {
  for (const std::string_view bytes :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2 ", "\xE0\x80\x80", "\xE0\x9F\xBF",
        "\xE1\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xF0\x90\x80", "\xFF", "\xFE", "plain ascii then \xB0\xA1",
        "\xB0\xA1 then eight bytes"}) {
    CHECK_FALSE(utf8_length(bytes).has_value());
  }
}

TEST_CASE("length counts characters and prefix cuts between them", "[unit][utf8][property]") {
  CHECK(utf8_length("") == std::optional<std::size_t>{0});
  CHECK(utf8_length("새해 a🎁") == std::optional<std::size_t>{5});
  CHECK(rc::check([] {
    const auto chars = *rc::gen::container<std::vector<std::uint32_t>>(rc::gen::oneOf(
        rc::gen::inRange<std::uint32_t>(0, 0x80), rc::gen::inRange<std::uint32_t>(0x80, 0xD800),
        rc::gen::inRange<std::uint32_t>(0xE000, 0x110000)));
    const auto cut = *rc::gen::inRange<std::size_t>(0, chars.size() + 3);
    std::string text, prefix;
    for (std::size_t i = 0; i < chars.size(); ++i) {
      text += encoded(chars[i]);
      if (i < cut) prefix += encoded(chars[i]);
    }
    RC_ASSERT(utf8_length(text) == std::optional<std::size_t>{chars.size()});
    RC_ASSERT(std::string{utf8_prefix(text, cut)} == prefix);
  }));
}

TEST_CASE("a prefix ends before the first malformed byte", "[unit][utf8]") {
  CHECK(std::string{utf8_prefix("ab\xFF"
                                "cd",
                                10)} == "ab");
  CHECK(std::string{utf8_prefix("\xB0\xA1", 1)}.empty());
}

TEST_CASE("control characters are found, letters are not", "[unit][utf8]") {
  for (std::uint32_t c = 0; c < 0x20; ++c) CHECK(has_control_character(encoded(c)));
  for (std::uint32_t c = 0x7F; c < 0xA0; ++c) CHECK(has_control_character("a" + encoded(c)));
  for (const auto* text : {"", " ", "~", "\u00A0", "é", "가나다", "🎁"})
    CHECK_FALSE(has_control_character(text));
}

TEST_CASE("a word for a shell is quoted where it must be", "[unit][utf8]") {
  CHECK(shell_word("list-1.csv") == "list-1.csv");
  CHECK(shell_word("a/b") == "a/b");
  CHECK(shell_word("") == "''");
  CHECK(shell_word("two words") == "'two words'");
  CHECK(shell_word("it's") == "'it'\\''s'");
  CHECK(shell_word("$(x)") == "'$(x)'");
  CHECK(shell_word("배치") == "'배치'");
}

TEST_CASE("digits keep to their bound", "[unit][utf8]") {
  CHECK(is_digits("0123456789"));
  CHECK_FALSE(is_digits(""));
  CHECK_FALSE(is_digits("12a"));
  CHECK(digits_value("15", 15) == std::optional<std::uint64_t>{15});
  CHECK_FALSE(digits_value("16", 15).has_value());
  CHECK(digits_value("3", 3) == std::optional<std::uint64_t>{3});
  CHECK_FALSE(digits_value("9", 3).has_value());
  CHECK(digits_value("0", 0) == std::optional<std::uint64_t>{0});
  CHECK_FALSE(digits_value("1", 0).has_value());
  CHECK(digits_value("18446744073709551615", ~0ULL) == std::optional<std::uint64_t>{~0ULL});
  CHECK_FALSE(digits_value("18446744073709551616", ~0ULL).has_value());
}

}  // namespace bestow::domain::test
