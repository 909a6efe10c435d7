#include "domain/result_row.hpp"
#include "events/limits.hpp"
#include "tests/catch.hpp"

namespace bestow::domain {
namespace {

auto row(std::initializer_list<std::pair<result_field, std::string_view>> fields) -> raw_result {
  raw_result raw;
  raw.set(result_field::target_id, "7");
  raw.set(result_field::process_status, "SUCCESS");
  for (const auto& [f, text] : fields) raw.set(f, text);
  return raw;
}

auto refused(const raw_result& raw) -> std::pair<std::string, std::string> {
  const auto judged = judge_result(raw);
  const auto* no = std::get_if<result_refusal>(&judged);
  if (no == nullptr) return {"", ""};
  return {std::string{name_of(no->field)}, std::string{name_of(no->code)}};
}
using field_and_code = std::pair<std::string, std::string>;

}  // namespace

TEST_CASE("the table of result rejections has a row for each code, in order", "[unit][result]") {
  const auto table = result_rejection_table();
  CHECK(table.size() == 11);
  for (std::size_t i = 0; i < table.size(); ++i) {
    CHECK(static_cast<std::size_t>(table[i].code) == i);
    CHECK(name_of(table[i].code) == table[i].name);
    CHECK(table[i].meaning.ends_with('.'));
    CHECK(table[i].remedy.ends_with('.'));
  }
}

TEST_CASE("a result row needs a target and a status and takes the rest where given",
          "[unit][result]") {
  const auto least = judge_result(row({}));
  REQUIRE(std::holds_alternative<result_line>(least));
  CHECK(std::get<result_line>(least).id.value == 7);
  CHECK_FALSE(std::get<result_line>(least).customer);
  CHECK(std::get<result_line>(least).attempt == 0);
  const auto full = judge_result(row({{result_field::promotion_id, "12"},
                                      {result_field::customer_uid, "18446744073709551615"},
                                      {result_field::partition_key, "3"},
                                      {result_field::process_status, "FAILED"},
                                      {result_field::error_message, "계정 없음"},
                                      {result_field::attempt, "2"},
                                      {result_field::at, "2026-01-21T10:30:00"}}));
  REQUIRE(std::holds_alternative<result_line>(full));
  const auto& line = std::get<result_line>(full);
  CHECK(line.promotion == promotion_id{12});
  CHECK(line.customer == customer_uid{UINT64_MAX});
  CHECK(line.partition == partition_no{3});
  CHECK(line.status == process_status::failed);
  CHECK(line.attempt == 2);
  CHECK(line.at.value == 1'768'959'000'000);
}

TEST_CASE("a bad result row is refused by field and code", "[unit][result]") {
  using f = result_field;
  const std::string long_key(limits::transaction_key_chars_max + 1, 'k');
  CHECK(refused(row({{f::target_id, ""}})) == field_and_code{"target_id", "result_field_missing"});
  CHECK(refused(row({{f::target_id, "x"}})) ==
        field_and_code{"target_id", "result_number_invalid"});
  CHECK(refused(row({{f::target_id, "0"}})) ==
        field_and_code{"target_id", "result_number_invalid"});
  CHECK(refused(row({{f::customer_uid, "-1"}})) ==
        field_and_code{"customer_uid", "result_number_invalid"});
  CHECK(refused(row({{f::partition_key, "1024"}})) ==
        field_and_code{"partition_key", "result_number_invalid"});
  CHECK(refused(row({{f::process_status, ""}})) ==
        field_and_code{"process_status", "result_field_missing"});
  CHECK(refused(row({{f::process_status, "OK"}})) ==
        field_and_code{"process_status", "result_status_unknown"});
  CHECK(refused(row({{f::transaction_key, long_key}})) ==
        field_and_code{"transaction_key", "result_text_invalid"});
  CHECK(refused(row({{f::error_message, "\xff"}})) ==
        field_and_code{"error_message", "result_text_invalid"});
  CHECK(refused(row({{f::attempt, "65536"}})) ==
        field_and_code{"attempt", "result_number_invalid"});
  CHECK(refused(row({{f::at, "yesterday"}})) == field_and_code{"at", "result_time_malformed"});
}

TEST_CASE("columns of results are those of the promotion's type", "[unit][result]") {
  CHECK(result_field_of("voucher_target_id", promotion_type::voucher) == result_field::target_id);
  CHECK_FALSE(result_field_of("voucher_target_id", promotion_type::point));
  CHECK(result_field_of("target_id", promotion_type::point) == result_field::target_id);
  CHECK(result_field_of("transaction_key", promotion_type::point) ==
        result_field::transaction_key);
  CHECK_FALSE(result_field_of("record", promotion_type::point));
}

}  // namespace bestow::domain
