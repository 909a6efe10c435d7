#define XXH_INLINE_ALL
#include <xxhash.h>

#include <limits>
#include <string>
#include <vector>

#include "domain/target_row.hpp"
#include "tests/catch.hpp"

namespace bestow::domain::test {
namespace {

using f = row_field;
using r = row_rejection;

constexpr timestamp opened_at{1'768'959'000'000};  // 2026-01-21 10:30 in Seoul

auto rules(promotion_type type, unsigned exponent = 0) -> row_rules {
  return {promotion_id{7}, type, 16, exponent, opened_at};
}
auto voucher() -> raw_row {
  raw_row raw;
  raw.set(f::target_id, "1");
  raw.set(f::promotion_id, "7");
  raw.set(f::customer_uid, "12345");
  raw.set(f::voucher_number, "V-0001");
  raw.set(f::merchant_code, "MUSINSA");
  raw.set(f::merchant_brand_code, "STANDARD");
  raw.set(f::amount, "10000");
  raw.set(f::is_withdrawal, "false");
  raw.set(f::expiry, "20261231235959");
  raw.set(f::reason, "새해맞이 이벤트 상품권 지급");
  raw.set(f::partition_key, "3");
  raw.set(f::publish_status, "PENDING");
  return raw;
}
auto point() -> raw_row {
  raw_row raw;
  raw.set(f::customer_uid, "12345");
  return raw;
}
void check_refused(const raw_row& raw, const row_rules& by, f field, r code) {
  const auto judged = judge_row(raw, by);
  const auto* no = std::get_if<row_refusal>(&judged);
  REQUIRE(no != nullptr);
  CHECK(std::string{name_of(no->field, true)} == std::string{name_of(field, true)});
  CHECK(std::string{name_of(no->code)} == std::string{name_of(code)});
  const bool voucher = by.type == promotion_type::voucher;
  CHECK(no->detail.rfind(name_of(field, voucher), 0) == 0);
}
void check_good(const raw_row& raw, const row_rules& by) {
  const auto judged = judge_row(raw, by);
  const auto* no = std::get_if<row_refusal>(&judged);
  INFO((no ? no->detail : std::string{}));
  CHECK(no == nullptr);
}
auto repeated(std::string_view text, int times) -> std::string {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

struct bad {
  f field;
  std::string text;
  r code;
};
/// Bad values of one field, in the order the fields are judged.
auto bad_values() -> std::vector<bad> {
  return {
      {f::target_id, "x1", r::not_a_number},
      {f::target_id, "9223372036854775808", r::number_out_of_range},
      {f::target_id, "0", r::number_not_positive},
      {f::target_id, "-4", r::number_not_positive},
      {f::promotion_id, "seven", r::not_a_number},
      {f::promotion_id, "8", r::promotion_differs},
      {f::customer_uid, "", r::field_missing},
      {f::customer_uid, " 12", r::not_a_number},
      {f::customer_uid, "+12", r::not_a_number},
      {f::customer_uid, "1.0", r::not_a_number},
      {f::customer_uid, "-", r::not_a_number},
      {f::customer_uid, "18446744073709551616", r::number_out_of_range},
      {f::customer_uid, "99999999999999999999999999", r::number_out_of_range},
      {f::customer_uid, "0", r::number_not_positive},
      {f::voucher_number, "", r::field_missing},
      {f::voucher_number, repeated("가", 41), r::text_too_long},
      {f::voucher_number, "\xB0\xA1", r::text_not_utf8},
      {f::voucher_number, "V\t1", r::text_has_control_character},
      {f::merchant_code, "", r::field_missing},
      {f::merchant_code, repeated("m", 31), r::text_too_long},
      {f::merchant_brand_code, "", r::field_missing},
      {f::merchant_brand_code, repeated("b", 21), r::text_too_long},
      {f::amount, "0", r::number_not_positive},
      {f::amount, "-5000", r::amount_malformed},
      {f::amount, "10,000", r::amount_malformed},
      {f::amount, "10000.50", r::amount_has_fraction},
      {f::amount, "9223372036854775808", r::amount_overflows},
      {f::is_withdrawal, "", r::field_missing},
      {f::is_withdrawal, "yes", r::boolean_malformed},
      {f::is_withdrawal, "TRUE", r::boolean_malformed},
      {f::expiry, "20260230000000", r::time_malformed},
      {f::expiry, "tomorrow", r::time_malformed},
      {f::expiry, "20260121103000", r::time_in_past},
      {f::expiry, "2020-01-01T00:00:00Z", r::time_in_past},
      {f::reason, repeated("가", 101), r::text_too_long},
      {f::reason, "\xED\xA0\x80", r::text_not_utf8},
      {f::reason, "line\nbreak", r::text_has_control_character},
      {f::partition_key, "a", r::not_a_number},
      {f::partition_key, "-1", r::partition_out_of_range},
      {f::partition_key, "16", r::partition_out_of_range},
      {f::partition_key, "99999999999999999999", r::partition_out_of_range},
      {f::publish_status, "PUBLISHED", r::publish_status_not_pending},
      {f::publish_status, "pending", r::publish_status_not_pending},
  };
}

}  // namespace

TEST_CASE("a full voucher row is read as it stands", "[unit][row]") {
  const auto raw = voucher();
  const auto judged = judge_row(raw, rules(promotion_type::voucher));
  REQUIRE(std::holds_alternative<target_row>(judged));
  const auto& row = std::get<target_row>(judged);
  CHECK(row.id == target_id{1});
  CHECK(row.customer == customer_uid{12345});
  CHECK(row.partition == partition_no{3});
  CHECK(row.amount == money_minor{10'000});
  CHECK(row.expiry == timestamp{1'798'729'199'000});
  CHECK(std::string{row.reason} == "새해맞이 이벤트 상품권 지급");
  CHECK(std::string{row.voucher_number} == "V-0001");
  CHECK(std::string{row.merchant_code} == "MUSINSA");
  CHECK(std::string{row.merchant_brand_code} == "STANDARD");
  CHECK_FALSE(row.is_withdrawal);
}

TEST_CASE("a point row needs its customer only", "[unit][row]") {
  const auto judged = judge_row(point(), rules(promotion_type::point));
  REQUIRE(std::holds_alternative<target_row>(judged));
  const auto& row = std::get<target_row>(judged);
  CHECK_FALSE(row.id.has_value());
  CHECK(row.amount == money_minor{0});
  CHECK(row.expiry == timestamp{0});
  CHECK(row.reason.empty());
  CHECK(row.partition == default_partition(customer_uid{12345}, 16));
}

TEST_CASE("a point row carries nothing of a voucher", "[unit][row]") {
  auto raw = voucher();
  raw.set(f::is_withdrawal, "perhaps");
  raw.set(f::voucher_number, repeated("9", 50));
  const auto judged = judge_row(raw, rules(promotion_type::point));
  REQUIRE(std::holds_alternative<target_row>(judged));
  CHECK(std::get<target_row>(judged).voucher_number.empty());
}

TEST_CASE("each bad value is refused with its field and code", "[unit][row]") {
  for (const auto& b : bad_values()) {
    CAPTURE(b.text);
    auto raw = voucher();
    raw.set(b.field, b.text);
    check_refused(raw, rules(promotion_type::voucher), b.field, b.code);
  }
}

TEST_CASE("of two bad fields the first is named", "[unit][row]") {
  const auto values = bad_values();
  for (std::size_t i = 0; i < values.size(); ++i)
    for (std::size_t j = i + 1; j < values.size(); ++j) {
      if (values[i].field == values[j].field) continue;
      auto raw = voucher();
      raw.set(values[i].field, values[i].text);
      raw.set(values[j].field, values[j].text);
      check_refused(raw, rules(promotion_type::voucher), values[i].field, values[i].code);
    }
}

TEST_CASE("absent, null and empty fields mean the same", "[unit][row]") {
  for (const auto field : {f::target_id, f::promotion_id, f::amount, f::expiry, f::reason,
                           f::partition_key, f::publish_status}) {
    auto raw = voucher();
    raw.set(field, "");
    check_good(raw, rules(promotion_type::voucher));
    raw.text[static_cast<std::size_t>(field)] = std::nullopt;
    check_good(raw, rules(promotion_type::voucher));
  }
  for (const auto field : {f::customer_uid, f::voucher_number, f::merchant_code,
                           f::merchant_brand_code, f::is_withdrawal}) {
    auto raw = voucher();
    raw.text[static_cast<std::size_t>(field)] = std::nullopt;
    check_refused(raw, rules(promotion_type::voucher), field, r::field_missing);
  }
}

TEST_CASE("values on their bounds are good", "[unit][row]") {
  for (const auto& [field, text] : std::vector<std::pair<f, std::string>>{
           {f::target_id, "9223372036854775807"},
           {f::target_id, "9007199254740993"},
           {f::customer_uid, "9223372036854775808"},
           {f::customer_uid, "18446744073709551615"},
           {f::customer_uid, "0012"},
           {f::voucher_number, repeated("가", 40)},
           {f::merchant_code, repeated("😀", 30)},
           {f::merchant_brand_code, repeated("b", 20)},
           {f::amount, "9223372036854775807"},
           {f::amount, "10000.00"},
           {f::is_withdrawal, "1"},
           {f::is_withdrawal, "0"},
           {f::is_withdrawal, "true"},
           {f::expiry, "20260121103001"},
           {f::reason, repeated("🎁", 100)},  // An emoji is a character like any other.
           {f::partition_key, "0"},
           {f::partition_key, "15"}}) {
    CAPTURE(text);
    auto raw = voucher();
    raw.set(field, text);
    check_good(raw, rules(promotion_type::voucher));
  }
  auto raw = voucher();
  raw.set(f::is_withdrawal, "1");
  const auto judged = judge_row(raw, rules(promotion_type::voucher));
  CHECK(std::get<target_row>(judged).is_withdrawal);
}

TEST_CASE("the detail shows the value, cut to 64 characters", "[unit][row]") {
  auto raw = point();
  const auto value = repeated("가", 200);
  raw.set(f::customer_uid, value);
  const auto judged = judge_row(raw, rules(promotion_type::point));
  const auto& detail = std::get<row_refusal>(judged).detail;
  CHECK(detail.find("'" + repeated("가", 64) + "'") != std::string::npos);
  CHECK(detail.find("1..18446744073709551615") != std::string::npos);
}

TEST_CASE("details name fields as the promotion's type does", "[unit][row]") {
  auto raw = point();
  raw.set(f::expiry, "soon");
  const auto of_point = judge_row(raw, rules(promotion_type::point));
  CHECK(std::get<row_refusal>(of_point).detail.rfind("expiry_at is 'soon'", 0) == 0);
}

TEST_CASE("a customer without partition key always meets the same partition", "[unit][row]") {
  const unsigned char big_endian[8] = {0, 0, 0, 0, 0, 0, 0x30, 0x39};  // 12345
  const auto hash = XXH3_64bits(big_endian, sizeof big_endian);
  CHECK(default_partition(customer_uid{12345}, 1'024).value == hash % 1'024);
  CHECK(default_partition(customer_uid{12345}, 1).value == 0);
  std::vector<int> seen(16, 0);
  for (std::uint64_t uid = 1; uid <= 16'000; ++uid)
    ++seen[default_partition(customer_uid{uid}, 16).value];
  for (const auto n : seen) CHECK((n > 800 && n < 1'200));
}

TEST_CASE("amounts are digits in minor units", "[unit][amount]") {
  struct good {
    std::string_view text;
    unsigned exponent;
    std::int64_t minor;
  };
  for (const auto& g :
       {good{"1", 0, 1}, good{"10000", 0, 10'000}, good{"10000.0", 0, 10'000},
        good{"10000.00000", 0, 10'000}, good{"007", 0, 7}, good{"12.34", 2, 1'234},
        good{"12.3", 2, 1'230}, good{"12", 2, 1'200}, good{"0.01", 2, 1}, good{"1.234", 3, 1'234},
        good{"92233720368547758.07", 2, std::numeric_limits<std::int64_t>::max()}}) {
    CAPTURE(g.text);
    const auto parsed = parse_amount(g.text, g.exponent);
    REQUIRE(std::holds_alternative<money_minor>(parsed));
    CHECK(std::get<money_minor>(parsed).value == g.minor);
  }
}

TEST_CASE("a wrong amount is refused by what is wrong with it", "[unit][amount]") {
  struct wrong {
    std::string_view text;
    unsigned exponent;
    r code;
  };
  for (const auto& w : {wrong{"0", 0, r::number_not_positive},
                        wrong{"0.00", 0, r::number_not_positive},
                        wrong{"0.00", 2, r::number_not_positive},
                        wrong{"0.5", 0, r::amount_has_fraction},
                        wrong{"10000.50", 0, r::amount_has_fraction},
                        wrong{"1.001", 2, r::amount_has_fraction},
                        wrong{"1.000", 2, r::amount_has_fraction},
                        wrong{"", 0, r::amount_malformed},
                        wrong{"-1", 0, r::amount_malformed},
                        wrong{"+1", 0, r::amount_malformed},
                        wrong{"1e3", 0, r::amount_malformed},
                        wrong{"10,000", 0, r::amount_malformed},
                        wrong{"10 000", 0, r::amount_malformed},
                        wrong{"1.", 0, r::amount_malformed},
                        wrong{".5", 2, r::amount_malformed},
                        wrong{"1.2.3", 2, r::amount_malformed},
                        wrong{"1.0x", 0, r::amount_malformed},
                        wrong{"₩1000", 0, r::amount_malformed},
                        wrong{"9223372036854775808", 0, r::amount_overflows},
                        wrong{"99999999999999999999999", 0, r::amount_overflows},
                        wrong{"92233720368547758.08", 2, r::amount_overflows},
                        wrong{"9223372036854775807", 2, r::amount_overflows}}) {
    CAPTURE(w.text);
    const auto parsed = parse_amount(w.text, w.exponent);
    REQUIRE(std::holds_alternative<row_rejection>(parsed));
    CHECK(std::string{name_of(std::get<row_rejection>(parsed))} == std::string{name_of(w.code)});
  }
}

TEST_CASE("currencies have the exponent of ISO 4217", "[unit][amount]") {
  CHECK(currency_exponent("KRW") == 0U);
  CHECK(currency_exponent("JPY") == 0U);
  CHECK(currency_exponent("USD") == 2U);
  CHECK(currency_exponent("KWD") == 3U);
  CHECK(currency_exponent("AED") == 2U);
  CHECK(currency_exponent("ZWG") == 2U);
  for (const auto* unknown : {"", "krw", "KR", "KRWW", "XXX", "ZZZ", "AAA"})
    CHECK_FALSE(currency_exponent(unknown).has_value());
}

}  // namespace bestow::domain::test
