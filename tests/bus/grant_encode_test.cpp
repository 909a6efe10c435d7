#include <string>

#include "bus/grant_wire.hpp"
#include "tests/catch.hpp"

namespace {

using namespace bestow;
using namespace bestow::bus;

constexpr timestamp sample_sent_at{1'768'959'000'000};       // 2026-01-21T10:30:00 in Seoul.
constexpr timestamp voucher_valid_until{1'798'729'199'000};  // 2026-12-31T23:59:59 in Seoul.
constexpr timestamp point_expiry{1'769'871'599'000};         // 2026-01-31T23:59:59 in Seoul.

auto release_of(promotion_type type, bool extra_fields) -> targets_released {
  targets_released r;
  r.promotion = {1};
  r.type = type;
  r.attempt = {1};
  r.extra_fields = extra_fields;
  r.topic = type == promotion_type::voucher ? "prepay.campaign.voucher.publish"
                                            : "prepay.campaign.point.publish";
  r.sent_at = sample_sent_at;
  return r;
}

auto sample_voucher() -> grant_fields {
  grant_fields f;
  f.id = {1};
  f.customer = {12345};
  f.amount = {10'000};
  f.expiry = voucher_valid_until;
  f.reason = "새해맞이 이벤트 상품권 지급";
  f.voucher_number = "voucher_number";
  f.merchant_code = "MUSINSA";
  f.merchant_brand_code = "STANDARD";
  return f;
}

auto sample_point() -> grant_fields {
  grant_fields f;
  f.id = {1};
  f.customer = {12345};
  f.amount = {50'000};
  f.expiry = point_expiry;
  f.reason = "새해맞이 이벤트 포인트 지급";
  return f;
}

auto encoded(const targets_released& release, const grant_fields& fields) -> std::string {
  std::string out;
  grant_encoder{release}.append(out, fields);
  return out;
}

}  // namespace

TEST_CASE("without extra fields a voucher is the original's message, byte for byte",
          "[unit][wire]") {
  CHECK(encoded(release_of(promotion_type::voucher, false), sample_voucher()) ==
        R"({"sentAt":"2026-01-21T10:30:00","version":20231010,)"
        R"("topic":"prepay.campaign.voucher.publish","payload":{"eventId":"1",)"
        R"("voucherEventTargetId":"1","customerUid":"12345","voucherNumber":"voucher_number",)"
        R"("merchantCode":"MUSINSA","merchantBrandCode":"STANDARD","amount":"10000",)"
        R"("isWithdrawal":false,"validUntil":"20261231235959",)"
        R"("reason":"새해맞이 이벤트 상품권 지급","partitionKey":"0"}})");
}

TEST_CASE("without extra fields a point grant is the original's message, byte for byte",
          "[unit][wire]") {
  CHECK(
      encoded(release_of(promotion_type::point, false), sample_point()) ==
      R"({"sentAt":"2026-01-21T10:30:00","version":20231010,)"
      R"("topic":"prepay.campaign.point.publish","payload":{"eventId":"1",)"
      R"("pointEventTargetId":"1","customerUid":"12345","amount":"50000",)"
      R"("expiryAt":"20260131235959","reason":"새해맞이 이벤트 포인트 지급","partitionKey":"0"}})");
}

TEST_CASE("idempotency key and attempt come last, and only the attempt changes on a retry",
          "[unit][wire]") {
  auto release = release_of(promotion_type::point, true);
  release.promotion = {77};
  release.partition = {15};
  auto fields = sample_point();
  fields.id = {9'007'199'254'740'993};
  fields.partition = {15};
  const std::string first = encoded(release, fields);
  CHECK(first.ends_with(
      R"("partitionKey":"15","idempotencyKey":"77:9007199254740993","attempt":"1"}})"));
  release.kind = release_kind::retry;
  release.attempt = {2};
  std::string expected = first;
  expected.replace(expected.rfind(R"("1"}})"), 3, R"("2")");
  CHECK(encoded(release, fields) == expected);
}

TEST_CASE("text is escaped as RFC 8259 asks and Korean stays UTF-8", "[unit][wire]") {
  auto fields = sample_point();
  fields.reason = "따옴표\" 역슬래시\\ 줄\n탭\t벨\a 끝\x7f";
  const std::string text = encoded(release_of(promotion_type::point, false), fields);
  CHECK(text.find(R"("reason":"따옴표\" 역슬래시\\ 줄\n탭\t벨\u0007 끝)"
                  "\x7f\"") != std::string::npos);
}

TEST_CASE("amounts have exactly the digits of their currency", "[unit][wire]") {
  struct row {
    std::int64_t minor;
    unsigned exponent;
    const char* text;
  };
  const auto [minor, exponent, text] =
      GENERATE(row{1, 0, "1"}, row{10'000'000, 0, "10000000"}, row{1'050, 2, "10.50"},
               row{5, 2, "0.05"}, row{100, 2, "1.00"}, row{12'345, 3, "12.345"},
               row{INT64_MAX, 0, "9223372036854775807"}, row{INT64_MAX, 4, "922337203685477.5807"});
  auto fields = sample_point();
  fields.amount = {minor};
  fields.currency_exponent = exponent;
  const std::string message = encoded(release_of(promotion_type::point, false), fields);
  CHECK(message.find(std::string{R"("amount":")"} + text + R"(")") != std::string::npos);
}

TEST_CASE("messages of one chunk follow each other in one buffer", "[unit][wire]") {
  const auto release = release_of(promotion_type::voucher, true);
  const grant_encoder encoder{release};
  std::string both;
  encoder.append(both, sample_voucher());
  const std::size_t first_end = both.size();
  auto second = sample_voucher();
  second.id = {2};
  second.is_withdrawal = true;
  second.reason = std::string_view{"\x01\x02\x03", 3};
  encoder.append(both, second);
  CHECK(both.substr(0, first_end) == encoded(release, sample_voucher()));
  CHECK(both.substr(first_end) == encoded(release, second));
  CHECK(both.substr(first_end).find(R"("isWithdrawal":true,)") != std::string::npos);
}

TEST_CASE("subject and event type follow type, partition and the partition token", "[unit][wire]") {
  auto release = release_of(promotion_type::voucher, true);
  release.partition = {7};
  CHECK(grant_encoder{release}.subject() == "prepay.campaign.voucher.publish.7");
  CHECK(grant_encoder{release}.event_type() == "CAMPAIGN_VOUCHER_PUBLISH");
  release.partition_token = false;
  CHECK(grant_encoder{release}.subject() == "prepay.campaign.voucher.publish");
  CHECK(grant_encoder{release_of(promotion_type::point, true)}.event_type() ==
        "CAMPAIGN_POINT_PUBLISH");
}

TEST_CASE("the longest text every field allows fits its message", "[unit][wire]") {
  const std::string controls(600, '\x1f');
  auto fields = sample_voucher();
  fields.id = {INT64_MAX};
  fields.customer = {UINT64_MAX};
  fields.amount = {INT64_MAX};
  fields.reason = controls;
  fields.voucher_number = controls;
  fields.merchant_code = controls;
  fields.merchant_brand_code = controls;
  auto release = release_of(promotion_type::voucher, true);
  release.promotion = {INT64_MAX};
  decoded_grant back;
  CHECK(decode_grant(encoded(release, fields), back) == "");
  CHECK(back.customer.value == UINT64_MAX);
}

TEST_CASE("a recall is the grant's message with its reason and id, on its own subject",
          "[unit][wire]") {
  auto release = release_of(promotion_type::point, true);
  release.kind = release_kind::recall;
  release.recall = {3};
  release.recall_reason = "오지급 \"회수\"";
  release.partition = {5};
  CHECK(encoded(release, sample_point()) ==
        R"({"sentAt":"2026-01-21T10:30:00","version":20231010,"topic":"prepay.campaign.point.recall",)"
        R"("payload":{"eventId":"1","pointEventTargetId":"1","customerUid":"12345","amount":"50000",)"
        R"("expiryAt":"20260131235959","reason":"새해맞이 이벤트 포인트 지급","partitionKey":"0",)"
        R"("recallReason":"오지급 \"회수\"","recallId":"3","idempotencyKey":"1:1"}})");
  CHECK(grant_encoder{release}.subject() == "prepay.campaign.point.recall.5");
  CHECK(grant_encoder{release}.event_type() == "CAMPAIGN_POINT_RECALL");
  release.extra_fields = false;
  CHECK(encoded(release, sample_point()).ends_with(
      R"("partitionKey":"0","recallReason":"오지급 \"회수\"","recallId":"3"}})"));
}
