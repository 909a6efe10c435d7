// Results by hand over HTTP: files of results, and dead letters.
#include "bus/dead_letter.hpp"
#include "tests/apps/http_fixture.hpp"
#include "tests/catch.hpp"

namespace bestow::testing {
namespace {

const std::string import_path = "/api/v1/promotions/7/results";
const header_list csv{{"Content-Type", "text/csv"}};
const header_list ndjson{{"Content-Type", "application/x-ndjson"}};

auto rejects_of(const json& doc) -> std::vector<std::string> {
  std::vector<std::string> found;
  for (const auto& r : doc["rejects"])
    found.push_back(std::to_string(r["line"].get<int>()) + " " + r["code"].get<std::string>());
  return found;
}
using words = std::vector<std::string>;

auto result_json(const std::string& target, const std::string& key) -> std::string {
  return R"({"sentAt":"2026-01-21T10:30:00","payload":{"eventId":"7","pointEventTargetId":")" +
         target + R"(","customerUid":"1","processStatus":"SUCCESS","transactionKey":")" + key +
         R"(","partitionKey":"0"}})";
}

/// A fixture with a dead-letter stream.
class dead_letter_fixture : public http_fixture {
 public:
  dead_letter_fixture() {
    bus::stream_config c;
    c.name = settings.grants.dead_stream;
    c.subjects = {std::string{bus::dead_letter_subject}};
    c.deny_delete_and_purge = false;
    REQUIRE(messages->ensure_stream(c));
  }
  void bury(const std::string& reason, const std::string& payload) {
    bus::dead_letter l;
    l.reason = reason;
    l.subject = "prepay.campaign.point.result.0";
    l.stream_seq = 9;
    l.at = {1'768'959'000'000};
    l.headers = {{"Trace-Id", "abc"}};
    l.payload = payload;
    REQUIRE(messages->publish(std::string{bus::dead_letter_subject},
                              bus::encode_dead_letter(l, 0), std::nullopt, "", {}));
  }
  auto retry(int number) -> http_answer {
    return post("/api/v1/results/dead/" + std::to_string(number) + "/retry", "{}");
  }
};

}  // namespace

TEST_CASE("a results file is recorded; what contradicts the list is named by line and code",
          "[unit][http]") {
  http_fixture f;
  f.completed_points(7, 5, 0);
  const std::string file =
      "point_target_id,promotion_id,customer_uid,partition_key,process_status,transaction_key\n"
      "1,7,,0,SUCCESS,T-1\n"
      "2,,,,SUCCESS,known\n"
      "3,,,,SUCCESS,too early\n"
      "4,8,,,SUCCESS,T-4\n"
      "99,,,,SUCCESS,T-99\n"
      "5,,77777,,SUCCESS,T-5\n"
      "5,,,9,SUCCESS,T-5\n"
      "5,,,,WHATEVER,T-5\n"
      "5,,,,FAILED,\n";
  const auto a = f.call("POST", import_path, file, csv);
  CAPTURE(a.body);
  REQUIRE(a.status == 200);
  const auto doc = a.doc();
  CHECK(doc["rows"] == 9);
  CHECK(doc["recorded"] == 2);
  CHECK(doc["duplicates"] == 1);
  CHECK(doc["rejected"] == 6);
  CHECK(rejects_of(doc) == words{"4 result_never_released", "5 result_promotion_differs",
                                 "6 result_target_unknown", "7 result_customer_differs",
                                 "8 result_partition_differs", "9 result_status_unknown"});
  const auto recorded = f.engine.recorded();
  REQUIRE(recorded.size() == 2);
  CHECK(recorded[0].id.value == 1);
  CHECK(recorded[0].promotion.value == 7);
  CHECK(recorded[0].transaction_key == "T-1");
  CHECK(recorded[1].status == process_status::failed);
}

TEST_CASE("results as NDJSON are recorded too", "[unit][http]") {
  http_fixture f;
  f.completed_points(7, 2, 0);
  const auto a = f.call("POST", import_path,
                        R"({"target_id":"2","process_status":"SUCCESS","transaction_key":"k"})",
                        ndjson);
  REQUIRE(a.status == 200);
  CHECK(a.doc()["recorded"] == 1);
  CHECK(f.engine.recorded().at(0).id.value == 2);
}

TEST_CASE("a results file is refused whole for what it is, not row by row", "[unit][http]") {
  http_fixture f;
  f.completed_points(7, 2, 0);
  CHECK(f.call("POST", import_path, "a,b\n1,2\n", csv).code() == "input_header_unknown_field");
  CHECK(f.call("POST", "/api/v1/promotions/8/results", "x", csv).code() == "promotion_not_found");
  CHECK(f.call("POST", import_path + "?format=xml", "x", csv).code() == "query_invalid");
  CHECK(f.engine.recorded().empty());
}

TEST_CASE("dead letters are listed by page and shown whole", "[unit][http]") {
  dead_letter_fixture f;
  CHECK(f.get("/api/v1/results/dead").doc() ==
        json::parse(R"({"letters":[],"next":null,"count":0,"open_count":0})"));
  for (int i = 1; i <= 3; ++i) f.bury("reason " + std::to_string(i), "payload");
  const auto first = f.get("/api/v1/results/dead?limit=2").doc();
  CHECK(first["count"] == 3);
  CHECK(first["next"] == "2");
  CHECK(first["letters"][0]["reason"] == "reason 1");
  CHECK(first["letters"][0]["state"] == "open");
  CHECK(first["letters"][0]["at"] == "2026-01-21T01:30:00.000Z");
  const auto rest = f.get("/api/v1/results/dead?limit=2&after=2").doc();
  CHECK(rest["letters"].size() == 1);
  CHECK(rest["next"].is_null());
  const auto one = f.get("/api/v1/results/dead/2").doc();
  CHECK(one["subject"] == "prepay.campaign.point.result.0");
  CHECK(one["payload"] == "payload");
  CHECK(one["headers"]["Trace-Id"] == "abc");
  CHECK(f.get("/api/v1/results/dead/4").code() == "letter_not_found");
}

TEST_CASE("a dead letter whose trouble is mended is recorded once, however often it is retried",
          "[unit][http]") {
  dead_letter_fixture f;
  f.bury("the target was never released", result_json("1", "T-1"));
  const auto first = f.retry(1);
  CAPTURE(first.body);
  REQUIRE(first.status == 200);
  CHECK(first.doc()["repeated"] == false);
  CHECK(f.retry(1).doc()["repeated"] == true);
  CHECK(f.engine.recorded().size() == 1);
  CHECK(f.get("/api/v1/results/dead/1").doc()["state"] == "accepted");
  const auto page = f.get("/api/v1/results/dead").doc();
  CHECK(page["count"] == 1);
  CHECK(page["open_count"] == 0);
  CHECK(f.get("/api/v1/results/dead?open=1").doc()["letters"].empty());
  // The note of the retry is no letter.
  CHECK(f.get("/api/v1/results/dead/2").code() == "letter_not_found");
}

TEST_CASE("a letter that still cannot be used becomes another letter, linked to the first",
          "[unit][http]") {
  dead_letter_fixture f;
  const bool unreadable = GENERATE(true, false);
  f.bury("some reason", unreadable ? "not json" : result_json("1", "too early"));
  const auto first = f.retry(1);
  CHECK(first.status == 409);
  CHECK(first.code() == "letter_still_dead");
  CHECK(f.retry(1).detail() == first.detail());
  const auto page = f.get("/api/v1/results/dead").doc();
  REQUIRE(page["count"] == 2);
  CHECK(page["open_count"] == 1);
  CHECK(page["letters"][0]["state"] == "dead_again");
  CHECK(page["letters"][0]["next_letter"] == "2");
  CHECK(page["letters"][1]["state"] == "open");
  CHECK(page["letters"][1]["retry_of"] == "1");
  CHECK(f.retry(2).code() == "letter_still_dead");
  CHECK(f.get("/api/v1/results/dead").doc()["count"] == 3);
}

TEST_CASE("what became of a letter is known to a new process", "[unit][http]") {
  dead_letter_fixture f;
  f.bury("some reason", result_json("1", "T-1"));
  REQUIRE(f.retry(1).status == 200);
  http::dead_letters fresh;
  const http::letter_parts parts{f.messages.get(), &f.engine, &f.time,
                                 f.settings.grants.dead_stream};
  const auto again = fresh.retry(parts, 1);
  REQUIRE(again);
  REQUIRE(*again);
  CHECK((*again)->accepted);
  CHECK((*again)->repeated);
  CHECK(f.engine.recorded().size() == 1);
}

TEST_CASE("without the broker dead letters answer that it is away", "[unit][http]") {
  http_fixture f;
  f.parts.messages = nullptr;
  CHECK(f.get("/api/v1/results/dead").code() == "broker_unavailable");
}

}  // namespace bestow::testing
