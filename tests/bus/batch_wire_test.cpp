// The batch wire: its exact bytes in both formats, and what its readers make of them.
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "bus/grant_wire.hpp"
#include "bus/msgpack_bytes.hpp"
#include "events/limits.hpp"
#include "tests/catch.hpp"

namespace {

using namespace bestow;
using namespace bestow::bus;

auto release_of(promotion_type type, grant_format format, bool extra_fields = true)
    -> targets_released {
  targets_released r;
  r.promotion = {7};
  r.type = type;
  r.attempt = {1};
  r.partition = {3};
  r.wire = grant_wire::batch;
  r.format = format;
  r.extra_fields = extra_fields;
  r.topic = type == promotion_type::voucher ? "prepay.campaign.voucher.publish"
                                            : "prepay.campaign.point.publish";
  r.sent_at = {1'768'959'000'000};  // 2026-01-21T10:30:00 in Seoul.
  return r;
}

auto point(std::uint64_t id) -> grant_fields {
  grant_fields f;
  f.id = {id};
  f.customer = {12'345};
  f.partition = {3};
  f.amount = {50'000};
  f.expiry = {1'769'871'599'000};  // 2026-01-31T23:59:59 in Seoul.
  f.reason = "이벤트";
  return f;
}

auto voucher(std::uint64_t id) -> grant_fields {
  auto f = point(id);
  f.voucher_number = "V-1";
  f.merchant_code = "MUSINSA";
  f.merchant_brand_code = "STANDARD";
  f.is_withdrawal = true;
  return f;
}

auto message_of(const targets_released& release, const std::vector<grant_fields>& grants)
    -> std::string {
  std::string out;
  const grant_encoder encoder{release};
  encoder.append_message(out, static_cast<std::uint32_t>(grants.size()),
                         [&](std::uint32_t i) { return grants[i]; });
  return out;
}

auto hex_of(std::string_view bytes) -> std::string {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto b = static_cast<unsigned char>(c);
    out += {digits[b >> 4U], digits[b & 15U]};
  }
  return out;
}

auto why_not(std::string_view message) -> std::string {
  std::vector<decoded_grant> out{1};
  auto why = decode_grants(message, out);
  CHECK(out.empty() != why.empty());
  return why;
}

}  // namespace

TEST_CASE("a JSON batch is the original's envelope with its payloads in a list, byte for byte",
          "[unit][wire]") {
  CHECK(message_of(release_of(promotion_type::point, grant_format::json), {point(1), point(2)}) ==
        R"({"sentAt":"2026-01-21T10:30:00","version":20231010,)"
        R"("topic":"prepay.campaign.point.publish","payloads":[)"
        R"({"eventId":"7","pointEventTargetId":"1","customerUid":"12345","amount":"50000",)"
        R"("expiryAt":"20260131235959","reason":"이벤트","partitionKey":"3",)"
        R"("idempotencyKey":"7:1","attempt":"1"},)"
        R"({"eventId":"7","pointEventTargetId":"2","customerUid":"12345","amount":"50000",)"
        R"("expiryAt":"20260131235959","reason":"이벤트","partitionKey":"3",)"
        R"("idempotencyKey":"7:2","attempt":"1"}]})");
  CHECK(message_of(release_of(promotion_type::voucher, grant_format::json, false), {voucher(1)}) ==
        R"({"sentAt":"2026-01-21T10:30:00","version":20231010,)"
        R"("topic":"prepay.campaign.voucher.publish","payloads":[)"
        R"({"eventId":"7","voucherEventTargetId":"1","customerUid":"12345",)"
        R"("voucherNumber":"V-1","merchantCode":"MUSINSA","merchantBrandCode":"STANDARD",)"
        R"("amount":"50000","isWithdrawal":true,"validUntil":"20260131235959",)"
        R"("reason":"이벤트","partitionKey":"3"}]})");
}

TEST_CASE("a packed batch names its fields once and then only holds values, byte for byte",
          "[unit][wire]") {
  const auto bytes =
      message_of(release_of(promotion_type::point, grant_format::msgpack), {point(1), point(2)});
  const std::string head =
      "85a673656e744174b3323032362d30312d32315431303a33303a3030a776657273696f6ece0134b362"
      "a5746f706963bd7072657061792e63616d706169676e2e706f696e742e7075626c697368a66669656c6473"
      "99a76576656e744964b2706f696e744576656e745461726765744964ab637573746f6d6572556964"
      "a6616d6f756e74a86578706972794174a6726561736f6eac706172746974696f6e4b6579"
      "ae6964656d706f74656e63794b6579a7617474656d7074a87061796c6f61647392";
  // eventId 7, the target, 12345, 50000, 20260131235959, the reason, 3, the key, attempt 1.
  const auto payload = [](const std::string& id, const std::string& key) {
    return "9907" + id + "cd3039cdc350cf0000126d2dece877a9ec9db4ebb2a4ed8ab803a3" + key + "01";
  };
  CHECK(hex_of(bytes) == head + payload("01", "373a31") + payload("02", "373a32"));
}

TEST_CASE("the guide for consumers shows both forms as they are", "[unit][wire]") {
  std::ifstream file{BESTOW_SOURCE_DIR "/docs/guides/integrate.md", std::ios::binary};
  const std::string guide{std::istreambuf_iterator<char>{file}, {}};
  const std::vector<grant_fields> two{point(1), point(2)};
  CHECK(guide.find(message_of(release_of(promotion_type::point, grant_format::json), two)) !=
        std::string::npos);
  CHECK(guide.find(hex_of(message_of(release_of(promotion_type::point, grant_format::msgpack),
                                     two))) != std::string::npos);
}

TEST_CASE("both formats read back as the same grants", "[unit][wire]") {
  const auto type = GENERATE(promotion_type::voucher, promotion_type::point);
  const auto format = GENERATE(grant_format::json, grant_format::msgpack);
  const bool extra = GENERATE(true, false);
  const auto exponent = GENERATE(0U, 2U);
  auto release = release_of(type, format, extra);
  release.attempt = {extra ? std::uint16_t{300} : std::uint16_t{1}};
  std::vector<grant_fields> sent;
  for (const std::uint64_t id : {std::uint64_t{1}, std::uint64_t{INT64_MAX}, std::uint64_t{200}}) {
    auto f = type == promotion_type::voucher ? voucher(id) : point(id);
    f.customer = {UINT64_MAX - id};
    f.currency_exponent = exponent;
    f.reason = "quote \" and 긴 사유";
    sent.push_back(f);
  }
  std::vector<decoded_grant> back;
  REQUIRE(decode_grants(message_of(release, sent), back) == "");
  REQUIRE(back.size() == sent.size());
  for (std::size_t i = 0; i < back.size(); ++i) {
    CHECK(back[i].type == type);
    CHECK(back[i].promotion == release.promotion);
    CHECK(back[i].id == sent[i].id);
    CHECK(back[i].customer == sent[i].customer);
    CHECK(back[i].partition == sent[i].partition);
    CHECK(back[i].amount_minor == sent[i].amount);
    CHECK(back[i].amount == (exponent == 0 ? "50000" : "500.00"));
    CHECK(back[i].attempt == release.attempt.value);
    CHECK(back[i].idempotency_key == "7:" + std::to_string(sent[i].id.value));
  }
}

TEST_CASE("a message of the single wire is one grant to the same reader", "[unit][wire]") {
  auto release = release_of(promotion_type::point, grant_format::json);
  release.wire = grant_wire::single;
  std::vector<decoded_grant> back;
  REQUIRE(decode_grants(message_of(release, {point(5)}), back) == "");
  REQUIRE(back.size() == 1);
  CHECK(back[0].id.value == 5);
}

TEST_CASE("a grant's bound holds for every text it can have", "[unit][wire]") {
  const auto format = GENERATE(grant_format::json, grant_format::msgpack);
  auto release = release_of(promotion_type::voucher, format);
  release.promotion = {limits::id_max};
  release.attempt = {UINT16_MAX};
  release.topic = std::string(200, 't');
  const std::string worst(limits::reason_chars_max * 4, '\x01');
  auto f = voucher(limits::id_max);
  f.customer = {UINT64_MAX};
  f.amount = {INT64_MAX};
  f.currency_exponent = 3;
  f.partition = {1'023};
  f.reason = f.voucher_number = f.merchant_code = f.merchant_brand_code = worst;
  const grant_encoder encoder{release};
  const auto count = 50U;
  std::string out;
  encoder.append_message(out, count, [&](std::uint32_t) { return f; });
  CHECK(out.size() <= encoder.envelope_bytes_max() + count * encoder.grant_bytes_max(f));
}

TEST_CASE("a batch that is not what it should be is refused whole, with its place",
          "[unit][wire]") {
  const std::string good = R"({"eventId":"1","pointEventTargetId":"2","customerUid":"3",)"
                           R"("amount":"5","partitionKey":"0"})";
  const auto batch = [](const std::string& payloads) { return R"({"payloads":)" + payloads + "}"; };
  CHECK(why_not(batch("[" + good + "," + good + "]")) == "");
  CHECK(why_not(batch("[" + good + ",{}]")) == "payloads[1].eventId is missing");
  CHECK(why_not(batch("[" + good + ",7]")) == "payloads[1] is not an object");
  CHECK(why_not(batch("{}")) == "payloads is not an array");
  CHECK(why_not(R"({"payload":{},"payloads":[]})") == "payload and payloads are both given");
  CHECK(why_not(R"({"payloads":[],"payloads":[]})") == "payloads is given twice");
  std::string many = good;
  for (std::uint32_t i = 0; i < limits::batch_grants_max; ++i) many += "," + good;
  CHECK(why_not(batch("[" + many + "]")) == "payloads has 501 grants; at most 500");
}

TEST_CASE("a packed batch cut or changed anywhere is refused or read, never a crash",
          "[unit][wire]") {
  const auto type = GENERATE(promotion_type::voucher, promotion_type::point);
  const auto whole = message_of(
      release_of(type, grant_format::msgpack),
      type == promotion_type::voucher ? std::vector{voucher(1), voucher(2)}
                                      : std::vector{point(1), point(2)});
  REQUIRE(why_not(whole) == "");
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK(why_not(whole.substr(0, size)) != "");
  CHECK(why_not(whole + "x") == "there is more behind the payloads");
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const int bit : {0, 3, 7}) {
      auto changed = whole;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      std::vector<decoded_grant> out;
      const auto why = decode_grants(changed, out);
      if (!why.empty() && !out.empty()) FAIL("half read at " << i);
    }
  }
  CHECK(why_not("\x85\xa6sentAt\xdd\xff\xff\xff\xff") != "");
  CHECK(why_not(std::string(limits::grant_message_bytes_max + 1, '\x81')) ==
        "larger than the limit for one message");
}
