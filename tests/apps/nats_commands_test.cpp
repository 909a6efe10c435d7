// Commands over NATS: the table, what a message becomes, and what comes back.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "apps/http/auth.hpp"
#include "apps/nats/command_request.hpp"
#include "events/limits.hpp"
#include "tests/apps/nats_fixture.hpp"
#include "tests/catch.hpp"

namespace bestow::testing {
namespace {

/// JSON with a value for every field that the command's path needs.
auto least_fields(const commands::command& c) -> json {
  json out = json::object();
  const auto fields = commands::fields_of(*c.to);
  for (std::size_t i = 0; i < fields.path_count; ++i)
    out[fields.names[i]] = fields.names[i] == "batch" ? "b1" : "1";
  if (commands::takes_rows(*c.to)) out[std::string{commands::rows_field}] = "customer_uid\n1\n";
  return out;
}

auto route_of(std::string_view name) -> std::string {
  const auto* c = commands::find_command(name);
  return c == nullptr ? "" : fmt::format("{} {}", c->to->method, c->to->pattern);
}

}  // namespace

TEST_CASE("every command is a noun and a verb and stands for one route", "[unit][nats]") {
  std::set<std::string> names;
  std::set<const http::route*> routes;
  for (const auto& c : commands::command_table()) {
    CAPTURE(c.name);
    CHECK(names.insert(c.name).second);
    CHECK(routes.insert(c.to).second);
    CHECK(std::count(c.name.begin(), c.name.end(), '.') == 1);
    CHECK(c.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_.") == std::string::npos);
    CHECK(commands::find_command(c.name) == &c);
  }
  CHECK(commands::find_command("promotion") == nullptr);
  CHECK(commands::find_command("") == nullptr);
}

TEST_CASE("what can be done to a promotion over HTTP can be done over NATS", "[unit][nats]") {
  for (const auto* verb : {"seal", "approve", "schedule", "start", "stop", "resume", "cancel",
                           "retry", "recall", "close"})
    CHECK(route_of(std::string{"promotion."} + verb) ==
          std::string{"POST /api/v1/promotions/{id}/"} + verb);
  CHECK(route_of("promotion.create") == "POST /api/v1/promotions");
  CHECK(route_of("promotion.import") == "POST /api/v1/promotions/{id}/targets");
  CHECK(route_of("promotion.show") == "GET /api/v1/promotions/{id}");
  CHECK(route_of("promotion.list") == "GET /api/v1/promotions");
  CHECK(route_of("target.list") == "GET /api/v1/promotions/{id}/targets");
  CHECK(route_of("promotion.reconcile") == "GET /api/v1/promotions/{id}/reconciliation");
  // A route that is added below these has its command, or the table says so here.
  std::set<const http::route*> commanded;
  for (const auto& c : commands::command_table()) commanded.insert(c.to);
  for (const auto& r : http::route_table()) {
    const bool wanted = r.pattern.starts_with("/api/v1/promotions") ||
                        r.pattern.starts_with("/api/v1/results");
    if (r.pattern.ends_with("/proof")) continue;  // A file of frames: larger than a message.
    CAPTURE(r.method, r.pattern);
    if (wanted) CHECK(commanded.contains(&r));
  }
}

TEST_CASE("the fields of a command go to path, query and body", "[unit][nats]") {
  nats_fixture f;
  f.start();
  struct row {
    std::string command;
    std::string payload;
    std::string call;
  };
  const std::vector<row> table{
      {"promotion.seal", R"({"promotion_id":"7"})", "seal 7"},
      {"promotion.approve", R"({"promotion_id":7})", "approve 7"},
      {"promotion.stop", R"({"reason":"점검","promotion_id":9223372036854775807})",
       "stop 9223372036854775807"},
      {"promotion.retry", R"({"promotion_id":"7","status":"failed","targets":["1",2]})", "retry 7"},
      {"promotion.recall", R"({"promotion_id":"7","reason":"r","targets":null})", "recall 7"},
      {"promotion.abandon", R"({"promotion_id":"7","batch":"a/b c","reason":"x"})", "abandon 7"},
  };
  for (const auto& r : table) {
    CAPTURE(r.command, r.payload);
    const auto a = f.send(r.command, r.payload);
    CAPTURE(a.body);
    CHECK(a.status == 200);
    REQUIRE_FALSE(f.engine.calls().empty());
    CHECK(f.engine.calls().back().starts_with(r.call));
    CHECK(f.engine.calls().back().ends_with("by nats:anonymous"));
  }
  const auto calls = f.engine.calls();
  CHECK(std::any_of(calls.begin(), calls.end(),
                    [](const auto& c) { return c.find("a/b c") != std::string::npos; }));
}

TEST_CASE("a command gets the same answer as its HTTP call", "[unit][nats]") {
  nats_fixture f;
  f.completed_points(7, 3, 2);
  f.start();
  const std::vector<std::pair<std::string, std::string>> table{
      {"promotion.show", "/api/v1/promotions/7"},
      {"promotion.list", "/api/v1/promotions"},
      {"promotion.partitions", "/api/v1/promotions/7/partitions"},
      {"target.list", "/api/v1/promotions/7/targets"},
      {"log.stat", "/api/v1/log/stat"},
      {"view.list", "/api/v1/views"},
      {"nats.list", "/api/v1/streams"},
  };
  for (const auto& [command, path] : table) {
    CAPTURE(command);
    const bool one = path.find("/7") != std::string::npos;
    const auto a = f.send(command, one ? R"({"promotion_id":"7"})" : "");
    CHECK(a.status == 200);
    CHECK(a.doc() == f.get(path).doc());
    CHECK(a.header("Content-Type") == "application/json");
  }
  const auto page = f.send("target.list", R"({"promotion_id":7,"status":"success","limit":1})");
  CHECK(page.doc() == f.get("/api/v1/promotions/7/targets?status=success&limit=1").doc());
  CHECK(f.send("target.show", R"({"promotion_id":7,"target_id":2})").doc() ==
        f.get("/api/v1/promotions/7/targets/2").doc());
  CHECK(f.send("target.list", R"({"promotion_id":7,"stale":true})").status == 200);
}

TEST_CASE("an answer says its status in headers, an error as NATS micro services do",
          "[unit][nats]") {
  nats_fixture f;
  f.start();
  f.engine.next->promotion = {5};
  const auto made = f.send("promotion.create", R"({"promotion_type":"POINT"})");
  CHECK(made.status == 201);
  CHECK(made.header("Location") == "/api/v1/promotions/5");
  CHECK(made.header("Nats-Service-Error").empty());
  CHECK(made.header("Nats-Service-Error-Code").empty());
  f.engine.next = tl::unexpected{
      actors::trouble{domain::refusal{domain::rejection::approver_is_creator, "'ann' did"}}};
  const auto no = f.send("promotion.approve", R"({"promotion_id":"7"})");
  CHECK(no.status == 409);
  CHECK(no.code() == "approver_is_creator");
  CHECK(no.header("Content-Type") == "application/problem+json");
  CHECK(no.header("Nats-Service-Error") == "approver_is_creator");
  CHECK(no.header("Nats-Service-Error-Code") == "409");
}

TEST_CASE("a key and the body without path and query reach the engine", "[unit][nats]") {
  nats_fixture f;
  f.start();
  const bus::message_headers key{{"Idempotency-Key", "k-1"}};
  f.send("promotion.start", R"({"promotion_id":"7","run_date":"2026-01-31"})", key);
  const auto over_nats = f.engine.last_caller();
  CHECK(over_nats.idempotency_key == "k-1");
  f.post("/api/v1/promotions/7/start", R"({"run_date":"2026-01-31"})",
         {{"Idempotency-Key", "k-1"}});
  CHECK(f.engine.last_caller().request_hash == over_nats.request_hash);
  f.send("promotion.start", R"({ "run_date":"2026-02-01", "promotion_id":7 })", key);
  CHECK(f.engine.last_caller().request_hash != over_nats.request_hash);
}

TEST_CASE("what is wrong with a command is told, and nothing is done", "[unit][nats]") {
  nats_fixture f;
  f.settings.http.body_max = 100;
  f.start();
  struct row {
    std::string command;
    std::string payload;
    int status;
    std::string code;
    std::string says;
  };
  const std::vector<row> table{
      {"promotion.seel", "", 404, "command_unknown", "Did you mean 'promotion.seal'"},
      {"promotion.create", "", 400, "body_missing", ""},
      {"promotion.create", " \n", 400, "body_missing", ""},
      {"promotion.create", "{", 400, "json_malformed", "line 1"},
      {"promotion.create", "[]", 400, "json_not_an_object", ""},
      {"promotion.create", R"({"promotion_type":"POINT","x":1})", 400, "field_unknown", "x"},
      {"promotion.create", R"({"promotion_type":"POINT","default_amount":1.5})", 400,
       "field_wrong_type", "default_amount"},
      {"promotion.create", std::string(200, ' ') + "{}", 413, "body_too_large", "100"},
      {"promotion.seal", "{}", 400, "field_required", "promotion_id"},
      {"promotion.seal", "", 400, "field_required", "promotion_id"},
      {"promotion.seal", R"({"promotion_id":""})", 400, "field_required", "promotion_id"},
      {"promotion.seal", R"({"promotion_id":null})", 400, "field_required", "promotion_id"},
      {"promotion.seal", R"({"promotion_id":[1]})", 400, "field_wrong_type", "promotion_id"},
      {"promotion.seal", R"({"promotion_id":true})", 400, "field_wrong_type", "is true"},
      {"promotion.seal", R"({"promotion_id":"../7"})", 400, "id_invalid", "../7"},
      {"promotion.seal", R"({"promotion_id":1,"promotion_id":2})", 400, "field_repeated", ""},
      {"promotion.seal", R"({"promotion_id":1,"colour":2})", 400, "field_unknown", "colour"},
      {"promotion.show", R"({"promotion_id":1,"colour":2})", 400, "field_unknown",
       "Allowed: promotion_id, stale"},
      {"promotion.list", R"({"limit":"many"})", 400, "query_invalid", "limit"},
      {"log.stat", R"({"x":1})", 400, "field_unknown", "takes none"},
      {"promotion.import", R"({"promotion_id":1,"batch":"b"})", 400, "field_required", "rows"},
      {"promotion.import", R"({"promotion_id":1,"batch":"b","rows":["1"]})", 400,
       "field_wrong_type", "rows"},
  };
  for (const auto& r : table) {
    CAPTURE(r.command, r.payload);
    const auto a = f.send(r.command, r.payload);
    CAPTURE(a.body);
    CHECK(a.status == r.status);
    CHECK(a.code() == r.code);
    CHECK(a.detail().find(r.says) != std::string::npos);
  }
  CHECK(f.engine.calls().empty());
}

TEST_CASE("rows come as the payload with headers, or as text in JSON", "[unit][nats]") {
  // An engine of its own for each: the spy remembers one batch.
  const auto import = [](const std::string& payload, const bus::message_headers& headers) {
    nats_fixture f;
    promotion_created made;
    made.promotion = {7};
    made.currency = "KRW";
    f.facts(stream_of(promotion_id{7}), made);
    f.start();
    return f.send("promotion.import", payload, headers);
  };
  const auto with = [](std::string name, std::string value) {
    return bus::message_headers{{"Bestow-Promotion-Id", "7"},
                                {"bestow-batch", "b/1"},
                                {std::move(name), std::move(value)}};
  };
  const std::string csv = "customer_uid,amount\n1,100\n";
  const auto raw = import(csv, with("Content-Type", "text/csv"));
  CAPTURE(raw.body);
  CHECK(raw.status == 200);
  CHECK(raw.doc()["batch"] == "b/1");
  CHECK(raw.doc()["accepted"] == 1);
  const json fields{{"promotion_id", "7"}, {"batch", "b/1"}, {"rows", csv}};
  CHECK(import(fields.dump(), {}).doc() == raw.doc());
  const std::string line = R"({"customer_uid":"2","amount":"5"})";
  CHECK(import(line, with("Content-Type", "application/x-ndjson")).doc()["accepted"] == 1);
  CHECK(import(line, with("Bestow-Format", "ndjson")).doc()["accepted"] == 1);
  CHECK(import(csv, with("Bestow-Format", "xml")).code() == "query_invalid");
  CHECK(import(csv, with("Content-Type", "application/json")).code() == "media_type_unsupported");
  CHECK(import(csv, with("Bestow-Dry-Run", "1")).doc()["dry_run"] == true);
  CHECK(import(csv, {{"Bestow-Promotion-Id", "x"}}).code() == "id_invalid");
  // Without the header the payload is read as JSON: the answer says what is missing.
  CHECK(import(csv, {}).code() == "json_malformed");
}

TEST_CASE("a sender without a token has the role that the configuration gives", "[unit][nats]") {
  using config::command_role;
  nats_fixture f;
  f.start();
  const std::vector<std::pair<command_role, config::access_role>> table{
      {command_role::viewer, config::access_role::viewer},
      {command_role::operate, config::access_role::operate},
      {command_role::approver, config::access_role::approver},
      {command_role::admin, config::access_role::admin},
  };
  for (const auto& [given, role] : table) {
    f.settings.nats.role = given;
    for (const auto& c : commands::command_table()) {
      CAPTURE(c.name, name_of(role));
      http::request in;
      in.without_token = given;
      const auto may = http::authorise(f.settings, in, c.to->needs).has_value();
      const auto a = f.send(c.name, least_fields(c).dump());
      CHECK((a.status == 403) == !may);
      if (!may) CHECK(a.code() == "role_insufficient");
    }
  }
  f.settings.nats.role = command_role::none;
  for (const auto& c : commands::command_table())
    CHECK(f.send(c.name, least_fields(c).dump()).code() == "token_missing");
}

TEST_CASE("a token counts over NATS as over HTTP, and a wrong one is never none", "[unit][nats]") {
  nats_fixture f;
  f.settings.http.tokens = {token_of("ann", config::access_role::operate, "secret-ann"),
                            token_of("bob", config::access_role::approver, "secret-bob")};
  f.settings.nats.role = config::command_role::viewer;
  f.start();
  const auto as = [](const std::string& token) {
    return bus::message_headers{{"authorization", "Bearer " + token}};
  };
  const std::string id = R"({"promotion_id":"7"})";
  CHECK(f.send("promotion.seal", id, as("secret-ann")).status == 200);
  CHECK(f.engine.calls().back() == "seal 7 by ann");
  CHECK(f.send("promotion.seal", id, as("secret-bob")).code() == "role_insufficient");
  CHECK(f.send("promotion.approve", id, as("secret-bob")).status == 200);
  CHECK(f.engine.calls().back() == "approve 7 by bob");
  for (const auto* command : {"promotion.list", "promotion.seal"}) {
    CHECK(f.send(command, id, as("wrong")).code() == "token_unknown");
    CHECK(f.send(command, id, {{"Authorization", "Basic x"}}).code() == "token_missing");
  }
  // Without configured tokens a token is still no way to more than the role.
  f.settings.http.tokens.clear();
  CHECK(f.send("promotion.list", "", as("secret-ann")).code() == "token_unknown");
}

TEST_CASE("too many headers are refused, for one of them could be the token", "[unit][nats]") {
  nats_fixture f;
  f.start();
  bus::message_headers headers;
  for (std::size_t i = 0; i < limits::command_headers_max; ++i)
    headers.emplace_back(fmt::format("X-{}", i), "y");
  CHECK(f.send("promotion.list", "", headers).status == 200);
  headers.emplace_back("Authorization", "Bearer x");
  CHECK(f.send("promotion.list", "", headers).code() == "header_too_large");
}

TEST_CASE("who has no name creates nothing under four eyes", "[unit][nats]") {
  nats_fixture f;
  f.settings.http.tokens = {token_of("ann", config::access_role::admin, "secret-ann")};
  f.settings.nats.role = config::command_role::operate;
  f.start();
  const std::string body = R"({"promotion_type":"POINT","approval":"four_eyes"})";
  const auto no = f.send("promotion.create", body);
  CHECK(no.code() == "approval_policy_needs_tokens");
  CHECK(f.engine.calls().empty());
  CHECK(f.send("promotion.create", body, {{"Authorization", "Bearer secret-ann"}}).status == 201);
  CHECK(f.engine.last_created().created_by == "ann");
}

TEST_CASE("an answer that does not fit a message is refused by name", "[unit][nats]") {
  http::response large;
  large.body = std::string(101, 'x');
  const auto cut = commands::reply_of(large, 100);
  CHECK(json::parse(cut.payload)["code"] == "answer_too_large");
  large.body.pop_back();
  CHECK(commands::reply_of(large, 100).payload == large.body);
  http::response streamed;
  int pieces = 0;
  streamed.stream = [&pieces](const http::body_sink& put) {
    ++pieces;
    return put(std::string(40, 'y'));
  };
  CHECK(json::parse(commands::reply_of(streamed, 100).payload)["code"] == "answer_too_large");
  CHECK(pieces == 3);
}

}  // namespace bestow::testing
