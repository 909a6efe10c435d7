// Hostile inputs, seeded: the readers neither crash nor hang, and where the bytes are cut changes
// nothing. BESTOW_FUZZ_SEEDS sets how many inputs (2,500).
#include <cstdlib>
#include <string>
#include <vector>

#include "apps/import/input_records.hpp"
#include "events/clock.hpp"
#include "tests/catch.hpp"
#include "tests/effort.hpp"
#include "tests/import/session_fixture.hpp"

namespace {

using namespace bestow;
using namespace bestow::testing;

auto seeds() -> std::uint64_t {
  const auto* wanted = std::getenv("BESTOW_FUZZ_SEEDS");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : tests::rounds_here(2'500);
}

constexpr std::string_view csv_header = "customer_uid,amount,expiry_at,reason,partition_key\n";

auto pick(seeded_randomness& random, const std::vector<std::string>& from) -> const std::string& {
  return from[random.next() % from.size()];
}

/// Rows that are good more often than not, then bytes changed, put in and taken out.
auto csv_input(std::uint64_t seed) -> std::string {
  static const std::vector<std::string> amounts{"", "1", "10000", "1.00", "\"10,000\"", "-1", "1e9",
                                                "9223372036854775808"};
  static const std::vector<std::string> times{"", "20991231235959", "2099-12-31 23:59:59",
                                              "2099-02-30 00:00:00", "20200101000000", "x"};
  static const std::vector<std::string> reasons{
      "", "plain", "새해맞이", "\"two\nlines\"", "\"a \"\"b\"\"\"", "\"open", "5\" tv", "\"x\"y",
      "=1+1", "\xC7\xD1\xB1\xDB", std::string("a\0b", 3), "\"\r\n\""};
  static const std::vector<std::string> ends{"\n", "\n", "\n", "\r\n", "\n\n", "\r", ",\n"};
  seeded_randomness random{seed};
  std::string text{csv_header};
  const auto rows = 1 + random.next() % 400;
  for (std::uint64_t i = 0; i < rows; ++i) {
    text += random.next() % 10 == 0 ? pick(random, reasons)
                                    : std::to_string(random.next() % 100'000);
    text += ',' + pick(random, amounts) + ',' + pick(random, times) + ',' + pick(random, reasons);
    text += ',' + std::to_string(random.next() % 18) + pick(random, ends);
    if (random.next() % 300 == 0) text += "\"" + std::string(random.next() % 90'000, 'q');
  }
  return text;
}

auto json_input(std::uint64_t seed) -> std::string {
  static const std::vector<std::string> values{
      "1", "\"2\"", "1.5", "-0", "01", "1e3", "null", "nul", "true", "[1]", "{\"a\":1}", "\"새해\"",
      "\"\\ud83c\\udf81\"", "\"\\ud800\"", "\"open", "\"\xC7\xD1\"", "\"\\u0000\"", "",
      "9223372036854775808"};
  static const std::vector<std::string> names{"customer_uid", "amount", "reason", "partition_key",
                                              "colour", "customer\\u005fuid",
                                              "\xFF"};
  static const std::vector<std::string> ends{"}\n",   "}\n", "}\n",    "}\r\n",
                                             "}", "\n",  "} {\n", ",}\n"};
  seeded_randomness random{seed};
  std::string text;
  const auto rows = 1 + random.next() % 400;
  for (std::uint64_t i = 0; i < rows; ++i) {
    text += "{\"customer_uid\":" + std::to_string(i + 1);
    for (auto fields = random.next() % 3; fields > 0; --fields)
      text += ",\"" + pick(random, names) + "\":" + pick(random, values);
    text += pick(random, ends);
    if (random.next() % 300 == 0) text += std::string(random.next() % 90'000, '[');
  }
  return text;
}

auto mutated(std::string text, std::uint64_t seed) -> std::string {
  seeded_randomness random{seed};
  for (auto times = random.next() % 6; times > 0; --times) {
    const auto at = random.next() % text.size();
    switch (random.next() % 4) {
      case 0:
        text[at] = static_cast<char>(random.next());
        break;
      case 1:
        text.insert(at, 1, "\"\n,\r\\{}\0"[random.next() % 8]);
        break;
      case 2:
        text.erase(at, 1 + random.next() % 40);
        break;
      default:
        text.insert(at, text.substr(random.next() % text.size(), random.next() % 2'000));
    }
    if (text.empty()) text = "\n";
  }
  return text;
}

void check_same(const session_outcome& a, const session_outcome& b) {
  REQUIRE(a.refused.has_value() == b.refused.has_value());
  if (a.refused) {
    REQUIRE(a.refused->why == b.refused->why);
    return;
  }
  REQUIRE(a.rows == b.rows);
  REQUIRE(a.bytes == b.bytes);
  REQUIRE(a.sha256 == b.sha256);
  REQUIRE(a.customers == b.customers);
  REQUIRE(a.reasons == b.reasons);
  REQUIRE(a.bad_rows.size() == b.bad_rows.size());
  for (std::size_t i = 0; i < a.bad_rows.size(); ++i) {
    REQUIRE(a.bad_rows[i].line == b.bad_rows[i].line);
    REQUIRE(a.bad_rows[i].field == b.bad_rows[i].field);
    REQUIRE(a.bad_rows[i].code == b.bad_rows[i].code);
    REQUIRE(a.bad_rows[i].detail == b.bad_rows[i].detail);
    REQUIRE(a.bad_rows[i].original == b.bad_rows[i].original);
  }
  REQUIRE(a.chunks.size() == b.chunks.size());
  for (std::size_t i = 0; i < a.chunks.size(); ++i) {
    REQUIRE(a.chunks[i].byte_end == b.chunks[i].byte_end);
    REQUIRE(a.chunks[i].chunk.facts.prefix_sha256 == b.chunks[i].chunk.facts.prefix_sha256);
  }
}

TEST_CASE("a hostile input gets one answer, however its bytes are cut", "[unit][import]") {
  const auto format = GENERATE(import_format::csv, import_format::ndjson);
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
    INFO("seed " << seed);
    const auto text = mutated(format == import_format::csv ? csv_input(seed) : json_input(seed),
                              seed + 1'000'000);
    const auto expected = run_session(text, point_rules(), format);
    check_same(run_session(text, point_rules(), format, random_cut(seed)), expected);
  }
}

TEST_CASE("a hostile input read as CP949 gets one answer too", "[unit][import]") {
  for (std::uint64_t seed = 1; seed <= seeds() / 4; ++seed) {
    INFO("seed " << seed);
    const auto text = mutated(csv_input(seed), seed + 2'000'000);
    const auto run = [&](const cut& next) {
      auto converter = importing::text_converter::open_cp949();
      REQUIRE(converter);
      return run_session(text, point_rules(), import_format::csv, next, {}, std::move(*converter));
    };
    check_same(run(random_cut(seed)), run(whole()));
  }
}

/// What a record is, said again in the plainest way: one pass from its beginning.
auto record_end(std::string_view text, std::size_t begin) -> std::size_t {
  bool quoted = false;
  bool behind = false;  // Of a quote that closed or is doubled.
  bool cr = false;      // Behind that quote.
  bool fresh = true;    // At a field's beginning.
  std::size_t lines = 1;
  const auto broken = [&] {
    const auto line_end = text.find('\n', begin);
    return line_end == std::string_view::npos ? text.size() : line_end;
  };
  for (auto i = begin; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '"') {
        quoted = false;
        behind = true;
      } else if (c == '\n' && ++lines > limits::import_row_lines_max) {
        return broken();
      }
      continue;
    }
    if (c == '\n') return i - begin > limits::import_row_bytes_max ? broken() : i;
    if (behind) {
      if (c == '"' && !cr) {
        quoted = true;
        behind = false;
      } else if (c == ',' && !cr) {
        behind = false;
        fresh = true;
      } else if (c == '\r' && !cr) {
        cr = true;
      } else {
        return broken();
      }
      continue;
    }
    if (c == '"' && !fresh) return broken();
    quoted = c == '"';
    fresh = c == ',';
  }
  return quoted || text.size() - begin > limits::import_row_bytes_max ? broken() : text.size();
}

TEST_CASE("records of a hostile CSV end where the plainest reading says", "[unit][import]") {
  for (std::uint64_t seed = 1; seed <= seeds() / 2; ++seed) {
    INFO("seed " << seed);
    const auto text = mutated(csv_input(seed), seed + 3'000'000);
    importing::input_records records{import_format::csv};
    auto next = random_cut(seed);
    std::string_view rest{text};
    std::size_t begin = 0;
    std::uint64_t line = 1;
    const auto drain = [&] {
      while (const auto r = records.next()) {
        const auto end = record_end(text, begin);
        REQUIRE(r->byte_end == std::min(end + 1, text.size()));
        REQUIRE(r->line == line);
        for (auto i = begin; i < r->byte_end; ++i) line += text[i] == '\n' ? 1 : 0;
        begin = r->byte_end;
      }
    };
    while (!rest.empty()) {
      const auto bytes = std::min(rest.size(), next());
      records.push(rest.substr(0, bytes));
      rest.remove_prefix(bytes);
      drain();
    }
    records.end();
    drain();
    REQUIRE(begin == text.size());
  }
}

}  // namespace
