// Records, lines, offsets and hashes of an input, however its bytes are cut.
#include "apps/import/input_records.hpp"

#include <string>
#include <vector>

#include "events/clock.hpp"
#include "tests/catch.hpp"
#include "tests/import/session_fixture.hpp"

namespace {

using namespace bestow;
using bestow::testing::cut;
using bestow::testing::random_cut;
using bestow::testing::whole;
using importing::input_records;

struct seen_record {
  std::string text;
  std::uint64_t line{0};
  std::uint64_t byte_end{0};
  bool too_long{false};
  std::string digest;
  auto operator==(const seen_record&) const -> bool = default;
};
auto operator<<(std::ostream& out, const seen_record& r) -> std::ostream& {
  return out << r.line << ":" << r.byte_end << (r.too_long ? " too long " : " ")
             << r.text.substr(0, 80);
}

auto records_of(std::string_view text, import_format format, const cut& next = whole())
    -> std::vector<seen_record> {
  input_records records{format};
  std::vector<seen_record> seen;
  const auto drain = [&] {
    while (const auto r = records.next())
      seen.push_back({std::string{r->text}, r->line, r->byte_end, r->too_long,
                      to_hex(records.digest_so_far())});
  };
  while (!text.empty()) {
    const auto bytes = std::min(text.size(), next());
    records.push(text.substr(0, bytes));
    text.remove_prefix(bytes);
    drain();
  }
  records.end();
  drain();
  return seen;
}

auto texts_of(std::string_view text) -> std::vector<std::string> {
  std::vector<std::string> texts;
  for (auto& r : records_of(text, import_format::csv)) texts.push_back(r.text);
  return texts;
}
using texts = std::vector<std::string>;

TEST_CASE("a CSV record ends at the first line end outside quotes", "[unit][import]") {
  CHECK(texts_of("a,b\nc,d\n") == texts{"a,b", "c,d"});
  CHECK(texts_of("a,b\r\nc,d\r\n") == texts{"a,b", "c,d"});
  CHECK(texts_of("a,\"b\nc\",d\ne\n") == texts{"a,\"b\nc\",d", "e"});
  CHECK(texts_of("\"a\"\"\n\"\"b\"\nc\n") == texts{"\"a\"\"\n\"\"b\"", "c"});
  CHECK(texts_of("\"\",\"\"\nc") == texts{"\"\",\"\"", "c"});
  CHECK(texts_of("").empty());
  CHECK(texts_of("\n\na") == texts{"", "", "a"});
  CHECK(texts_of("a,b") == texts{"a,b"});
}

TEST_CASE("a stray quote spoils its own line only", "[unit][import]") {
  CHECK(texts_of("a,5\" tv,\"x\nb\n") == texts{"a,5\" tv,\"x", "b"});
  CHECK(texts_of("\"a\"b,\"c\nd\n") == texts{"\"a\"b,\"c", "d"});
  CHECK(texts_of("a\"\nb\n") == texts{"a\"", "b"});
  CHECK(texts_of("\"a\" ,b\nc\n") == texts{"\"a\" ,b", "c"});
}

TEST_CASE("a quote that nothing closes costs its own line only", "[unit][import]") {
  CHECK(texts_of("a\n\"b,c\nd\n") == texts{"a", "\"b,c", "d"});
  CHECK(texts_of("a,\"b\nc,d\ne,f") == texts{"a,\"b", "c,d", "e,f"});
  CHECK(texts_of("a,\"b\r\nc\r\n") == texts{"a,\"b", "c"});
  CHECK(texts_of("\"a") == texts{"\"a"});
  CHECK(texts_of("\"a\n") == texts{"\"a"});
  // Two of them: each its own line.
  CHECK(texts_of("1,\"x\n2,y\n3,\"x\n4,y\n") == texts{"1,\"x", "2,y", "3,\"x", "4,y"});
  CHECK(texts_of("1,\"x\n2,\"\n3,y\n") == texts{"1,\"x\n2,\"", "3,y"});
}

TEST_CASE("a quote followed by more than a comma, lines later, costs its first line only",
          "[unit][import]") {
  CHECK(texts_of("1,\"x\n2,\"y\",z\n3\n") == texts{"1,\"x", "2,\"y\",z", "3"});
  CHECK(texts_of("1,\"x\n2,y\"\rz\n3\n") == texts{"1,\"x", "2,y\"\rz", "3"});
  CHECK(texts_of("1,\"x\ny\",a\"b\n3\n") == texts{"1,\"x", "y\",a\"b", "3"});
}

TEST_CASE("a record of several lines ends with CRLF too", "[unit][import]") {
  CHECK(texts_of("1,\"x\r\ny\"\r\n2\r\n") == texts{"1,\"x\r\ny\"", "2"});
  CHECK(texts_of("1,\"x\ny\"\r") == texts{"1,\"x\ny\""});
}

TEST_CASE("a record has as many lines and bytes as the limits say, and no more",
          "[unit][import]") {
  std::string record = "\"";
  for (std::size_t i = 1; i < limits::import_row_lines_max; ++i) record += "x\n";
  CHECK(texts_of(record + "x\"\nb\n") == texts{record + "x\"", "b"});
  const auto split = texts_of(record + "x\nx\"\nb\n");
  REQUIRE(split.size() == limits::import_row_lines_max + 2);
  CHECK(split[0] == "\"x");
  CHECK(split[1] == "x");
  CHECK(split[split.size() - 2] == "x\"");
  CHECK(split.back() == "b");
  const std::string half(limits::import_row_bytes_max / 2 - 1, 'q');
  const auto most = "\"" + half + "\n" + half.substr(1) + "\"";
  REQUIRE(most.size() == limits::import_row_bytes_max);
  CHECK(texts_of(most + "\nb\n") == texts{most, "b"});
  const auto above = "\"" + half + "\n" + half + "\"";
  CHECK(texts_of(above + "\nb\n") == texts{"\"" + half, half + "\"", "b"});
}

TEST_CASE("the first line of a record can be asked for again", "[unit][import]") {
  input_records records{import_format::csv};
  records.push("h\n1,\"x\ny\",\"\"\r\n2\n");
  records.end();
  REQUIRE(records.next()->text == "h");
  const auto whole_record = records.next();
  REQUIRE(whole_record);
  CHECK(whole_record->text == "1,\"x\ny\",\"\"");
  CHECK(whole_record->line == 2);
  CHECK(whole_record->lines == 2);
  const auto first = records.first_line_again();
  CHECK(first.text == "1,\"x");
  CHECK(first.line == 2);
  CHECK(first.lines == 1);
  CHECK(first.cut);
  CHECK(first.byte_end == 7);
  const auto second = records.next();
  REQUIRE(second);
  CHECK(second->text == "y\",\"\"");
  CHECK(second->line == 3);
  const auto third = records.next();
  REQUIRE(third);
  CHECK(third->text == "2");
  CHECK(third->line == 4);
  CHECK_FALSE(records.next());
}

TEST_CASE("lines are counted where a record begins, offsets where it ends", "[unit][import]") {
  const auto seen = records_of("h\n\"x\ny\",1\r\n\nz", import_format::csv);
  REQUIRE(seen.size() == 4);
  CHECK(seen[0].line == 1);
  CHECK(seen[0].byte_end == 2);
  CHECK(seen[1].line == 2);
  CHECK(seen[1].byte_end == 11);
  CHECK(seen[2].line == 4);
  CHECK(seen[3].line == 5);
  CHECK(seen[3].byte_end == 13);
  CHECK(seen[1].digest == to_hex(importing::sha256_of("h\n\"x\ny\",1\r\n")));
  CHECK(seen[3].digest == to_hex(importing::sha256_of("h\n\"x\ny\",1\r\n\nz")));
}

TEST_CASE("a record longer than the limit is cut, and the next one is whole", "[unit][import]") {
  const auto format = GENERATE(import_format::csv, import_format::ndjson);
  const std::string exact(limits::import_row_bytes_max, 'x');
  const auto seen = records_of(exact + "\n" + exact + "y\nz\n", format);
  REQUIRE(seen.size() == 3);
  CHECK_FALSE(seen[0].too_long);
  CHECK(seen[0].text == exact);
  CHECK(seen[1].too_long);
  CHECK(seen[1].text.size() == 1'024);
  CHECK_FALSE(seen[2].too_long);
  CHECK(seen[2].text == "z");
  CHECK(seen[2].line == 3);
  CHECK(seen[2].byte_end == 2 * exact.size() + 5);
}

/// Text full of what can go wrong.
auto hostile_text(std::uint64_t seed) -> std::string {
  seeded_randomness random{seed};
  std::string text;
  while (text.size() < 300'000) {
    switch (random.next() % 14) {
      case 0:
        text += '"';
        break;
      case 1:
        text += ',';
        break;
      case 2:
        text += '\n';
        break;
      case 3:
        text += "\r\n";
        break;
      case 4:
        text += '\r';
        break;
      case 5:
        text += '\0';
        break;
      case 6:
        text += "\"\"";
        break;
      case 7:
        text += "\",\"";
        break;
      case 8:
        text += "가나다";
        break;
      case 9:
        text += "\"\n";
        break;
      case 10:
        if (random.next() % 40 == 0) text.append(random.next() % 150'000, 'q');
        break;
      default:
        text.append(1 + random.next() % 30, 'a');
        break;
    }
  }
  return text;
}

TEST_CASE("records do not depend on how the bytes are cut", "[unit][import]") {
  const auto format = GENERATE(import_format::csv, import_format::ndjson);
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    INFO("seed " << seed);
    const auto text = hostile_text(seed);
    const auto expected = records_of(text, format);
    REQUIRE(expected.back().byte_end == text.size());
    REQUIRE(expected.back().digest == to_hex(importing::sha256_of(text)));
    REQUIRE(records_of(text, format, random_cut(seed * 1'000)) == expected);
  }
  const auto text = hostile_text(77).substr(0, 40'000);
  REQUIRE(records_of(text, format, [] { return std::size_t{1}; }) == records_of(text, format));
}

}  // namespace
