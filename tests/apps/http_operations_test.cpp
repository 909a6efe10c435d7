// Health, readiness, metrics, views and the status page.
#include "tests/apps/http_fixture.hpp"
#include "tests/catch.hpp"

namespace bestow::testing {

TEST_CASE("liveness asks nothing of anyone", "[unit][http]") {
  http_fixture f;
  f.parts.messages = nullptr;
  f.engine.figures.log_ready = false;
  const auto a = f.get("/healthz");
  CHECK(a.status == 200);
  CHECK(a.doc()["status"] == "alive");
  CHECK(a.doc()["version"] == "9.9.9");
}

TEST_CASE("readiness names what is missing", "[unit][http]") {
  http_fixture f;
  const auto failing = [&f] {
    const auto a = f.get("/readyz");
    std::string names;
    const auto doc = a.doc();
    for (const auto& c : doc["checks"])
      if (c["ok"] == false) names += c["name"].get<std::string>() + ";";
    CHECK((a.status == 200) == names.empty());
    return names;
  };
  CHECK(failing().empty());
  f.engine.figures.log_ready = false;
  CHECK(failing() == "log;");
  f.engine.figures.log_ready = true;
  f.engine.figures.deliveries.push_back({"GRANTS_POINT", 5, 4, "halted: broker_stream_foreign", "", 1, 1, 0});
  CHECK(failing() == "delivery GRANTS_POINT;");
  f.engine.figures.deliveries.back().state = "full: broker_stream_full";
  CHECK(failing() == "delivery GRANTS_POINT;");
  f.engine.figures.deliveries.back().state = "connecting: broker_access_refused in publish: p";
  f.engine.figures.deliveries.back().code = "broker_access_refused";
  CHECK(failing() == "delivery GRANTS_POINT;");
  f.engine.figures.deliveries.back().state = "rebuilding: generation 2, sequence 5 of 9";
  f.engine.figures.deliveries.back().code = "";
  CHECK(failing().empty());
  f.engine.figures.deliveries.clear();
  f.state.broker_alive = false;
  CHECK(failing() == "broker;");
  f.state.broker_alive = true;
  f.parts.messages = nullptr;
  CHECK(failing() == "broker;");
}

TEST_CASE("metrics carry the engine's figures", "[unit][http]") {
  http_fixture f;
  f.sealed_points(7, 2);
  f.engine.figures.head = f.log.head().last;
  f.engine.figures.appends = 12;
  f.engine.figures.results_dead = 3;
  f.engine.figures.deliveries.push_back({"GRANTS_POINT", 50, 40, "ready", "", 1, 1, 0});
  static_cast<void>(f.get("/nowhere"));
  const auto a = f.get("/metrics");
  REQUIRE(a.status == 200);
  CHECK(a.type.starts_with("text/plain; version=0.0.4"));
  for (const auto* line :
       {"bestow_log_position 5", "bestow_log_appends_total 12", "bestow_results_dead_total 3",
        "bestow_delivery_planned_seq{stream=\"GRANTS_POINT\"} 50",
        "bestow_delivery_acked_seq{stream=\"GRANTS_POINT\"} 40",
        "bestow_view_lag_events{view=\"promotion_summary\"} 0", "bestow_broker_connected 1",
        "bestow_http_refused_total 1", "bestow_build_info{version=\"9.9.9\"} 1"}) {
    CAPTURE(line, a.body);
    CHECK(a.body.find(line) != std::string::npos);
  }
}

TEST_CASE("streams are listed, rebuilt and adopted", "[unit][http]") {
  http_fixture f;
  f.engine.figures.deliveries.push_back(
      {"GRANTS_POINT", 50, 40, "halted: broker_stream_damaged in x: y", "broker_stream_damaged", 3,
       1, 7});
  const auto doc = f.get("/api/v1/streams").doc();
  REQUIRE(doc["streams"].size() == 1);
  const auto& row = doc["streams"][0];
  CHECK(row["name"] == "GRANTS_POINT");
  CHECK(row["state"] == "halted");
  CHECK(row["code"] == "broker_stream_damaged");
  CHECK(row["generation"] == 3);
  CHECK(row["planned_seq"] == 50);
  CHECK(row["acked_seq"] == 40);
  CHECK(row["republished_count"] == 7);
  const auto metrics = f.get("/metrics").body;
  for (const auto* line :
       {"bestow_delivery_trouble{stream=\"GRANTS_POINT\",code=\"broker_stream_damaged\"} 1",
        "bestow_delivery_generation{stream=\"GRANTS_POINT\"} 3",
        "bestow_delivery_republished_total{stream=\"GRANTS_POINT\"} 7"}) {
    CAPTURE(line, metrics);
    CHECK(metrics.find(line) != std::string::npos);
  }

  f.engine.next_stream = actors::stream_receipt{"GRANTS_POINT", 4, 49, "why", false, {90}};
  const auto rebuilt = f.post("/api/v1/streams/GRANTS_POINT/rebuild", "{}");
  CHECK(rebuilt.status == 202);
  CHECK(rebuilt.doc()["generation"] == 4);
  CHECK(rebuilt.doc()["message_count"] == 49);
  CHECK(f.engine.calls().back() == "rebuild stream POINT by local");
  f.engine.next_stream = tl::unexpected<actors::trouble>{
      domain::refusal{domain::rejection::stream_is_sound, "fine"}};
  const auto sound = f.post("/api/v1/streams/GRANTS_VOUCHER/rebuild", "{}");
  CHECK(sound.status == 409);
  CHECK(sound.code() == "stream_is_sound");

  f.engine.next_adoption = actors::adoption_receipt{"GRANTS_POINT", 51, 60, 2, {91}};
  const auto adopted = f.post("/api/v1/streams/GRANTS_POINT/adopt", "{}");
  CHECK(adopted.status == 200);
  CHECK(adopted.doc()["message_count"] == 10);
  CHECK(f.engine.calls().back() == "adopt stream POINT by local");
  const auto unknown = f.post("/api/v1/streams/GRANTS_PIONT/adopt", "{}");
  CHECK(unknown.status == 404);
  CHECK(unknown.code() == "stream_not_found");
  CHECK(unknown.detail().find("Did you mean 'GRANTS_POINT'?") != std::string::npos);
}

TEST_CASE("the event stream is listed and rebuilt, and never adopted", "[unit][http]") {
  http_fixture f;
  CHECK(f.get("/api/v1/streams").doc()["streams"].empty());
  actors::delivery_status events;
  events.stream = "BESTOW_EVENTS";
  events.state = "halted: sequence 9 is not this log's fact";
  events.code = "broker_stream_differs";
  f.engine.figures.events = events;
  const auto rows = f.get("/api/v1/streams").doc()["streams"];
  REQUIRE(rows.size() == 1);
  CHECK(rows[0]["name"] == "BESTOW_EVENTS");
  CHECK(rows[0]["state"] == "halted");
  CHECK(rows[0]["code"] == "broker_stream_differs");
  f.engine.next_stream = actors::stream_receipt{"BESTOW_EVENTS", 0, 12, "why", false, {12}};
  const auto rebuilt = f.post("/api/v1/streams/BESTOW_EVENTS/rebuild", "{}");
  CHECK(rebuilt.status == 202);
  CHECK(rebuilt.doc()["message_count"] == 12);
  CHECK(f.engine.calls().back() == "rebuild events by local");
  CHECK(f.post("/api/v1/streams/BESTOW_EVENTS/adopt", "{}").code() == "stream_not_found");
  f.settings.grants.publish_events = false;
  CHECK(f.post("/api/v1/streams/BESTOW_EVENTS/rebuild", "{}").code() == "stream_not_found");
}

TEST_CASE("views are listed and rebuilt", "[unit][http]") {
  http_fixture f;
  const auto list = f.get("/api/v1/views").doc();
  REQUIRE(list["views"].size() >= 3);
  CHECK(list["views"][0]["name"] == "promotion_summary");
  CHECK(list["views"][0]["state"] == "following");
  const auto started = f.post("/api/v1/views/target_status/rebuild", "{}");
  CHECK(started.status == 202);
  CHECK(started.doc()["name"] == "target_status");
  CHECK(f.engine.calls().back() == "rebuild target_status by local");
  f.engine.next_rebuild = false;
  const auto unknown = f.post("/api/v1/views/target_statsu/rebuild", "{}");
  CHECK(unknown.status == 404);
  CHECK(unknown.code() == "view_not_found");
  CHECK(unknown.detail().find("Did you mean 'target_status'?") != std::string::npos);
}

TEST_CASE("the status page shows promotions and escapes what it shows", "[unit][http]") {
  http_fixture f;
  f.completed_points(7, 5, 3);
  f.engine.figures.deliveries.push_back({"GRANTS<script>", 5, 4, "ready & well", "", 1, 1, 0});
  const auto a = f.get("/");
  REQUIRE(a.status == 200);
  CHECK(a.type.starts_with("text/html"));
  CHECK(a.body.find("completed") != std::string::npos);
  CHECK(a.body.find("/api/v1/promotions/7") != std::string::npos);
  CHECK(a.body.find("<script>") == std::string::npos);
  CHECK(a.body.find("ready &amp; well") != std::string::npos);
  CHECK_FALSE(a.header("Content-Security-Policy").empty());
}

}  // namespace bestow::testing
