#include <fmt/format.h>
#include <rapidcheck.h>

#include <limits>
#include <string>
#include <vector>

#include "domain/target_row.hpp"
#include "tests/catch.hpp"

namespace bestow::domain::test {
namespace {

auto compact(timestamp t) -> std::string {
  std::string out;
  append_seoul_compact(out, t);
  return out;
}
auto iso(timestamp t) -> std::string {
  std::string out;
  append_seoul_iso(out, t);
  return out;
}

}  // namespace

TEST_CASE("times are read in every accepted form", "[unit][time]") {
  struct good {
    std::string_view text;
    std::int64_t ms;
  };
  for (const auto& g : {
           good{"2026-01-21T01:30:00Z", 1'768'959'000'000},
           good{"2026-01-21t01:30:00z", 1'768'959'000'000},
           good{"2026-01-21 01:30:00Z", 1'768'959'000'000},
           good{"2026-01-21T10:30:00+09:00", 1'768'959'000'000},
           good{"2026-01-20T20:30:00-05:00", 1'768'959'000'000},
           good{"2026-01-21T07:15:00+05:45", 1'768'959'000'000},
           good{"2026-01-21T01:30:00.5Z", 1'768'959'000'500},
           good{"2026-01-21T01:30:00.123456789+00:00", 1'768'959'000'123},
           good{"20260121103000", 1'768'959'000'000},
           good{"2026-01-21 10:30:00", 1'768'959'000'000},
           good{"2026-01-21T10:30:00", 1'768'959'000'000},
           good{"1970-01-01T00:00:00Z", 0},
           good{"1970-01-01T09:00:00", 0},
           good{"1969-12-31T23:59:59.999Z", -1},
           good{"2028-02-29T00:00:00Z", 1'835'395'200'000},
           good{"2000-02-29T00:00:00Z", 951'782'400'000},
           good{"99991231235959", 253'402'268'399'000},
       }) {
    CAPTURE(g.text);
    const auto t = parse_time(g.text);
    REQUIRE(t.has_value());
    CHECK(t->value == g.ms);
  }
}

TEST_CASE("what is no time, or no such day, is refused", "[unit][time]") {
  for (const auto* text : {"",
                           "2026",
                           "20260121",
                           "2026012110300",
                           "202601211030000",
                           "2026-01-21",
                           "20260230000000",
                           "20261301000000",
                           "20260100000000",
                           "20260001000000",
                           "20250229000000",
                           "21000229000000",
                           "20260121240000",
                           "20260121106000",
                           "20260121103060",
                           "2026-01-21T10:30",
                           "2026-02-30 10:00:00",
                           "2026/01/21 10:30:00",
                           "2026-01-21_10:30:00",
                           "2026-01-21T10:30:00.",
                           "2026-01-21T10:30:00.5",
                           "2026-01-21T10:30:00.Z",
                           "2026-01-21T10:30:00+0900",
                           "2026-01-21T10:30:00+09",
                           "2026-01-21T10:30:00+24:00",
                           "2026-01-21T10:30:00+09:60",
                           "2026-01-21T10:30:00 09:00",
                           "2026-01-21T10:30:00Zx",
                           "2026-01-21T10:30:60Z",
                           "2026-01-21T24:00:00Z",
                           "-026-01-21T10:30:00",
                           "2026-01-21T1a:30:00",
                           "2026012110300x",
                           " 20260121103000",
                           "20260121103000 ",
                           "9999-12-31T23:59:59Z",
                           "0000-01-01T00:00:00+23:59",
                           "2026-01-21t10:30:00"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_time(text).has_value());
  }
}

TEST_CASE("messages show times in Seoul", "[unit][time]") {
  CHECK(compact(timestamp{1'768'959'000'000}) == "20260121103000");
  CHECK(iso(timestamp{1'768'959'000'999}) == "2026-01-21T10:30:00");
  CHECK(compact(timestamp{1'798'729'199'000}) == "20261231235959");
  CHECK(compact(timestamp{0}) == "19700101090000");
  CHECK(compact(timestamp{-1}) == "19700101085959");
  CHECK(to_rfc3339(timestamp{1'768'959'000'007}) == "2026-01-21T01:30:00.007Z");
  std::string out = "before ";
  append_seoul_compact(out, timestamp{0});
  CHECK(out == "before 19700101090000");
}

TEST_CASE("a time without a year of four digits shows the nearest that has one", "[unit][time]") {
  CHECK(compact(timestamp{std::numeric_limits<std::int64_t>::max()}) == "99991231235959");
  CHECK(compact(timestamp{std::numeric_limits<std::int64_t>::min()}) == "00000101000000");
}

TEST_CASE("what a message shows is read back to the second", "[unit][time][property]") {
  CHECK(rc::check([] {
    const auto t = *rc::gen::inRange<std::int64_t>(-62'167'251'600'000, 253'402'268'400'000);
    const auto whole_second = t - ((t % 1'000) + 1'000) % 1'000;
    RC_ASSERT(compact(timestamp{t}).size() == 14U);
    RC_ASSERT(parse_time(compact(timestamp{t})) == timestamp{whole_second});
    RC_ASSERT(parse_time(iso(timestamp{t})) == timestamp{whole_second});
  }));
}

TEST_CASE("RFC 3339 text is read back to the millisecond", "[unit][time][property]") {
  CHECK(rc::check([] {
    const auto t = timestamp{*rc::gen::inRange<std::int64_t>(0, 253'402'268'400'000)};
    RC_ASSERT(parse_time(to_rfc3339(t)) == t);
  }));
}

TEST_CASE("days follow each other without gap over 10,000 years", "[unit][time]") {
  // An oracle that only knows month lengths and the leap rule.
  int y = 0, m = 1, d = 1;
  std::int64_t midnight = -62'167'219'200'000 - 9 * 3'600'000;
  const auto length = [&] {
    static constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return m == 2 && leap ? 29 : days[m - 1];
  };
  std::size_t wrong = 0;
  for (; y < 10'000; midnight += 86'400'000) {
    const auto text = fmt::format("{:04}{:02}{:02}000000", y, m, d);
    if (compact(timestamp{midnight}) != text || parse_time(text) != timestamp{midnight}) ++wrong;
    if (++d <= length()) continue;
    d = 1;
    if (++m <= 12) continue;
    m = 1;
    ++y;
  }
  CHECK(wrong == 0);
}

}  // namespace bestow::domain::test
