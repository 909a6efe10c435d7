#include <fmt/format.h>

#include <string>

#include "bus/grant_wire.hpp"
#include "events/limits.hpp"
#include "tests/catch.hpp"

namespace {

using namespace bestow;
using namespace bestow::bus;

constexpr auto subject = "prepay.campaign.point.result.3";

auto result_json(const std::string& payload) -> std::string {
  return R"({"sentAt":"2026-01-21T10:30:00","version":20231010,"topic":"t","payload":{)" + payload +
         "}}";
}
const std::string ids = R"("eventId":"1","pointEventTargetId":"2","customerUid":"3")";
const std::string good = ids + R"(,"processStatus":"SUCCESS","partitionKey":"3")";

auto why_not(const std::string& json) -> std::string {
  decoded_result out;
  return decode_result(subject, json, out);
}
auto why_not_payload(const std::string& payload) -> std::string {
  return why_not(result_json(payload));
}

}  // namespace

TEST_CASE("what the wallet sends is what the intake reads", "[unit][wire]") {
  decoded_result sent;
  sent.type = GENERATE(promotion_type::voucher, promotion_type::point);
  sent.promotion = {9'007'199'254'740'991};
  sent.id = {INT64_MAX};
  sent.customer = {UINT64_MAX};
  sent.partition = {1'023};
  sent.status = GENERATE(process_status::success, process_status::retrying, process_status::failed);
  sent.transaction_key = "T\"1\\\x01";
  sent.error_message = "잔액 부족\n";
  sent.attempt = GENERATE(std::uint16_t{0}, std::uint16_t{1}, std::uint16_t{65'535});
  std::string json;
  append_result_json(json, sent, "prepay.campaign.x.result", {1'768'959'000'000});
  decoded_result back;
  REQUIRE(decode_result("prepay.campaign.x.result.0", json, back) == "");
  CHECK(back.type == sent.type);
  CHECK(back.promotion == sent.promotion);
  CHECK(back.id == sent.id);
  CHECK(back.customer == sent.customer);
  CHECK(back.partition == sent.partition);
  CHECK(back.status == sent.status);
  CHECK(back.transaction_key == sent.transaction_key);
  CHECK(back.error_message == sent.error_message);
  CHECK(back.attempt == sent.attempt);
  CHECK(back.at.value == 1'768'959'000'000);
}

TEST_CASE("a grant reads back as it was encoded", "[unit][wire]") {
  targets_released release;
  release.promotion = {12};
  release.type = promotion_type::voucher;
  release.attempt = {3};
  release.topic = "t";
  grant_fields fields;
  fields.id = {34};
  fields.customer = {56};
  fields.partition = {7};
  fields.amount = {1'234'567};
  fields.currency_exponent = 2;
  fields.voucher_number = "V";
  std::string json;
  grant_encoder{release}.append(json, fields);
  decoded_grant back;
  REQUIRE(decode_grant(json, back) == "");
  CHECK(back.type == promotion_type::voucher);
  CHECK(back.promotion.value == 12);
  CHECK(back.id.value == 34);
  CHECK(back.customer.value == 56);
  CHECK(back.partition.value == 7);
  CHECK(back.amount_minor.value == 1'234'567);
  CHECK(back.amount == "12345.67");
  CHECK(back.attempt == 3);
  CHECK(back.idempotency_key == "12:34");
}

TEST_CASE("a grant of the original wire has attempt 1 and the same key", "[unit][wire]") {
  decoded_grant back;
  REQUIRE(decode_grant(result_json(ids + R"(,"amount":"50000","partitionKey":"0")"), back) == "");
  CHECK(back.attempt == 1);
  CHECK(back.idempotency_key == "1:2");
}

TEST_CASE("a grant whose amount is no amount is refused", "[unit][wire]") {
  for (const auto* amount : {R"("")", R"("-1")", R"("1e3")", R"("1.")", R"(".5")", R"("1.2.3")",
                             R"("9223372036854775808")", R"("１")", "12", "null"}) {
    INFO(amount);
    decoded_grant out;
    CHECK(decode_grant(result_json(ids + R"(,"partitionKey":"0","amount":)" + amount), out)
              .starts_with("payload.amount is "));
  }
}

TEST_CASE("ids may be JSON strings or numbers, exact above 2^53", "[unit][wire]") {
  decoded_result out;
  REQUIRE(decode_result(subject,
                        result_json(R"("eventId":9007199254740993,"pointEventTargetId":)"
                                    R"(9223372036854775807,"customerUid":18446744073709551615,)"
                                    R"("processStatus":"FAILED","partitionKey":3,"attempt":2)"),
                        out) == "");
  CHECK(out.promotion.value == 9'007'199'254'740'993);
  CHECK(out.id.value == INT64_MAX);
  CHECK(out.customer.value == UINT64_MAX);
  CHECK(out.attempt == 2);
}

TEST_CASE("unknown fields are ignored and absent optional ones are empty", "[unit][wire]") {
  decoded_result out;
  out.transaction_key = "left over";
  REQUIRE(decode_result(subject,
                        R"({"payload":{"extra":[1,{"a":2}],)" + good +
                            R"(,"transactionKey":null,"attempt":null},"other":3})",
                        out) == "");
  CHECK(out.transaction_key.empty());
  CHECK(out.error_message.empty());
  CHECK(out.attempt == 0);
  CHECK(out.at.value == 0);
}

TEST_CASE("an error message longer than the limit is cut and marked", "[unit][wire]") {
  std::string long_text;
  for (std::size_t i = 0; i <= limits::error_message_chars_max; ++i) long_text += "가";
  decoded_result out;
  REQUIRE(decode_result(subject, result_json(good + R"(,"errorMessage":")" + long_text + R"(")"),
                        out) == "");
  CHECK(out.error_message.ends_with("가…"));
  CHECK(out.error_message.size() == limits::error_message_chars_max * 3);
}

TEST_CASE("a transaction key is taken whole or refused, never cut", "[unit][wire]") {
  std::string key;
  for (std::size_t i = 0; i < limits::transaction_key_chars_max; ++i) key += "가";
  decoded_result out;
  REQUIRE(decode_result(subject, result_json(good + R"(,"transactionKey":")" + key + R"(")"),
                        out) == "");
  CHECK(out.transaction_key == key);
  CHECK(why_not_payload(good + R"(,"transactionKey":")" + key + R"(1")") ==
        "payload.transactionKey is longer than 100 characters");
}

TEST_CASE("every unreadable result names its reason", "[unit][wire]") {
  const std::string status = R"(,"processStatus":"SUCCESS")";
  const std::string partition = R"(,"partitionKey":"3")";
  CHECK(why_not("").starts_with("not JSON: "));
  CHECK(why_not("{").starts_with("not JSON: "));
  CHECK(why_not("{}{}").starts_with("not JSON: "));
  CHECK(why_not(std::string{"{\"payload\":\"\xff\"}"}).starts_with("not JSON: "));
  CHECK(why_not(std::string(200, '[')).starts_with("not JSON: "));
  CHECK(why_not(std::string(limits::result_bytes_max + 1, ' ')).starts_with("larger than"));
  CHECK(why_not("[]") == "not a JSON object");
  CHECK(why_not("{}") == "payload is missing");
  CHECK(why_not(R"({"payload":1})") == "payload is not an object");
  CHECK(why_not(R"({"payload":{},"payload":{}})") == "payload is given twice");
  CHECK(why_not(R"({"sentAt":"","sentAt":"","payload":{}})") == "sentAt is given twice");
  CHECK(why_not_payload("") == "payload.eventId is missing");
  CHECK(why_not_payload(R"("eventId":null)") == "payload.eventId is missing");
  CHECK(why_not_payload(R"("eventId":"1")") ==
        "payload.voucherEventTargetId or payload.pointEventTargetId is missing");
  CHECK(why_not_payload(R"("eventId":"1","voucherEventTargetId":"1","pointEventTargetId":"1")") ==
        "payload has both voucherEventTargetId and pointEventTargetId");
  CHECK(why_not_payload(R"("eventId":"1","pointEventTargetId":"2")") ==
        "payload.customerUid is missing");
  CHECK(why_not_payload(ids + status) == "payload.partitionKey is missing");
  CHECK(why_not_payload(ids + status + R"(,"partitionKey":"1024")") ==
        "payload.partitionKey is 1024; an integer from 0 to 1023");
  CHECK(why_not_payload(ids + partition) == "payload.processStatus is missing");
  CHECK(why_not_payload(ids + partition + R"(,"processStatus":"OK")") ==
        "payload.processStatus is 'OK'; SUCCESS, RETRYING or FAILED");
  CHECK(why_not_payload(ids + partition + R"(,"processStatus":7)") ==
        "payload.processStatus is not a string");
  CHECK(why_not_payload(good + R"(,"processStatus":"FAILED")") ==
        "payload.processStatus is given twice");
  CHECK(why_not_payload(good + R"(,"transactionKey":1)") ==
        "payload.transactionKey is not a string");
  CHECK(why_not_payload(good + R"(,"errorMessage":{})") == "payload.errorMessage is not a string");
  CHECK(why_not_payload(good + R"(,"attempt":"0")") ==
        "payload.attempt is 0; an integer from 1 to 65535");
  decoded_result out;
  CHECK(decode_result("prepay.campaign.voucher.result.3", result_json(good), out) ==
        "a POINT result on subject 'prepay.campaign.voucher.result.3'");
}

TEST_CASE("what is no id is named and never guessed", "[unit][wire]") {
  for (const auto* id :
       {R"("")", R"("0")", "0", "-1", "1.0", "1e3", R"("01")", R"(" 1")", R"("1 ")", R"("+1")",
        R"("0x1")", R"("9223372036854775808")", "9223372036854775808", "18446744073709551616",
        "true", "{}", "[]", R"("１")"}) {
    INFO(id);
    const auto why = why_not_payload(R"("pointEventTargetId":"2","customerUid":"3","eventId":)" +
                                     std::string{id});
    CHECK((why.starts_with("payload.eventId is ") || why.starts_with("not JSON: ")));
    CHECK(why != "payload.eventId is missing");
  }
}

TEST_CASE("a stranger's text is repeated only in part", "[unit][wire]") {
  const auto why = why_not_payload(ids + R"(,"partitionKey":"3","processStatus":")" +
                                   std::string(5'000, 'x') + R"(")");
  CHECK(why.size() < 200);
  CHECK(why.find("…") != std::string::npos);
}

TEST_CASE("no prefix and no flipped byte of a result crashes the reader", "[unit][wire]") {
  const std::string whole = result_json(good + R"(,"transactionKey":"T","errorMessage":"가")");
  for (std::size_t i = 0; i < whole.size(); ++i) {
    CHECK(why_not(whole.substr(0, i)) != "");
    for (const unsigned flip : {1U, 0x20U, 0x80U, 0xffU}) {
      std::string bent = whole;
      bent[i] = static_cast<char>(static_cast<unsigned char>(bent[i]) ^ flip);
      decoded_result out;
      (void)decode_result(subject, bent, out).size();
    }
  }
}

TEST_CASE("an answer to a recall says what became of it, and of which", "[unit][wire]") {
  decoded_result sent;
  sent.type = promotion_type::voucher;
  sent.promotion = {7};
  sent.id = {11};
  sent.customer = {5};
  sent.partition = {2};
  sent.recalled = recall_status::failed;
  sent.recall = {3};
  sent.error_message = "already used";
  std::string json;
  append_result_json(json, sent, "prepay.campaign.voucher.result", timestamp{1'768'959'000'000});
  decoded_result read;
  CHECK(decode_result("prepay.campaign.voucher.result.2", json, read).empty());
  REQUIRE(read.recalled);
  CHECK(*read.recalled == recall_status::failed);
  CHECK(read.recall == recall_no{3});
  CHECK(read.error_message == "already used");

  const auto with = [](const std::string& fields) {
    return R"({"payload":{"eventId":"7","voucherEventTargetId":"11","customerUid":"5",)"
           R"("partitionKey":"2",)" + fields + "}}";
  };
  const std::string subject = "prepay.campaign.voucher.result.2";
  CHECK(decode_result(subject, with(R"("recallStatus":"RECALLED")"), read).empty());
  CHECK(read.recall == recall_no{0});
  CHECK(decode_result(subject, with(R"("recallStatus":"DONE")"), read) ==
        "payload.recallStatus is 'DONE'; RECALLED or FAILED");
  CHECK(decode_result(subject, with(R"("recallStatus":"FAILED","processStatus":"FAILED")"), read) ==
        "payload has both processStatus and recallStatus");
  CHECK(decode_result(subject, with(R"("recallStatus":"FAILED","recallId":"0")"), read) ==
        "payload.recallId is 0; an integer from 1 to 65535");
  // What was said of a recall does not stick to the next result.
  CHECK(decode_result(subject, with(R"("processStatus":"SUCCESS")"), read).empty());
  CHECK_FALSE(read.recalled);
}
