// Fields of one NDJSON line.
#include "apps/import/ndjson_reader.hpp"

#include <string>

#include "tests/catch.hpp"

namespace {

using namespace bestow;
using domain::row_field;
using domain::row_rejection;

auto text(const importing::ndjson_reader& reader, row_field f) -> std::string {
  return std::string{reader.row().get(f).value_or("<none>")};
}

TEST_CASE("numbers are handed on as they were written", "[unit][import]") {
  importing::ndjson_reader reader{promotion_type::voucher};
  REQUIRE_FALSE(reader.read(
      R"( {"voucher_target_id": 9223372036854775807 ,"customer_uid":"12","amount":10000.00,)"
      R"("is_withdrawal":true,"reason":"새해 \"맞이\"","valid_until":null} )"));
  CHECK(text(reader, row_field::target_id) == "9223372036854775807");
  CHECK(text(reader, row_field::customer_uid) == "12");
  CHECK(text(reader, row_field::amount) == "10000.00");
  CHECK(text(reader, row_field::is_withdrawal) == "true");
  CHECK(text(reader, row_field::reason) == "새해 \"맞이\"");
  CHECK(text(reader, row_field::expiry) == "<none>");
  REQUIRE_FALSE(reader.read(R"({"is_withdrawal":false,"amount":1e3})"));
  CHECK(text(reader, row_field::is_withdrawal) == "false");
  CHECK(text(reader, row_field::amount) == "1e3");
  CHECK(text(reader, row_field::customer_uid) == "<none>");
  REQUIRE_FALSE(reader.read("{}"));
}

TEST_CASE("a line that is not one flat object with known names is malformed", "[unit][import]") {
  struct {
    std::string line;
    std::string named;
  } const table[] = {
      {R"({"customer_uid":1,"customer_id":2})", "customer_id"},
      {R"({"customer_uid":1,"customer_uid":2})", "customer_uid stands twice"},
      {R"({"customer_uid":1,"reason":null,"reason":"x"})", "reason stands twice"},
      {R"({"customer_uid":{"a":1}})", "customer_uid"},
      {R"({"customer_uid":[1]})", "customer_uid"},
      {R"({"customer_uid":true})", "customer_uid"},
      {R"({"customer_uid":truth})", "customer_uid is not a JSON value"},
      {R"({"is_withdrawal":nope})", ""},
      {R"({"reason":nul})", "reason is not a JSON value"},
      {R"({"reason":nullx})", ""},
      {R"({"customer_uid":12abc})", "customer_uid"},
      {R"({"customer_uid":-})", "customer_uid"},
      {R"({"customer_uid":01})", "customer_uid"},
      {R"({"customer_uid":1.})", "customer_uid"},
      {R"({"customer_uid":1} {"customer_uid":2})", "more than one"},
      {R"({"customer_uid":1}x)", ""},
      {R"({"customer_uid":1)", "cut short"},
      {R"({"customer_uid":"1)", ""},
      {R"({"customer_uid" 1})", ""},
      {R"({"customer_uid":1,})", ""},
      {R"({customer_uid:1})", ""},
      {R"({"reason":"\ud800"})", ""},
      {R"([1])", "begins with '[1]'"},
      {R"(1)", "begins with '1'"},
      {R"("text")", "one JSON object"},
      {R"(null)", "begins with 'null'"},
      {R"( customer_uid,amount)", "begins with 'customer_uid,amo'"},
      {"{\"reason\":\"a\tb\"}", ""},
      {std::string{"{\"reason\":\"a\0b\"}", 16}, ""},
      {R"({"voucher_number":"V"})", "voucher_number"},
  };
  importing::ndjson_reader reader{promotion_type::point};
  for (const auto& t : table) {
    INFO(t.line);
    const auto refused = reader.read(t.line);
    REQUIRE(refused);
    CHECK(refused->code == row_rejection::row_malformed);
    CHECK(refused->field == row_field::record);
    INFO(refused->detail);
    CHECK(refused->detail.find(t.named) != std::string::npos);
    REQUIRE_FALSE(reader.read(R"({"customer_uid":5})"));
    CHECK(text(reader, row_field::customer_uid) == "5");
  }
}

TEST_CASE("a line that is not UTF-8 is refused by that name", "[unit][import]") {
  importing::ndjson_reader reader{promotion_type::point};
  const auto refused = reader.read("{\"reason\":\"\xC7\xD1\"}");
  REQUIRE(refused);
  CHECK(refused->code == row_rejection::text_not_utf8);
}

}  // namespace
