// Questions over HTTP: shapes, paging, freshness.
#include <algorithm>

#include "apps/http/schema.hpp"
#include "tests/apps/http_fixture.hpp"
#include "tests/catch.hpp"

namespace bestow::testing {
namespace {

const std::string promotions = "/api/v1/promotions";

/// Every field of the schema is there with its kind of value, and nothing else is.
void check_shape(const json& object, std::string_view name,
                 const std::vector<std::string>& without = {}) {
  const auto* schema = http::find_schema(name);
  REQUIRE(schema != nullptr);
  for (const auto& field : schema->fields) {
    CAPTURE(name, field.name);
    const std::string key{field.name};
    if (std::find(without.begin(), without.end(), key) != without.end()) continue;
    REQUIRE(object.contains(key));
    const auto& value = object[key];
    if (field.nullable && value.is_null()) continue;
    switch (field.type) {
      case http::shape::id:
      case http::shape::money:
      case http::shape::text:
      case http::shape::time:
      case http::shape::date:
        CHECK(value.is_string());
        break;
      case http::shape::count:
        CHECK(value.is_number_unsigned());
        break;
      case http::shape::flag:
        CHECK(value.is_boolean());
        break;
      case http::shape::object:
        CHECK(value.is_object());
        break;
      case http::shape::list:
      case http::shape::ids:
        CHECK(value.is_array());
        break;
    }
  }
  for (const auto& [key, value] : object.items()) {
    CAPTURE(name, key);
    CHECK(std::any_of(schema->fields.begin(), schema->fields.end(),
                      [&](const auto& f) { return f.name == key; }));
  }
}

const std::vector<std::string> not_of_points{"voucher_target_id", "voucher_number",
                                             "merchant_code",     "merchant_brand_code",
                                             "is_withdrawal",     "valid_until"};

}  // namespace

TEST_CASE("a draft shows what is known so far and no sum", "[unit][http]") {
  http_fixture f;
  promotion_created c;
  c.promotion = {7};
  c.currency = "KRW";
  f.facts(stream_of(promotion_id{7}), c, batch_opened{"b", import_format::csv, {1}},
          batch_closed{"b", 5, 3, 2, {}});
  const auto doc = f.get(promotions + "/7").doc();
  check_shape(doc, "Promotion");
  CHECK(doc["total_count"] == 3);
  CHECK(doc["pending_count"] == 3);
  CHECK(doc["rejected_rows"] == 2);
  CHECK(doc["total_amount"].is_null());
}

TEST_CASE("ranges in a refusal are those that are taken", "[unit][http]") {
  http_fixture f;
  f.sealed_points(7, 3);
  for (const auto* limit : {"0", "1001", "x", "-1"}) {
    const auto a = f.get(promotions + "?limit=" + limit);
    CAPTURE(limit);
    CHECK(a.code() == "query_invalid");
    CHECK(a.detail().find("allowed is 1..1000") != std::string::npos);
  }
  CHECK(f.get("/api/v1/log?from=0").detail().find("allowed is 1..") != std::string::npos);
  CHECK(f.get(promotions + "?limit=1000").status == 200);
}

TEST_CASE("a promotion is shown flat with its summary", "[unit][http]") {
  http_fixture f;
  f.completed_points(7, 5, 3);
  const auto a = f.get(promotions + "/7");
  REQUIRE(a.status == 200);
  const auto doc = a.doc();
  check_shape(doc, "Promotion");
  CHECK(doc["promotion_id"] == "7");
  CHECK(doc["promotion_type"] == "POINT");
  CHECK(doc["promotion_status"] == "COMPLETED");
  CHECK(doc["state"] == "completed");
  CHECK(doc["total_count"] == 5);
  CHECK(doc["total_amount"] == "500");
  CHECK(doc["published_count"] == 5);
  CHECK(doc["success_count"] == 3);
  CHECK(doc["fail_count"] == 2);
  CHECK(doc["pending_count"] == 0);
  CHECK(doc["success_amount"] == "300");
  CHECK(doc["run_no"] == 1);
  CHECK(doc["run_date"] == "2026-01-21");
  CHECK(doc["created_by"] == "ann");
  CHECK(doc["approved_by"] == "bob");
  CHECK(doc["budget_amount"].is_null());
  CHECK(doc["as_of_position"] == f.log.head().last.value);
}

TEST_CASE("a promotion that is not there is not found", "[unit][http]") {
  http_fixture f;
  for (const auto* rest : {"", "/partitions", "/targets", "/targets/1", "/reconciliation"}) {
    CAPTURE(rest);
    const auto a = f.get(promotions + "/7" + rest);
    CHECK(a.status == 404);
    CHECK(a.code() == "promotion_not_found");
  }
}

TEST_CASE("promotions are paged and selected by state or status", "[unit][http]") {
  http_fixture f;
  for (std::uint64_t id = 1; id <= 5; ++id) {
    promotion_created c;
    c.promotion = {id * 10};
    c.currency = "KRW";
    f.facts(stream_of(c.promotion), c);
  }
  f.sealed_points(60, 2);
  const auto ids = [&f](const std::string& query) {
    const auto a = f.get(promotions + query);
    CAPTURE(a.body);
    REQUIRE(a.status == 200);
    std::vector<std::string> found;
    const auto doc = a.doc();
    for (const auto& row : doc["promotions"]) found.push_back(row["promotion_id"]);
    return found;
  };
  using words = std::vector<std::string>;
  CHECK(ids("") == words{"10", "20", "30", "40", "50", "60"});
  CHECK(ids("?limit=2") == words{"10", "20"});
  CHECK(ids("?limit=2&after=20") == words{"30", "40"});
  CHECK(ids("?status=sealed") == words{"60"});
  CHECK(ids("?status=READY&limit=3") == words{"10", "20", "30"});
  CHECK(ids("?status=COMPLETED").empty());
  CHECK(f.get(promotions + "?limit=2").doc()["next"] == "20");
  CHECK(f.get(promotions + "?limit=6").doc()["next"].is_null());
  check_shape(f.get(promotions).doc(), "PromotionPage");
}

TEST_CASE("a query value that is not allowed is named", "[unit][http]") {
  http_fixture f;
  f.sealed_points(7, 2);
  for (const auto* query : {"?limit=0", "?limit=1001", "?limit=x", "?limit=-1", "?after=1.5",
                            "?status=ready", "?stale=2"}) {
    CAPTURE(query);
    CHECK(f.get(promotions + query).code() == "query_invalid");
  }
  for (const auto* query : {"?status=SUCCESS", "?partition=1024", "?partition=x", "?after=-1"}) {
    CAPTURE(query);
    CHECK(f.get(promotions + "/7/targets" + query).code() == "query_invalid");
  }
}

TEST_CASE("targets are shown, paged and selected", "[unit][http]") {
  http_fixture f;
  f.completed_points(7, 5, 3);
  const auto page = f.get(promotions + "/7/targets?limit=2").doc();
  check_shape(page, "TargetPage");
  REQUIRE(page["targets"].size() == 2);
  auto without = not_of_points;
  without.insert(without.end(), {"history", "as_of_position", "as_of"});
  check_shape(page["targets"][0], "Target", without);
  CHECK(page["targets"][0]["point_target_id"] == "1");
  CHECK(page["targets"][0]["amount"] == "100");
  CHECK(page["targets"][0]["publish_status"] == "PUBLISHED");
  CHECK(page["targets"][0]["process_status"] == "SUCCESS");
  CHECK(page["targets"][0]["transaction_key"] == "tx-1");
  CHECK(page["next"] == "2");
  const auto failed = f.get(promotions + "/7/targets?status=failed").doc();
  REQUIRE(failed["targets"].size() == 2);
  CHECK(failed["targets"][0]["point_target_id"] == "4");
  CHECK(failed["targets"][0]["error_message"] == "account closed");
  CHECK(failed["next"].is_null());
}

TEST_CASE("one target is shown with its history", "[unit][http]") {
  http_fixture f;
  f.completed_points(7, 5, 3);
  const auto doc = f.get(promotions + "/7/targets/2").doc();
  check_shape(doc, "Target", not_of_points);
  REQUIRE_FALSE(doc["history"].empty());
  check_shape(doc["history"][0], "TargetFact");
  const auto none = f.get(promotions + "/7/targets/99");
  CHECK(none.status == 404);
  CHECK(none.code() == "target_not_found");
}

TEST_CASE("partitions show their progress", "[unit][http]") {
  http_fixture f;
  f.completed_points(7, 5, 3);
  const auto doc = f.get(promotions + "/7/partitions").doc();
  check_shape(doc, "PartitionList");
  REQUIRE(doc["partitions"].size() == 1);
  check_shape(doc["partitions"][0], "Partition");
  CHECK(doc["partitions"][0]["success_count"] == 3);
}

TEST_CASE("an answer waits for its view, and stale=1 does not", "[unit][http]") {
  http_fixture f;
  f.sealed_points(7, 2);
  f.append(stream_of(promotion_id{7}), {encode_event(promotion_approved{"bob"})});
  const auto late = f.get(promotions + "/7");
  CHECK(late.status == 503);
  CHECK(late.code() == "view_behind");
  CHECK(late.doc()["as_of_position"] == f.log.head().last.value - 1);
  CHECK(late.header("Retry-After") == "1");
  const auto stale = f.get(promotions + "/7?stale=1");
  CHECK(stale.status == 200);
  CHECK(stale.doc()["state"] == "sealed");
  f.project();
  CHECK(f.get(promotions + "/7").doc()["state"] == "approved");
}

TEST_CASE("the log is read by position and by stream", "[unit][http]") {
  http_fixture f;
  f.sealed_points(7, 2);
  const auto all = f.get("/api/v1/log?limit=2").doc();
  check_shape(all, "LogPage");
  REQUIRE(all["facts"].size() == 2);
  check_shape(all["facts"][0], "Fact");
  CHECK(all["facts"][0]["position"] == 1);
  CHECK(all["facts"][0]["stream"] == "promotion-7");
  CHECK(all["facts"][0]["event"] == "promotion_created");
  CHECK(all["facts"][0]["principal"] == "ann");
  CHECK(all["next"] == 3);
  const auto rest = f.get("/api/v1/log?from=3").doc();
  CHECK(rest["facts"].size() == 3);
  CHECK(rest["next"].is_null());
  const auto stream = f.get("/api/v1/log?stream=promotion-7&from=5").doc();
  REQUIRE(stream["facts"].size() == 1);
  CHECK(stream["facts"][0]["event"] == "list_sealed");
  CHECK(f.get("/api/v1/log?stream=partition-9-0").doc()["facts"].empty());
  CHECK(f.get("/api/v1/log?stream=nonsense").code() == "query_invalid");
  CHECK(f.get("/api/v1/log?from=999999").doc()["facts"].empty());
  check_shape(f.get("/api/v1/log/stat").doc(), "LogStat");
}

}  // namespace bestow::testing
