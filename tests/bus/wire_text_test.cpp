#include "bus/wire_text.hpp"

#include <string>

#include "bus/subject.hpp"
#include "tests/catch.hpp"

using namespace bestow;
using namespace bestow::bus;

TEST_CASE("Seoul times read back to the instant they were written from", "[unit][wire]") {
  for (const std::int64_t at :
       {0LL, 951'782'400'000LL, 1'709'218'799'000LL, 1'768'959'000'000LL, 4'102'444'799'000LL}) {
    const std::string text = wire_text::seoul_datetime({at});
    CHECK(wire_text::parse_datetime(text).value == at);
  }
  CHECK(wire_text::seoul_datetime({0}) == "1970-01-01T09:00:00");
  CHECK(wire_text::seoul_datetime({1'768'959'000'999}) == "2026-01-21T10:30:00");
  char compact[14];
  CHECK(wire_text::write_seoul_compact(compact, {1'709'218'799'000}) == compact + 14);
  CHECK(std::string_view(compact, 14) == "20240229235959");
}

TEST_CASE("a time with an offset or a fraction is that instant", "[unit][wire]") {
  CHECK(wire_text::parse_datetime("1970-01-01T00:00:01Z").value == 1'000);
  CHECK(wire_text::parse_datetime("1970-01-01T00:00:01.25Z").value == 1'250);
  CHECK(wire_text::parse_datetime("1970-01-01T00:00:00.123456789-01:30").value == 5'400'123);
  CHECK(wire_text::parse_datetime("1970-01-01T09:00:01+09:00").value == 1'000);
}

TEST_CASE("what is not a time reads as none", "[unit][wire]") {
  for (const auto* text :
       {"", "2026-01-21", "2026-01-21 10:30:00", "2026-02-30T10:30:00", "2026-01-21T24:00:00",
        "2026-01-21T10:60:00", "2026-01-21T10:30:61", "2026-01-21T10:30:00.", "20260121103000",
        "2026-01-21T10:30:00+9", "2026-01-21T10:30:00+09:00x", "2026-01-21T10:30:0a",
        "2026-13-01T00:00:00", "-026-01-21T10:30:00", "2026-01-21T10:30:00+19:00"}) {
    INFO(text);
    CHECK(wire_text::parse_datetime(text).value == 0);
  }
}

TEST_CASE("text is cut between code points", "[unit][wire]") {
  CHECK(wire_text::first_code_points("가나다", 2) == "가나");
  CHECK(wire_text::first_code_points("가나다", 3) == "가나다");
  CHECK(wire_text::first_code_points("가나다", 0).empty());
  CHECK(wire_text::first_code_points("a😀b", 2) == "a😀");
}

TEST_CASE("subjects match as NATS matches them", "[unit][wire]") {
  CHECK(subject_matches("a.b", "a.b"));
  CHECK(subject_matches("a.*", "a.b"));
  CHECK(subject_matches("a.>", "a.b.c"));
  CHECK(subject_matches(">", "a"));
  CHECK(subject_matches("", "a.b"));
  CHECK_FALSE(subject_matches("a.>", "a"));
  CHECK_FALSE(subject_matches("a.*", "a"));
  CHECK_FALSE(subject_matches("a.*", "a.b.c"));
  CHECK_FALSE(subject_matches("a.b", "a.b.c"));
  CHECK_FALSE(subject_matches("a.b.c", "a.b"));
  CHECK_FALSE(subject_matches("a", "ab"));
}
