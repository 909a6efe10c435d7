// Commands over HTTP: what reaches the engine, and how its answers come back.
#include <fmt/format.h>

#include "tests/apps/http_fixture.hpp"
#include "tests/catch.hpp"

namespace bestow::testing {
namespace {

const std::string promotions = "/api/v1/promotions";

struct bad_field {
  std::string_view json;
  std::string_view code;
  std::string_view says;
};

auto receipt(std::uint64_t id, domain::promotion_state state, bool repeated = false)
    -> actors::command_receipt {
  actors::command_receipt r;
  r.promotion = {id};
  r.at = {42};
  r.state = state;
  r.repeated = repeated;
  r.run = {3};
  r.split_customers = 5;
  return r;
}

}  // namespace

TEST_CASE("a promotion is created from its fields", "[unit][http]") {
  http_fixture f;
  f.engine.next = receipt(9'007'199'254'740'993, domain::promotion_state::draft);
  const auto a = f.post(promotions, R"({"promotion_id":"9007199254740993","campaign_issued_seq":7,
    "external_id":"c-1","promotion_type":"VOUCHER","total_count":3,"total_amount":"30000",
    "currency":"USD","budget_amount":40000,"partition_count":"16",
    "reservation_at":"2026-01-21T10:30:00+09:00","default_reason":"새해","default_amount":"10000",
    "default_expiry_at":"20261231235959","allow_multiple_per_customer":true,"approval":"four_eyes"})",
                        {{"Idempotency-Key", "k-1"}});
  REQUIRE(a.status == 201);
  CHECK(a.header("Location") == "/api/v1/promotions/9007199254740993");
  CHECK(a.doc() == json::parse(R"({"promotion_id":"9007199254740993","state":"draft",
    "promotion_status":"READY","run_no":3,"repeated":false,"split_customers":5,"position":42})"));
  const auto made = f.engine.last_created();
  CHECK(made.promotion.value == 9'007'199'254'740'993ULL);
  CHECK(made.campaign_issued_seq == 7);
  CHECK(made.external_id == "c-1");
  CHECK(made.type == promotion_type::voucher);
  CHECK(made.total_count == 3);
  CHECK(made.total_amount.value == 30'000);
  CHECK(made.currency == "USD");
  CHECK(made.budget_amount.value == 40'000);
  CHECK(made.partition_count == 16);
  CHECK(made.reservation_at.value == 1'768'959'000'000);
  CHECK(made.default_reason == "새해");
  CHECK(made.default_amount.value == 10'000);
  CHECK(made.default_expiry_at.value > 0);
  CHECK(made.allow_multiple_per_customer);
  CHECK(made.approval == approval_policy::four_eyes);
  CHECK(made.created_by == "local");
  CHECK(f.engine.last_caller().idempotency_key == "k-1");
  CHECK(f.engine.last_caller().request_hash != 0);
}

TEST_CASE("what a new promotion leaves out has a default", "[unit][http]") {
  http_fixture f;
  REQUIRE(f.post(promotions, R"({"promotion_type":"POINT","external_id":null})").status == 201);
  const auto made = f.engine.last_created();
  CHECK(made.type == promotion_type::point);
  CHECK(made.currency == "KRW");
  CHECK(made.partition_count == 1);
  CHECK(made.promotion.value == 0);
  CHECK(made.approval == approval_policy::none);
}

TEST_CASE("a repeated create is answered 200, not 201", "[unit][http]") {
  http_fixture f;
  f.engine.next = receipt(5, domain::promotion_state::draft, true);
  const auto a = f.post(promotions, R"({"promotion_type":"POINT"})");
  CHECK(a.status == 200);
  CHECK(a.doc()["repeated"] == true);
}

TEST_CASE("the same body has the same hash and another body another", "[unit][http]") {
  http_fixture f;
  static_cast<void>(f.post(promotions, R"({"promotion_type":"POINT"})"));
  const auto first = f.engine.last_caller().request_hash;
  static_cast<void>(f.post(promotions, R"({"promotion_type":"POINT"})"));
  CHECK(f.engine.last_caller().request_hash == first);
  static_cast<void>(f.post(promotions, R"({"promotion_type":"VOUCHER"})"));
  CHECK(f.engine.last_caller().request_hash != first);
}

TEST_CASE("a wrong field is named with what is allowed", "[unit][http]") {
  const auto bad = GENERATE(
      bad_field{R"({})", "field_required", "promotion_type is missing"},
      bad_field{R"({"promotion_type":"GIFT"})", "field_out_of_range", "allowed are VOUCHER, POINT"},
      bad_field{R"({"promotion_type":5})", "field_wrong_type",
                "promotion_type is 5; it wants text"},
      bad_field{R"({"promotion_type":"POINT","promotion_id":1.5})", "field_wrong_type",
                "promotion_id is 1.5; it wants a whole number"},
      bad_field{R"({"promotion_type":"POINT","promotion_id":"1e3"})", "field_wrong_type", "'1e3'"},
      bad_field{R"({"promotion_type":"POINT","promotion_id":9223372036854775808})",
                "field_out_of_range", "allowed is 1..9223372036854775807"},
      bad_field{R"({"promotion_type":"POINT","promotion_id":true})", "field_wrong_type", "is true"},
      bad_field{R"({"promotion_type":"POINT","default_amount":"10,000"})", "field_wrong_type",
                "'10,000'"},
      bad_field{R"({"promotion_type":"POINT","default_amount":100.0})", "field_wrong_type",
                "is 100.0; it wants a whole number of the currency's minor units"},
      bad_field{R"({"promotion_type":"POINT","campaign_issued_seq":-1})", "field_out_of_range",
                "allowed is 0.."},
      bad_field{R"({"promotion_type":"POINT","total_amount":"9223372036854775808"})",
                "field_out_of_range", "total_amount"},
      bad_field{R"({"promotion_type":"POINT","partition_count":"many"})", "field_wrong_type",
                "'many'"},
      bad_field{R"({"promotion_type":"POINT","reservation_at":"tomorrow"})", "field_out_of_range",
                "it wants 2026-01-31T10:30:00+09:00"},
      bad_field{R"({"promotion_type":"POINT","reservation_at":1768959000})", "field_wrong_type",
                "text"},
      bad_field{R"({"promotion_type":"POINT","default_expiry_at":"2026-02-30T00:00:00Z"})",
                "field_out_of_range", "2026-02-30"},
      bad_field{R"({"promotion_type":"POINT","allow_multiple_per_customer":"yes"})",
                "field_wrong_type", "it wants true or false"},
      bad_field{R"({"promotion_type":"POINT","approval":"two"})", "field_out_of_range",
                "allowed are none, four_eyes"},
      bad_field{R"({"promotion_type":"POINT","promotoin_id":1})", "field_unknown",
                "Did you mean 'promotion_id'?"});
  http_fixture f;
  const auto a = f.post(promotions, std::string{bad.json});
  CAPTURE(bad.json, a.body);
  CHECK(a.status == 400);
  CHECK(a.code() == bad.code);
  CHECK(a.detail().find(bad.says) != std::string::npos);
  CHECK_FALSE(a.doc().value("field", "").empty());
  CHECK(f.engine.calls().empty());
}

TEST_CASE("zero and less are refused by name and never mean none", "[unit][http]") {
  struct zero {
    std::string field;
    std::string code;
  };
  for (const auto& z : std::vector<zero>{{"promotion_id", "promotion_id_out_of_range"},
                                         {"total_count", "control_total_negative"},
                                         {"total_amount", "control_total_negative"},
                                         {"budget_amount", "budget_not_positive"},
                                         {"default_amount", "default_amount_not_positive"}})
    for (const auto* value : {"0", "\"0\"", "-1", "\"-5\""}) {
      CAPTURE(z.field, value);
      http_fixture f;
      const auto a = f.post(promotions, fmt::format(R"({{"promotion_type":"POINT","{}":{}}})",
                                                    z.field, value));
      CHECK(a.status == 422);
      CHECK(a.code() == z.code);
      CHECK(a.doc()["field"] == z.field);
      CHECK(a.detail().find("allowed is 1..") != std::string::npos);
      CHECK(f.engine.calls().empty());
    }
  http_fixture f;
  CHECK(f.post(promotions, R"({"promotion_type":"POINT","budget_amount":null})").status == 201);
}

TEST_CASE("a stop that the broker does not confirm says what becomes of it", "[unit][http]") {
  http_fixture f;
  const std::string said = "the broker is not connected; the promotion is stopping and becomes "
                           "stopped by itself";
  f.engine.next = tl::unexpected<actors::trouble>{
      fault{fault_code::broker_unavailable, fault_action::retry_later, "stop", said}};
  const auto a = f.post("/api/v1/promotions/7/stop", "{}");
  CHECK(a.status == 503);
  CHECK(a.code() == "broker_unavailable");
  CHECK(a.detail() == said);
  // Any other fault's detail may name paths and hosts.
  f.engine.next = tl::unexpected<actors::trouble>{
      fault{fault_code::log_io_failed, fault_action::call_operator, "pwrite", "/secret/path"}};
  CHECK(f.post("/api/v1/promotions/7/stop", "{}").body.find("/secret/path") == std::string::npos);
}

TEST_CASE("a create without a body says so", "[unit][http]") {
  http_fixture f;
  CHECK(f.call("POST", promotions).code() == "body_missing");
}

TEST_CASE("an Idempotency-Key that cannot be one is refused", "[unit][http]") {
  http_fixture f;
  const auto with = [&f](const std::string& key) {
    return f.post(promotions, R"({"promotion_type":"POINT"})", {{"Idempotency-Key", key}});
  };
  CHECK(with("has space").code() == "idempotency_key_invalid");
  CHECK(with("tab\there").code() == "idempotency_key_invalid");
  CHECK(with("한글").code() == "idempotency_key_invalid");
  CHECK(with(std::string(256, 'k')).code() == "idempotency_key_invalid");
  CHECK(with(std::string(255, 'k')).status == 201);
}

TEST_CASE("every verb reaches the engine", "[unit][http]") {
  http_fixture f;
  const auto path = promotions + "/7/";
  for (const auto* verb : {"seal", "approve", "start", "stop", "resume"}) {
    CHECK(f.call("POST", path + verb).status == 200);
    CHECK(f.post(path + verb, "{}").status == 200);
  }
  CHECK(f.engine.calls() == std::vector<std::string>{"seal 7 by local", "seal 7 by local",
                                                     "approve 7 by local", "approve 7 by local",
                                                     "start 7 0 by local", "start 7 0 by local",
                                                     "stop 7 '' by local", "stop 7 '' by local",
                                                     "resume 7 by local", "resume 7 by local"});
}

TEST_CASE("a run date may be written in each of its forms", "[unit][http]") {
  http_fixture f;
  const auto path = promotions + "/7/start";
  for (const auto* body :
       {R"({"run_date":"2026-01-21"})", R"({"run_date":"20260121"})", R"({"run_date":20260121})"}) {
    CAPTURE(body);
    CHECK(f.post(path, body).status == 200);
    CHECK(f.engine.calls().back() == "start 7 20260121 by local");
  }
  for (const auto* body : {R"({"run_date":"21.1.2026"})", R"({"run_date":"2026-1-21"})",
                           R"({"run_date":5})", R"({"run_date":"today"})"}) {
    CAPTURE(body);
    CHECK(f.post(path, body).code() == "field_out_of_range");
  }
  CHECK(f.post(path, R"({"run_date":true})").code() == "field_wrong_type");
}

TEST_CASE("a reason to stop goes with it", "[unit][http]") {
  http_fixture f;
  CHECK(f.post(promotions + "/7/stop", R"({"reason":"budget review"})").status == 200);
  CHECK(f.engine.calls().back() == "stop 7 'budget review' by local");
  CHECK(f.post(promotions + "/7/stop", "{\"reason\":\"" + std::string(1'000, 'x') + "\"}").status ==
        400);
}

TEST_CASE("every rejection comes back under its name and status", "[unit][http]") {
  for (const auto& row : domain::rejection_table()) {
    http_fixture f;
    CAPTURE(row.name);
    f.engine.next = tl::unexpected(actors::trouble{domain::refusal{row.code, "because"}});
    const auto a = f.call("POST", promotions + "/7/seal");
    CHECK(a.status == row.http_status);
    CHECK(a.code() == row.name);
    CHECK(a.detail() == "because");
    CHECK(a.type == "application/problem+json");
  }
}

TEST_CASE("a fault is named without the machine's inner details", "[unit][http]") {
  http_fixture f;
  const std::string inner = "/srv/secret/log/00000001.mdb";
  for (const auto code : {fault_code::log_full, fault_code::outcome_unknown, fault_code::overloaded,
                          fault_code::broker_unavailable, fault_code::log_corrupt,
                          fault_code::shutting_down, fault_code::internal}) {
    f.engine.next =
        tl::unexpected(actors::trouble{fault{code, action_for(code), "mdb_put", inner}});
    const auto a = f.call("POST", promotions + "/7/seal");
    CAPTURE(a.body);
    CHECK(a.code() == name_of(code));
    CHECK(a.status == http::http_status_of(code));
    CHECK(a.status >= 409);
    CHECK(a.body.find(inner) == std::string::npos);
    if (a.status == 503) CHECK(a.header("Retry-After") == "1");
  }
}

TEST_CASE("targets are imported from a streamed body", "[unit][http]") {
  http_fixture f;
  promotion_created c;
  c.promotion = {7};
  c.currency = "KRW";
  f.facts(stream_of(promotion_id{7}), c);
  const std::string csv = "point_target_id,customer_uid,amount\n1,11,100\n2,12,oops\n3,13,300\n";
  const auto a =
      f.call("POST", promotions + "/7/targets?batch=b1", csv, {{"Content-Type", "text/csv"}}, 5);
  CAPTURE(a.body);
  REQUIRE(a.status == 200);
  const auto doc = a.doc();
  CHECK(doc["batch"] == "b1");
  CHECK(doc["rows"] == 3);
  CHECK(doc["accepted"] == 2);
  CHECK(doc["rejected"] == 1);
  CHECK(doc["promotion_id"] == "7");
  REQUIRE(doc["rejects"].size() == 1);
  CHECK(doc["rejects"][0]["line"] == 3);
  CHECK(doc["rejects"][0]["field"] == "amount");
  CHECK(f.engine.imported_rows() == 2);
  CHECK(f.state.imported_bytes.load() == csv.size());
}

TEST_CASE("an import says what is wrong with it before a row is read", "[unit][http]") {
  http_fixture f;
  promotion_created c;
  c.promotion = {7};
  f.facts(stream_of(promotion_id{7}), c);
  const auto path = promotions + "/7/targets";
  const header_list csv{{"Content-Type", "text/csv"}};
  CHECK(f.call("POST", path, "customer_uid\n1\n", csv).code() == "batch_id_missing");
  CHECK(f.call("POST", path + "?batch=b&format=xml", "x", csv).code() == "query_invalid");
  CHECK(f.call("POST", path + "?batch=b", "{}", {{"Content-Type", "application/json"}}).code() ==
        "media_type_unsupported");
  CHECK(f.call("POST", path + "?batch=b", "x", {{"Content-Type", "multipart/form-data"}}).code() ==
        "media_type_unsupported");
  CHECK(f.call("POST", promotions + "/8/targets?batch=b", "customer_uid\n1\n", csv).code() ==
        "promotion_not_found");
  CHECK(f.call("POST", path + "?batch=b", "customer_uid,colour\n1,red\n", csv).code() ==
        "input_header_unknown_field");
}

TEST_CASE("a batch is given up by deleting it", "[unit][http]") {
  http_fixture f;
  CHECK(f.call("DELETE", promotions + "/7/batches/b1?reason=wrong").status == 200);
  CHECK(f.engine.calls().back() == "abandon 7 b1 'wrong' by local");
  CHECK(f.get(promotions + "/7/batches/b1/rejects").code() == "rejects_not_found");
}

TEST_CASE("what surrounds a run reaches the engine as it was asked", "[unit][http]") {
  http_fixture f;
  f.engine.next = receipt(7, domain::promotion_state::scheduled);
  const auto at = promotions + "/7";
  CHECK(f.post(at + "/schedule", R"({"at":"2026-01-21T10:30:00+09:00"})").status == 200);
  CHECK(f.post(at + "/cancel", R"({"reason":"wrong list"})").status == 200);
  CHECK(f.post(at + "/close", "").status == 200);
  CHECK(f.post(at + "/retry", "").status == 200);
  CHECK(f.post(at + "/retry", R"({"status":"unknown","targets":["5",6]})").status == 200);
  CHECK(f.post(at + "/recall", R"({"reason":"오지급","targets":["9"]})").status == 200);
  CHECK(f.engine.calls() ==
        std::vector<std::string>{"schedule 7 1768959000000 by local", "cancel 7 'wrong list' by local",
                                 "close 7 '' by local", "retry 7 failed [] by local",
                                 "retry 7 unknown [5,6] by local",
                                 "recall 7 '오지급' [9] by local"});
}

TEST_CASE("what surrounds a run is refused with the field that is wrong", "[unit][http]") {
  http_fixture f;
  const auto at = promotions + "/7";
  CHECK(f.post(at + "/schedule", "{}").code() == "field_required");
  CHECK(f.post(at + "/schedule", R"({"at":"tomorrow"})").code() == "field_out_of_range");
  CHECK(f.post(at + "/retry", R"({"status":"success"})").code() == "field_out_of_range");
  CHECK(f.post(at + "/retry", R"({"targets":"5"})").code() == "field_wrong_type");
  CHECK(f.post(at + "/recall", R"({"reason":"x","target":["5"]})").code() == "field_unknown");
  CHECK(f.post(at + "/close", "{\"reason\":\"" + std::string(101, 'x') + "\"}").code() ==
        "field_out_of_range");
  CHECK(f.engine.calls().empty());
}

}  // namespace bestow::testing
