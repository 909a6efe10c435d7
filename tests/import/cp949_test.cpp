// What Korean spreadsheets save: read as it is, with offsets and hashes of the bytes as they came.
#include <string>

#include "apps/import/import_session.hpp"
#include "tests/catch.hpp"
#include "tests/import/session_fixture.hpp"

namespace {

using namespace bestow;
using namespace bestow::testing;
using domain::rejection;

/// "한글", and a syllable of the extension whose second byte is an ASCII letter.
constexpr const char* hangul = "\xC7\xD1\xB1\xDB";
constexpr const char* hangul_utf8 = "한글";
constexpr const char* rare = "\x8C\x63";
constexpr const char* rare_utf8 = "\xEB\x98\xA0";

auto run(std::string_view text, import_format format = import_format::csv,
         const cut& next = whole()) -> session_outcome {
  auto converter = importing::text_converter::open_cp949();
  REQUIRE(converter);
  return run_session(text, point_rules(), format, next, {}, std::move(*converter));
}

TEST_CASE("CP949 text becomes UTF-8, and a wrong pair is said", "[unit][import]") {
  const auto converter = importing::text_converter::open_cp949();
  REQUIRE(converter);
  CHECK((*converter)->to_utf8("plain,\"1\"") == "plain,\"1\"");
  CHECK((*converter)->to_utf8(std::string{hangul} + rare) == std::string{hangul_utf8} + rare_utf8);
  CHECK((*converter)->to_utf8("") == "");
  CHECK_FALSE((*converter)->to_utf8("\xC7"));
  CHECK_FALSE((*converter)->to_utf8("\xFF\xFE"));
  CHECK((*converter)->to_utf8(hangul) == hangul_utf8);
}

TEST_CASE("a CP949 file is imported when it is said to be one", "[unit][import]") {
  const auto text = std::string{"customer_uid,reason\n1,"} + hangul + "\n2,\"" + rare + ",\"\n";
  const auto out = run(text);
  REQUIRE_FALSE(out.refused);
  CHECK(out.bad_rows.empty());
  CHECK(out.reasons == std::vector<std::string>{hangul_utf8, std::string{rare_utf8} + ","});
  CHECK(out.bytes == text.size());
  CHECK(out.sha256 == importing::sha256_of(text));
  CHECK(out.chunks.back().byte_end == text.size());
  const auto bytewise = run(text, import_format::csv, [] { return std::size_t{1}; });
  CHECK(bytewise.reasons == out.reasons);
}

TEST_CASE("CP949 NDJSON is read like CP949 CSV", "[unit][import]") {
  const auto out = run(std::string{"{\"customer_uid\":1,\"reason\":\""} + hangul + "\"}\n",
                       import_format::ndjson);
  REQUIRE_FALSE(out.refused);
  CHECK(out.reasons == std::vector<std::string>{hangul_utf8});
}

TEST_CASE("lengths of CP949 texts count characters", "[unit][import]") {
  std::string most;
  for (int i = 0; i < 100; ++i) most += "\xC7\xD1";
  const auto out = run("customer_uid,reason\n1," + most + "\n2," + most + "\xB1\xDB\n");
  CHECK(out.customers == std::vector<std::uint64_t>{1});
  REQUIRE(out.bad_rows.size() == 1);
  CHECK(out.bad_rows[0].code == "text_too_long");
  CHECK(out.bad_rows[0].original.starts_with("2,한한"));
}

TEST_CASE("a row that is not CP949 is its own trouble", "[unit][import]") {
  const auto out =
      run(std::string{"customer_uid,reason\n1,"} + hangul + "\n2,\xFF\xFE\n3," + hangul + "\n");
  REQUIRE_FALSE(out.refused);
  CHECK(out.customers == std::vector<std::uint64_t>{1, 3});
  REQUIRE(out.bad_rows.size() == 1);
  CHECK(out.bad_rows[0].line == 3);
  CHECK(out.bad_rows[0].code == "text_not_utf8");
  CHECK(out.bad_rows[0].detail.find("CP949") != std::string::npos);
}

TEST_CASE("a UTF-8 file that is said to be CP949 is refused", "[unit][import]") {
  for (const std::string text :
       {"customer_uid,reason\n1,한글\n", "\xEF\xBB\xBF" "customer_uid\n1\n",
        "\xFF\xFE" "c\n"}) {
    const auto out = run(text);
    REQUIRE(out.refused);
    CHECK(name_of(out.refused->why) == name_of(rejection::input_encoding_not_cp949));
  }
  CHECK_FALSE(run("customer_uid,reason\n1,plain\n").refused);
  // "찾" alone is a character of two bytes in UTF-8 too.
  const auto ambiguous = run("customer_uid,reason\n1,\xC3\xA3\n");
  REQUIRE_FALSE(ambiguous.refused);
  CHECK(ambiguous.reasons == std::vector<std::string>{"찾"});
}

}  // namespace
