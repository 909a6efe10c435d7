// Reconciliation over HTTP: list, stream and payer, each difference named.
#include <algorithm>

#include "tests/apps/http_fixture.hpp"
#include "tests/catch.hpp"

namespace bestow::testing {
namespace {

const std::string path = "/api/v1/promotions/7/reconciliation";
const header_list csv{{"Content-Type", "text/csv"}};

auto kinds(const json& doc) -> std::vector<std::string> {
  std::vector<std::string> found;
  for (const auto& d : doc["differences"])
    found.push_back(d["kind"].get<std::string>() +
                    (d["target_id"].is_null() ? "" : " " + d["target_id"].get<std::string>()));
  return found;
}
using words = std::vector<std::string>;

}  // namespace

TEST_CASE("a promotion that is whole reconciles with its results", "[unit][http]") {
  http_fixture f;
  f.completed_points(7, 5, 3);
  f.publish_points(7, 5);
  const auto a = f.get(path);
  CAPTURE(a.body);
  REQUIRE(a.status == 200);
  const auto doc = a.doc();
  CHECK(doc["consistent"] == true);
  CHECK(doc["sealed"] == json::parse(R"({"count":5,"amount":"500"})"));
  CHECK(doc["published"] == doc["published_expected"]);
  CHECK(doc["published"]["count"] == 5);
  CHECK(doc["paid"] == json::parse(R"({"count":3,"amount":"300"})"));
  CHECK(doc["paid_source"] == "results");
  CHECK(doc["fail_count"] == 2);
  CHECK(doc["messages"] == 5);
  CHECK(doc["differences"].empty());
}

TEST_CASE("a message that is missing, doubled or wrong on the stream is named", "[unit][http]") {
  http_fixture f;
  f.completed_points(7, 3, 3);
  SECTION("missing") {
    f.publish_points(7, 3, {2});
    CHECK(kinds(f.get(path).doc()) == words{"missing_on_stream 2"});
  }
  SECTION("doubled") {
    f.publish_points(7, 3);
    f.publish_points(7, 1);
    CHECK(kinds(f.get(path).doc()) == words{"repeated_on_stream 1"});
  }
  SECTION("of a target that is not in the list") {
    f.publish_points(7, 4);
    const auto found = kinds(f.get(path).doc());
    CHECK(std::find(found.begin(), found.end(), "extra_on_stream 4") != found.end());
  }
  SECTION("with another amount") {
    f.publish_points(7, 3, {}, 99);
    const auto doc = f.get(path).doc();
    CHECK(doc["consistent"] == false);
    CHECK(doc["difference_count"] == 3);
    CHECK(kinds(doc).front() == "amount_differs_on_stream 1");
  }
  SECTION("not readable") {
    f.publish_points(7, 3);
    f.broker->replace_payload("GRANTS_POINT", 2, R"({"payload":{"eventId":"7","x":)");
    const auto found = kinds(f.get(path).doc());
    CHECK(std::find(found.begin(), found.end(), "unreadable_on_stream") != found.end());
    CHECK(std::find(found.begin(), found.end(), "missing_on_stream 2") != found.end());
  }
  SECTION("messages of other promotions do not count") {
    f.publish_points(7, 3);
    f.publish_points(70, 3);
    CHECK(f.get(path).doc()["consistent"] == true);
  }
}

TEST_CASE("the payer's ledger is compared line by line", "[unit][http]") {
  http_fixture f;
  f.completed_points(7, 4, 3);
  f.publish_points(7, 4);
  const auto with = [&f](const std::string& ledger) {
    const auto a = f.call("POST", path, ledger, csv);
    CAPTURE(a.body);
    REQUIRE(a.status == 200);
    return a.doc();
  };
  CHECK(with("target_id,amount\n1,100\n2,100\n3,100\n")["consistent"] == true);
  CHECK(
      with("\xEF\xBB\xBF"
           "amount,other,point_target_id\r\n100.00,x,\"1\"\r\n100,y,2\r\n100,z,3")["consistent"] ==
      true);
  CHECK(kinds(with("target_id,amount\n1,100\n3,100\n")) == words{"missing_in_ledger 2"});
  CHECK(kinds(with("target_id,amount\n1,100\n2,100\n3,100\n3,100\n")) ==
        words{"repeated_in_ledger 3"});
  CHECK(kinds(with("target_id,amount\n1,100\n2,100\n3,100\n4,100\n")) ==
        words{"unexpected_in_ledger 4"});
  CHECK(kinds(with("target_id,amount\n1,100\n2,100\n3,100\n9,100\n")) ==
        words{"extra_in_ledger 9"});
  CHECK(kinds(with("target_id,amount\n1,100\n2,5\n3,100\n")) ==
        words{"amount_differs_in_ledger 2"});
}

TEST_CASE("a ledger that cannot be read is refused with its line", "[unit][http]") {
  struct row {
    std::string body;
    std::uint64_t line;
  };
  const auto bad =
      GENERATE(row{"id,sum\n1,2\n", 1}, row{"target_id,amount\n1\n", 2},
               row{"target_id,amount\n1,100\nx,100\n", 3}, row{"target_id,amount\n0,100\n", 2},
               row{"target_id,amount\n1,1e3\n", 2}, row{"target_id,amount\n1,1.5\n", 2},
               row{"target_id,amount\n1,-5\n", 2}, row{std::string(10'000, 'x'), 1});
  http_fixture f;
  f.completed_points(7, 2, 2);
  const auto a = f.call("POST", path, bad.body, csv);
  CAPTURE(bad.body.substr(0, 40), a.body);
  CHECK(a.status == 400);
  CHECK(a.code() == "ledger_malformed");
  CHECK(a.doc()["line"] == bad.line);
}

TEST_CASE("what cannot be compared is said", "[unit][http]") {
  http_fixture f;
  promotion_created c;
  c.promotion = {7};
  c.currency = "KRW";
  f.facts(stream_of(c.promotion), c);
  CHECK(f.get(path).code() == "not_sealed_yet");
  CHECK(f.get(path).status == 409);
  f.sealed_points(8, 2);
  CHECK(f.get("/api/v1/promotions/8/reconciliation").doc()["consistent"] == true);
  f.completed_points(9, 2, 2);
  f.parts.messages = nullptr;
  CHECK(f.get("/api/v1/promotions/9/reconciliation").code() == "broker_unavailable");
  CHECK(f.call("POST", "/api/v1/promotions/8/reconciliation").code() == "body_missing");
  f.state.reconciling = true;
  CHECK(f.get("/api/v1/promotions/8/reconciliation").code() == "reconcile_running");
}

}  // namespace bestow::testing
