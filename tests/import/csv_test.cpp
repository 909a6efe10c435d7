// Fields of one CSV record.
#include "apps/import/csv_reader.hpp"

#include <string>
#include <vector>

#include "tests/catch.hpp"

namespace {

using namespace bestow;
using fields = std::vector<std::string>;

auto split(importing::csv_reader& reader, std::string_view record) -> fields {
  const auto cells = reader.split(record);
  if (!cells) return {"<malformed>"};
  return {cells->begin(), cells->end()};
}

TEST_CASE("fields are those of RFC 4180", "[unit][import]") {
  importing::csv_reader reader;
  CHECK(split(reader, "a,b,c") == fields{"a", "b", "c"});
  CHECK(split(reader, ",,") == fields{"", "", ""});
  CHECK(split(reader, "a") == fields{"a"});
  CHECK(split(reader, " a , b ") == fields{" a ", " b "});
  CHECK(split(reader, "\"a\",b") == fields{"a", "b"});
  CHECK(split(reader, "\" a \",b ") == fields{" a ", "b "});
  CHECK(split(reader, "\"a,b\",\"c\"\"d\"") == fields{"a,b", "c\"d"});
  CHECK(split(reader, "\"a\nb\r\nc\",d") == fields{"a\nb\r\nc", "d"});
  CHECK(split(reader, "\"\",\"\"") == fields{"", ""});
  CHECK(split(reader, "a,\"\"") == fields{"a", ""});
  CHECK(split(reader, "\"a\",") == fields{"a", ""});
  CHECK(split(reader, std::string_view{"a\0b,\"c\0\"", 8}) ==
        fields{std::string{"a\0b", 3}, std::string{"c\0", 2}});
  CHECK(split(reader, "\"새해, 맞이\",1") == fields{"새해, 맞이", "1"});
}

TEST_CASE("a misplaced quote makes the record malformed and harms no other", "[unit][import]") {
  importing::csv_reader reader;
  for (const auto* bad :
       {"a\"b", "\"a\"b", "\"a", "a,\"b", "\"a\" ,b", "\"", "\"a\"\r", "a,b\"c\""}) {
    INFO(bad);
    CHECK(split(reader, bad) == fields{"<malformed>"});
    CHECK(split(reader, "\"x\",y") == fields{"x", "y"});
  }
}

}  // namespace
