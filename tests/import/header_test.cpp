// What is refused before a single row is judged: headers and encodings.
#include <string>

#include "apps/import/encoding.hpp"
#include "domain/rejection.hpp"
#include "tests/catch.hpp"
#include "tests/import/session_fixture.hpp"

namespace {

using namespace bestow;
using namespace bestow::testing;
using domain::rejection;

constexpr const char* voucher_header =
    "voucher_target_id,promotion_id,customer_uid,voucher_number,merchant_code,merchant_brand_code,"
    "amount,is_withdrawal,valid_until,reason,partition_key,publish_status";
constexpr const char* point_header =
    "point_target_id,promotion_id,customer_uid,amount,expiry_at,reason,partition_key,"
    "publish_status";

TEST_CASE("a header with every column of its type is read", "[unit][import]") {
  CHECK_FALSE(run_session(std::string{voucher_header} + "\n", voucher_rules()).refused);
  CHECK_FALSE(run_session(std::string{point_header} + "\n", point_rules()).refused);
  CHECK_FALSE(run_session("customer_uid", point_rules()).refused);
  CHECK_FALSE(run_session("\xEF\xBB\xBF\"customer_uid\",\"amount\"\r\n", point_rules()).refused);
  CHECK_FALSE(run_session("is_withdrawal,merchant_brand_code,merchant_code,voucher_number,"
                          "customer_uid\n",
                          voucher_rules())
                  .refused);
}

TEST_CASE("a wrong header is refused by name and says what is allowed", "[unit][import]") {
  struct {
    std::string text;
    promotion_type type;
    rejection why;
    std::string says;
  } const table[] = {
      {"", promotion_type::point, rejection::input_header_missing, "customer_uid"},
      {"\xEF\xBB\xBF", promotion_type::point, rejection::input_header_missing, "customer_uid"},
      {"\n1\n", promotion_type::point, rejection::input_header_missing, "customer_uid"},
      {",,\n1\n", promotion_type::point, rejection::input_header_missing, "customer_uid"},
      {"\"customer_uid\n", promotion_type::point, rejection::input_header_missing, "quotes"},
      {std::string(limits::import_row_bytes_max + 1, 'a') + "\n1\n", promotion_type::point,
       rejection::input_header_too_long, "bytes"},
      {"customer_uid," + std::string(100'000, 'x'), promotion_type::point,
       rejection::input_header_too_long, "bytes"},
      {"customer_uid,amonut\n", promotion_type::point, rejection::input_header_unknown_field,
       "'amonut'"},
      {"customer_uid, amount\n", promotion_type::point, rejection::input_header_unknown_field,
       "' amount'"},
      {"Customer_UID\n", promotion_type::point, rejection::input_header_unknown_field,
       "customer_uid"},
      {"1,100\n2,200\n", promotion_type::point, rejection::input_header_unknown_field, "'1'"},
      {"customer_uid,voucher_number\n", promotion_type::point,
       rejection::input_header_unknown_field, "'voucher_number'"},
      {"voucher_target_id,customer_uid\n", promotion_type::point,
       rejection::input_header_unknown_field, "point_target_id"},
      {"customer_uid,expiry_at\n", promotion_type::voucher, rejection::input_header_unknown_field,
       "valid_until"},
      {"customer_uid,published_at\n", promotion_type::point, rejection::input_header_unknown_field,
       "'published_at'"},
      {"customer_uid,amount,customer_uid\n", promotion_type::point,
       rejection::input_header_duplicate_field, "customer_uid"},
      {"amount,reason\n", promotion_type::point, rejection::input_header_lacks_required_field,
       "customer_uid"},
      {"voucher_number,merchant_code,merchant_brand_code,is_withdrawal\n", promotion_type::voucher,
       rejection::input_header_lacks_required_field, "customer_uid"},
      {"customer_uid,merchant_code,merchant_brand_code,is_withdrawal\n", promotion_type::voucher,
       rejection::input_header_lacks_required_field, "voucher_number"},
      {"customer_uid,voucher_number,merchant_brand_code,is_withdrawal\n", promotion_type::voucher,
       rejection::input_header_lacks_required_field, "merchant_code"},
      {"customer_uid,voucher_number,merchant_code,is_withdrawal\n", promotion_type::voucher,
       rejection::input_header_lacks_required_field, "merchant_brand_code"},
      {"customer_uid,voucher_number,merchant_code,merchant_brand_code\n", promotion_type::voucher,
       rejection::input_header_lacks_required_field, "is_withdrawal"},
  };
  for (const auto& t : table) {
    INFO(t.text.substr(0, 100));
    auto rules = t.type == promotion_type::voucher ? voucher_rules() : point_rules();
    const auto out = run_session(t.text, rules);
    REQUIRE(out.refused);
    CHECK(name_of(out.refused->why) == name_of(t.why));
    INFO(out.refused->detail);
    CHECK(out.refused->detail.find(t.says) != std::string::npos);
    const auto bytewise = run_session(t.text.substr(0, 3'000), rules, import_format::csv,
                                      [] { return std::size_t{1}; });
    REQUIRE(bytewise.refused);
  }
}

/// "한글" and a rare extended syllable in CP949.
constexpr const char* cp949_text = "\xC7\xD1\xB1\xDB \x8C\x63";

TEST_CASE("a CP949 file is refused by that name", "[unit][import]") {
  std::string rows = "customer_uid,reason\n";
  for (int i = 1; i < 50; ++i) rows += std::to_string(i) + ",\n";
  rows += std::string{"50,"} + cp949_text + "\n";
  const auto out = run_session(rows, point_rules());
  REQUIRE(out.refused);
  CHECK(out.refused->why == rejection::input_encoding_cp949);
  const auto header =
      run_session(std::string{"customer_uid,"} + cp949_text + "\n1,2\n", point_rules());
  REQUIRE(header.refused);
  CHECK(header.refused->why == rejection::input_encoding_cp949);
  const auto lines =
      run_session(std::string{"{\"customer_uid\":1,\"reason\":\""} + cp949_text + "\"}\n",
                  point_rules(), import_format::ndjson);
  REQUIRE(lines.refused);
  CHECK(lines.refused->why == rejection::input_encoding_cp949);
}

TEST_CASE("a file in another encoding is refused as not UTF-8", "[unit][import]") {
  const std::string utf16{
      "\xFF\xFE"
      "c\0u\0s\0t\0o\0m\0e\0r\0\n\0001\0\n\0",
      24};
  const auto wide = run_session(utf16, point_rules());
  REQUIRE(wide.refused);
  CHECK(wide.refused->why == rejection::input_encoding_not_utf8);
  const auto header = run_session("customer_uid\xFF\n1\n", point_rules());
  REQUIRE(header.refused);
  CHECK(header.refused->why == rejection::input_encoding_not_utf8);
}

TEST_CASE("one broken character in a UTF-8 file is its row's trouble", "[unit][import]") {
  const auto out =
      run_session("customer_uid,reason\n1,새해\n2,\xFF\xFE\n3,\xED\x95\n4,맞이\n", point_rules());
  REQUIRE_FALSE(out.refused);
  REQUIRE(out.bad_rows.size() == 2);
  CHECK(out.bad_rows[0].line == 3);
  CHECK(out.bad_rows[0].code == "text_not_utf8");
  CHECK(out.bad_rows[1].line == 4);
  CHECK(out.bad_rows[1].code == "text_not_utf8");
  CHECK(out.customers == std::vector<std::uint64_t>{1, 4});
}

TEST_CASE("broken characters far into a file are their rows' trouble", "[unit][import]") {
  std::string text = "customer_uid,reason\n";
  std::uint64_t customer = 0;
  while (text.size() < 100'000) text += std::to_string(++customer) + ",reason\n";
  text += std::to_string(++customer) + "," + cp949_text + "\n";
  const auto out = run_session(text, point_rules());
  REQUIRE_FALSE(out.refused);
  REQUIRE(out.bad_rows.size() == 1);
  CHECK(out.bad_rows[0].code == "text_not_utf8");
  CHECK(out.bad_rows[0].line == customer + 1);
  INFO(out.bad_rows[0].detail);
  CHECK(out.bad_rows[0].detail.find("CP949") != std::string::npos);
  CHECK(out.bad_rows[0].detail.find("--encoding cp949") != std::string::npos);
}

TEST_CASE("CP949 is told from stray bytes by its pairs", "[unit][import]") {
  CHECK(importing::looks_like_cp949(cp949_text));
  CHECK_FALSE(importing::looks_like_cp949("plain"));
  CHECK_FALSE(importing::looks_like_cp949("caf\xE9s"));
  CHECK_FALSE(importing::looks_like_cp949("caf\xE9,1"));
  CHECK_FALSE(importing::looks_like_cp949("\xFF\xFE"));
  CHECK_FALSE(importing::looks_like_cp949("\xC7"));
  CHECK_FALSE(importing::looks_like_cp949("\x80\x80"));
}

}  // namespace
