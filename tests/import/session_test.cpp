// Rows judged: bad ones get their code and line, good ones beside them are kept.
#include "apps/import/import_session.hpp"

#include <chrono>
#include <string>

#include "tests/catch.hpp"
#include "tests/import/session_fixture.hpp"

namespace {

using namespace bestow;
using namespace bestow::testing;
using customers = std::vector<std::uint64_t>;

struct expected_row {
  std::string row;
  std::string field;
  std::string code;
};

/// Puts each bad row between two good ones and asks for its line, field and code.
void check_rows(const std::string& header, const std::string& good,
                const std::vector<expected_row>& table, const domain::row_rules& rules) {
  for (const auto& t : table) {
    INFO(t.row.substr(0, 200));
    const auto out = run_session(header + "\n" + good + "\n" + t.row + "\n" + good + "\n", rules);
    REQUIRE_FALSE(out.refused);
    REQUIRE(out.bad_rows.size() == 1);
    CHECK(out.bad_rows[0].line == 3);
    CHECK(out.bad_rows[0].field == t.field);
    CHECK(out.bad_rows[0].code == t.code);
    CHECK_FALSE(out.bad_rows[0].detail.empty());
    CHECK(out.customers.size() == 2);
    CHECK(out.rows == 3);
  }
}

TEST_CASE("each bad point row is refused by its code on its line", "[unit][import]") {
  const std::string emoji = "\xF0\x9F\x8E\x81";
  std::string long_emoji;
  for (int i = 0; i < 101; ++i) long_emoji += emoji;
  check_rows(
      "point_target_id,promotion_id,customer_uid,amount,expiry_at,reason,partition_key,"
      "publish_status",
      "1,7,12345,10000,2026-12-31 23:59:59,reason,0,PENDING",
      {
          {"1,7,,1,,,,", "customer_uid", "field_missing"},
          {"1,7,abc,1,,,,", "customer_uid", "not_a_number"},
          {"1,7,18446744073709551616,1,,,,", "customer_uid", "number_out_of_range"},
          {"1,7,-5,1,,,,", "customer_uid", "number_not_positive"},
          {"1,7,0,1,,,,", "customer_uid", "number_not_positive"},
          {"0,7,5,1,,,,", "point_target_id", "number_not_positive"},
          {"x,7,5,1,,,,", "point_target_id", "not_a_number"},
          {",7,5,1,,,,", "point_target_id", "field_missing"},
          {"1,8,5,1,,,,", "promotion_id", "promotion_differs"},
          {"1,7,5,0,,,,", "amount", "number_not_positive"},
          {"1,7,5,\"10,000\",,,,", "amount", "amount_malformed"},
          {"1,7,5,1e3,,,,", "amount", "amount_malformed"},
          {"1,7,5,10000.50,,,,", "amount", "amount_has_fraction"},
          {"1,7,5,99999999999999999999,,,,", "amount", "amount_overflows"},
          {"1,7,5,1,2026-02-30 00:00:00,,,", "expiry_at", "time_malformed"},
          {"1,7,5,1,soon,,,", "expiry_at", "time_malformed"},
          {"1,7,5,1,20250101000000,,,", "expiry_at", "time_in_past"},
          {"1,7,5,1,," + std::string(101, 'r') + ",,", "reason", "text_too_long"},
          {"1,7,5,1,," + long_emoji + ",,", "reason", "text_too_long"},
          {std::string{"1,7,5,1,,a\0b,,", 14}, "reason", "text_has_control_character"},
          {"1,7,5,1,,\"a\nb\",,", "reason", "text_has_control_character"},
          {"1,7,5,1,,\xFF,,", "reason", "text_not_utf8"},
          {"1,7,5,1,,,-1,", "partition_key", "partition_out_of_range"},
          {"1,7,5,1,,,16,", "partition_key", "partition_out_of_range"},
          {"1,7,5,1,,,x,", "partition_key", "not_a_number"},
          {"1,7,5,1,,,,PUBLISHED", "publish_status", "publish_status_not_pending"},
          {"1,7,5,1,,,", "record", "row_malformed"},
          {"1,7,5,1,,,,,", "record", "row_malformed"},
          {"1,7,5,1,,5\" tv,,", "record", "row_malformed"},
          {"1,7,5,1,,\"a\"b,,", "record", "row_malformed"},
          {"1,7,5,1,," + std::string(limits::import_row_bytes_max, 'r') + ",,", "record",
           "row_too_long"},
      },
      point_rules());
}

TEST_CASE("each bad voucher row is refused by its code on its line", "[unit][import]") {
  check_rows(
      "customer_uid,voucher_number,merchant_code,merchant_brand_code,amount,is_withdrawal,"
      "valid_until",
      "12345,V-1,MUSINSA,STANDARD,10000,false,20261231235959",
      {
          {"5,,M,B,1,true,", "voucher_number", "field_missing"},
          {"5," + std::string(41, 'v') + ",M,B,1,true,", "voucher_number", "text_too_long"},
          {"5,V,,B,1,true,", "merchant_code", "field_missing"},
          {"5,V," + std::string(31, 'm') + ",B,1,true,", "merchant_code", "text_too_long"},
          {"5,V,M,,1,true,", "merchant_brand_code", "field_missing"},
          {"5,V,M," + std::string(21, 'b') + ",1,true,", "merchant_brand_code", "text_too_long"},
          {"5,V,M,B,1,,", "is_withdrawal", "field_missing"},
          {"5,V,M,B,1,yes,", "is_withdrawal", "boolean_malformed"},
          {"5,V,M,B,1,true,20260230000000", "valid_until", "time_malformed"},
      },
      voucher_rules());
}

TEST_CASE("a good row's values stand in the columns as written", "[unit][import]") {
  const auto out = run_session(
      "valid_until,is_withdrawal,amount,merchant_brand_code,merchant_code,voucher_number,"
      "customer_uid,partition_key,voucher_target_id,reason\n"
      "20261231235959,1,10000.00,STANDARD,MUSINSA,\"V,\"\"1\"\"\",9007199254740993,3,"
      "9223372036854775807,새해맞이\n",
      voucher_rules());
  REQUIRE(out.chunks.size() == 1);
  const auto& f = out.chunks[0].chunk.facts;
  CHECK(f.batch == "b");
  CHECK(f.first_row == 1);
  CHECK(f.row_count == 1);
  CHECK(f.ids_given);
  CHECK(f.target_ids == u64_column::of({9'223'372'036'854'775'807ULL}));
  CHECK(f.customer_uids == u64_column::of({9'007'199'254'740'993ULL}));
  CHECK(f.partitions == u64_column::of({3}));
  CHECK(f.amounts == u64_column::of({10'000}));
  CHECK(f.expiries == u64_column::of({1'798'729'199'000ULL}));
  CHECK(f.withdrawals == u64_column::of({1}));
  CHECK(f.reasons[0] == "새해맞이");
  CHECK(f.voucher_numbers[0] == "V,\"1\"");
  CHECK(f.merchant_codes[0] == "MUSINSA");
  CHECK(f.merchant_brand_codes[0] == "STANDARD");
  CHECK(out.chunks[0].chunk.row_numbers == std::vector<std::uint64_t>{1});
  CHECK(f.prefix_sha256 == out.sha256);
  CHECK(f.byte_end == out.bytes);
}

TEST_CASE("NDJSON rows are judged like CSV rows", "[unit][import]") {
  const auto out = run_session(
      "\xEF\xBB\xBF{\"point_target_id\":9007199254740993,\"customer_uid\":\"5\",\"amount\":100}\r\n"
      "\n  \t\n"
      "{\"customer_uid\":6,\"amount\":100}\n"
      "{\"point_target_id\":\"3\",\"customer_uid\":7,\"amount\":-1}\n"
      "{\"point_target_id\":4,\"customer_uid\":8,\"color\":\"red\"}\n"
      "{\"point_target_id\":5,\"customer_uid\":9",
      point_rules(), import_format::ndjson);
  REQUIRE_FALSE(out.refused);
  CHECK(out.rows == 5);
  CHECK(out.customers == customers{5});
  REQUIRE(out.bad_rows.size() == 4);
  CHECK(out.bad_rows[0].line == 4);
  CHECK(out.bad_rows[0].code == "field_missing");
  CHECK(out.bad_rows[0].field == "point_target_id");
  CHECK(out.bad_rows[1].line == 5);
  CHECK(out.bad_rows[1].field == "amount");
  CHECK(out.bad_rows[2].line == 6);
  CHECK(out.bad_rows[2].code == "row_malformed");
  CHECK(out.bad_rows[2].detail.find("color") != std::string::npos);
  CHECK(out.bad_rows[3].line == 7);
  CHECK(out.bad_rows[3].code == "row_malformed");
  CHECK(out.chunks[0].chunk.facts.target_ids == u64_column::of({9'007'199'254'740'993ULL}));
}

TEST_CASE("blank lines are no rows, but lines", "[unit][import]") {
  const auto out = run_session("customer_uid\n\n1\n\r\n\nx\n\n", point_rules());
  CHECK(out.rows == 2);
  CHECK(out.customers == customers{1});
  REQUIRE(out.bad_rows.size() == 1);
  CHECK(out.bad_rows[0].line == 6);
  CHECK(out.chunks[0].chunk.facts.byte_end == out.bytes - 1);
}

TEST_CASE("line ends and a byte order mark change nothing", "[unit][import]") {
  const auto plain = run_session("customer_uid,reason\n1,a\n2,b\n", point_rules());
  for (const auto* text : {"customer_uid,reason\r\n1,a\r\n2,b\r\n", "customer_uid,reason\n1,a\n2,b",
                           "\xEF\xBB\xBF"
                           "customer_uid,reason\n1,a\r\n2,b\r\n"}) {
    const auto out = run_session(text, point_rules());
    CHECK(out.customers == customers{1, 2});
    CHECK(out.bad_rows.empty());
    CHECK(out.bytes == std::string_view{text}.size());
    CHECK(out.chunks[0].chunk.facts.reasons == plain.chunks[0].chunk.facts.reasons);
  }
}

TEST_CASE("a truncated last line is refused, the rest is kept", "[unit][import]") {
  const auto cut = run_session("customer_uid,reason\n1,a\n2,\"b\n3,c\n", point_rules());
  CHECK(cut.customers == customers{1});
  REQUIRE(cut.bad_rows.size() == 1);
  CHECK(cut.bad_rows[0].line == 3);
  CHECK(cut.bad_rows[0].code == "row_malformed");
  CHECK(cut.bytes == 33);
  const auto short_row = run_session("customer_uid,reason\n1,a\n2", point_rules());
  REQUIRE(short_row.bad_rows.size() == 1);
  CHECK(short_row.bad_rows[0].code == "row_malformed");
}

TEST_CASE("embedded line ends keep the count of physical lines", "[unit][import]") {
  const auto out = run_session("customer_uid,reason\n1,\"a\nb\r\nc\"\nx,\n2,d\n", point_rules());
  REQUIRE(out.bad_rows.size() == 2);
  CHECK(out.bad_rows[0].line == 2);
  CHECK(out.bad_rows[1].line == 5);
  CHECK(out.bad_rows[1].original == "x,");
  CHECK(out.customers == customers{2});
}

TEST_CASE("ids are given in all rows or in none", "[unit][import]") {
  const auto given = run_session("point_target_id,customer_uid\n4,1\n,2\n5,3\n", point_rules());
  REQUIRE(given.bad_rows.size() == 1);
  CHECK(given.bad_rows[0].line == 3);
  CHECK(given.bad_rows[0].code == "field_missing");
  CHECK(given.chunks[0].chunk.facts.target_ids == u64_column::of({4, 5}));
  const auto none = run_session("point_target_id,customer_uid\n,1\n9,2\n,3\n", point_rules());
  REQUIRE(none.bad_rows.size() == 1);
  CHECK(none.bad_rows[0].field == "point_target_id");
  CHECK(none.customers == customers{1, 3});
  CHECK(none.chunks[0].chunk.facts.target_ids.empty());
  CHECK_FALSE(none.chunks[0].chunk.facts.ids_given);
}

TEST_CASE("chunks are bounded by rows and by text", "[unit][import]") {
  std::string text = "customer_uid,reason\n";
  for (int i = 1; i <= 10'000; ++i) text += std::to_string(i) + ",\n";
  const auto rows = run_session(text, point_rules());
  REQUIRE(rows.chunks.size() == 3);
  CHECK(rows.chunks[0].chunk.facts.row_count == limits::import_chunk_rows);
  CHECK(rows.chunks[1].chunk.facts.first_row == limits::import_chunk_rows + 1);
  CHECK(rows.chunks[2].chunk.facts.row_count == 10'000 - 2 * limits::import_chunk_rows);
  text = "customer_uid,reason\n";
  std::string reason;
  for (int i = 0; i < 100; ++i) reason += "가";
  for (int i = 1; i <= 2'000; ++i) text += std::to_string(i) + "," + reason + "\n";
  const auto texts = run_session(text, point_rules());
  REQUIRE(texts.chunks.size() == 4);
  std::uint64_t next = 1;
  for (const auto& c : texts.chunks) {
    CHECK(c.chunk.facts.first_row == next);
    CHECK(c.chunk.facts.row_count <= limits::import_chunk_text_bytes / 300 + 1);
    next += c.chunk.facts.row_count;
    const auto prefix = std::string_view{text}.substr(0, c.chunk.facts.byte_end);
    CHECK(prefix.ends_with('\n'));
    CHECK(c.chunk.facts.prefix_sha256 == importing::sha256_of(prefix));
  }
  CHECK(next == 2'001);
}

/// Rows of every kind: good, bad, quoted, with line ends, too long, blank.
auto mixed_text(std::uint64_t seed, import_format format) -> std::string {
  seeded_randomness random{seed};
  const bool csv = format == import_format::csv;
  std::string text = random.next() % 2 == 0 ? "\xEF\xBB\xBF" : "";
  if (csv) text += "customer_uid,amount,reason\r\n";
  for (int i = 1; i <= 6'000; ++i) {
    const auto uid = std::to_string(random.next() % 1'000'000);
    std::string reason = "사유 " + std::to_string(i);
    if (random.next() % 200 == 0) reason.append(random.next() % 90'000, 'z');
    const char* const amount = random.next() % 10 == 0 ? "1,000" : "100";
    if (csv) {
      text += uid + ",\"" + amount + "\",";
      switch (random.next() % 6) {
        case 0:
          text += "\"a\nb\"";
          break;
        case 1:
          text += "a\"b";
          break;
        case 2:
          text += "\"say \"\"hi\"\", x\"";
          break;
        case 3:
          text += std::string{"a\0b", 3};
          break;
        default:
          text += reason;
      }
    } else {
      text += "{\"customer_uid\":" + uid + ",\"amount\":\"" + amount + "\",\"reason\":\"" + reason +
              (random.next() % 20 == 0 ? "" : "\"}");
    }
    text += random.next() % 3 == 0 ? "\r\n" : "\n";
    if (random.next() % 50 == 0) text += "\n";
  }
  if (random.next() % 2 == 0) text.pop_back();
  return text;
}

TEST_CASE("chunks do not depend on how the bytes are cut", "[unit][import]") {
  const auto format = GENERATE(import_format::csv, import_format::ndjson);
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    INFO("seed " << seed);
    const auto text = mixed_text(seed, format);
    const auto expected = run_session(text, point_rules(), format);
    const auto out = run_session(text, point_rules(), format, random_cut(seed * 31));
    REQUIRE_FALSE(expected.refused);
    REQUIRE(expected.bad_rows.size() > 100);
    REQUIRE(expected.customers.size() > 1'000);
    REQUIRE(out.chunks.size() == expected.chunks.size());
    for (std::size_t i = 0; i < out.chunks.size(); ++i) {
      REQUIRE(out.chunks[i].chunk.facts == expected.chunks[i].chunk.facts);
      REQUIRE(out.chunks[i].chunk.row_numbers == expected.chunks[i].chunk.row_numbers);
      REQUIRE(out.chunks[i].lines == expected.chunks[i].lines);
      REQUIRE(out.chunks[i].originals == expected.chunks[i].originals);
      REQUIRE(out.chunks[i].original_ends == expected.chunks[i].original_ends);
    }
    REQUIRE(out.sha256 == importing::sha256_of(text));
    REQUIRE(out.bytes == text.size());
    REQUIRE(out.rows == expected.rows);
  }
}

TEST_CASE("a durable prefix is recognised at every chunk's end", "[unit][import]") {
  const auto text = mixed_text(3, import_format::csv);
  const auto all = run_session(text, point_rules());
  std::uint64_t good_before = 0;
  for (const auto& c : all.chunks) {
    good_before += c.chunk.facts.customer_uids.size();
    const importing::durable_prefix durable{c.last_row(), c.byte_end, c.chunk.facts.prefix_sha256};
    const auto rest = run_session(text, point_rules(), import_format::csv, random_cut(5), durable);
    REQUIRE_FALSE(rest.refused);
    CHECK(rest.customers.size() == all.customers.size() - good_before);
    CHECK(rest.bad_rows.size() == all.bad_rows.size());
    for (const auto& r : rest.chunks) CHECK(r.durable == (r.first_row <= durable.rows));
    auto other = text;
    other[durable.bytes / 2] = other[durable.bytes / 2] == 'x' ? 'y' : 'x';
    const auto refused = run_session(other, point_rules(), import_format::csv, whole(), durable);
    REQUIRE(refused.refused);
    CHECK(refused.refused->why == domain::rejection::batch_content_differs);
  }
  const auto& last = all.chunks.back();
  const auto short_input =
      run_session(text.substr(0, text.size() / 2), point_rules(), import_format::csv, whole(),
                  {last.last_row(), last.byte_end, last.chunk.facts.prefix_sha256});
  REQUIRE(short_input.refused);
  CHECK(short_input.refused->why == domain::rejection::batch_content_differs);
}

TEST_CASE("200,000 rows are judged in a moment", "[unit][import]") {
  std::string text = "point_target_id,customer_uid,amount,reason\n";
  for (int i = 1; i <= 200'000; ++i)
    text += std::to_string(i) + "," + std::to_string(10'000'000 + i * 7) + ",10000,\n";
  const auto from = std::chrono::steady_clock::now();
  const auto out =
      run_session(text, point_rules(), import_format::csv, [] { return std::size_t{65'536}; });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - from;
  CHECK(out.customers.size() == 200'000);
  WARN("CSV rows per second, this build: " << static_cast<std::uint64_t>(200'000 / took.count()));
}

}  // namespace
