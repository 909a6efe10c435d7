#include <nlohmann/json.hpp>

#include "events/codec.hpp"
#include "events/limits.hpp"
#include "tests/catch.hpp"
#include "tests/events/samples.hpp"

namespace {

using namespace bestow;
using namespace bestow::test;
using nlohmann::json;

auto sample(event_type type) -> any_event {
  for (const auto& event : sample_events())
    if (encode_event(event).type == type) return event;
  FAIL("no sample");
  return {};
}

}  // namespace

TEST_CASE("a fact is shown with its fields by name, in their order", "[unit][codec]") {
  CHECK(event_to_json(sample(event_type::run_started), true) ==
        R"({"run":2,"resumed":true,"run_date":20260121,"wire":"batch","chunk":500,)"
        R"("topic":"prepay.campaign.voucher.publish","partition_token":false,)"
        R"("extra_fields":false,"encoder_version":3,"complete_when_published":true,)"
        R"("started_by":"cron","retry":"unknown","retry_run":1,"retry_targets":{"count":2,)"
        R"("first":"7","last":"9007199254740993"},"result_deadline_ms":86400000,)"
        R"("format":"msgpack","batch_size":500})");
}

TEST_CASE("ids and money are shown as texts, counts as numbers, times in UTC", "[unit][codec]") {
  CHECK(event_to_json(sample(event_type::promotion_created), true) ==
        R"({"promotion":"9007199254740993","campaign_issued_seq":7,)"
        R"("external_id":"5f0c2f2e-1d5c-4a43-8a5e-0d6f2c1b9a01","type":"VOUCHER",)"
        R"("total_count":1000000,"total_amount":"10000000000000","currency":"KRW",)"
        R"("budget_amount":"20000000000000","partition_count":16,)"
        R"("reservation_at":"2026-01-21T01:30:00.000Z","default_reason":"새해맞이 이벤트",)"
        R"("default_amount":"10000","default_expiry_at":"2026-01-22T01:30:00.000Z",)"
        R"("allow_multiple_per_customer":true,"approval":"four_eyes","created_by":"marketing"})");
}

TEST_CASE("a time that was not given is null", "[unit][codec]") {
  const auto shown = json::parse(event_to_json(promotion_created{}, true));
  CHECK(shown["reservation_at"].is_null());
  CHECK(shown["default_expiry_at"].is_null());
}

TEST_CASE("columns are summarised for a reader in a hurry", "[unit][codec]") {
  const auto imported = json::parse(event_to_json(sample(event_type::targets_imported), true));
  CHECK(imported["target_ids"] == json({{"count", 3}, {"first", "10"}, {"last", "20"}}));
  CHECK(imported["amounts"] ==
        json({{"count", 3}, {"first", "10000"}, {"last", "10000"}, {"sum", "30000"}}));
  CHECK(imported["expiries"]["first"] == "2026-12-31T14:59:59.000Z");
  CHECK(imported["reasons"] == json({{"count", 3}, {"first", ""}, {"last", ""}}));
  CHECK(imported["prefix_sha256"] ==
        "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20");
  const auto released = json::parse(event_to_json(sample(event_type::targets_released), true));
  CHECK(released["ordinals"] == json({{"count", 1'008}, {"first", 5}, {"last", 4'000'000'006U}}));
  CHECK(released["kind"] == "retry");
  const auto empty = json::parse(event_to_json(results_recorded{}, true));
  CHECK(empty["ordinals"] == json({{"count", 0}}));
  CHECK(empty["transaction_keys"] == json({{"count", 0}}));
}

TEST_CASE("columns are shown in full when asked for", "[unit][codec]") {
  const auto results = json::parse(event_to_json(sample(event_type::results_recorded), false));
  CHECK(results["ordinals"] == json({5, 900, 6}));
  CHECK(results["statuses"] == json({"SUCCESS", "FAILED", "RETRYING"}));
  CHECK(results["at"][1] == "2026-01-21T01:30:00.250Z");
  CHECK(results["error_messages"] == json({"", "잔액 부족", ""}));
  const auto imported = json::parse(event_to_json(sample(event_type::targets_imported), false));
  CHECK(imported["customer_uids"] == json({"9223372036854775807", "5", "70000"}));
  CHECK(imported["amounts"] == json({"10000", "10000", "10000"}));
  CHECK(imported["withdrawals"] == json({0, 1, 1}));
  const auto released = json::parse(event_to_json(sample(event_type::targets_released), false));
  CHECK(released["ordinals"] == json::parse("[[5,1000],[70000,1],[4000000000,7]]"));
}

TEST_CASE("a range of billions is shown as one range", "[unit][codec]") {
  targets_released e;
  e.ordinals.append(0, 4'000'000'000U);
  const auto shown = json::parse(event_to_json(e, false));
  CHECK(shown["ordinals"] == json::parse("[[0,4000000000]]"));
}

TEST_CASE("a sum of money beyond 64 bits is shown exactly", "[unit][codec]") {
  targets_imported e;
  e.amounts = u64_column::constant(9'223'372'036'854'775'807ULL, 10);
  const auto shown = json::parse(event_to_json(e, true));
  CHECK(shown["amounts"]["sum"] == "92233720368547758070");
}

TEST_CASE("every fact has a text with all its fields", "[unit][codec]") {
  for (const auto& event : sample_events()) {
    std::visit(
        [&]<class Event>(const Event&) {
          INFO(Event::name);
          for (const bool summarise : {true, false}) {
            const auto shown = json::parse(event_to_json(event, summarise));
            CHECK(shown.size() == std::tuple_size_v<decltype(Event::fields)>);
          }
        },
        event);
  }
}

TEST_CASE("text that is not UTF-8 is shown as far as it can be", "[unit][codec]") {
  const auto shown = event_to_json(promotion_approved{"a\xff" "b"}, true);
  CHECK(json::parse(shown)["approved_by"] == "a\xef\xbf\xbd" "b");
}
