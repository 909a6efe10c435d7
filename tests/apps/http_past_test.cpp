// Questions about customers and about earlier moments, and whole views as tables.
#include <algorithm>

#include <fmt/format.h>

#include "apps/http/export_rows.hpp"
#include "apps/http/schema.hpp"
#include "domain/target_row.hpp"
#include "events/limits.hpp"
#include "tests/apps/http_fixture.hpp"
#include "tests/catch.hpp"

namespace bestow::testing {
namespace {

using namespace std::chrono_literals;

const std::string promotions = "/api/v1/promotions";

auto history_of(const std::string& uid) -> std::string {
  return "/api/v1/customers/" + uid + "/history";
}
auto export_of(const std::string& view) -> std::string {
  return "/api/v1/views/" + view + "/export";
}

auto lines_of(const std::string& text) -> std::vector<std::string> {
  std::vector<std::string> out;
  std::size_t from = 0;
  for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', from)) {
    out.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  CHECK(from == text.size());  // The last line is ended too.
  return out;
}

/// Every key of a schema and no other.
void check_fields(const json& object, std::string_view name) {
  const auto* schema = http::find_schema(name);
  REQUIRE(schema != nullptr);
  CHECK(object.size() == schema->fields.size());
  for (const auto& f : schema->fields) {
    CAPTURE(f.name);
    CHECK(object.contains(std::string{f.name}));
  }
}

/// Two promotions an hour apart; time is the time after each.
struct two_hours : http_fixture {
  two_hours() {
    completed_points(7, 5, 3);
    after_first = time.wall();
    time.advance(1h);
    sealed_points(8, 3);
    after_second = time.wall();
    time.advance(1h);
  }
  [[nodiscard]] static auto text(timestamp t) -> std::string { return domain::to_rfc3339(t); }
  timestamp after_first;
  timestamp after_second;
};

}  // namespace

TEST_CASE("a customer's facts come from every promotion, in log order", "[unit][http]") {
  two_hours f;
  const auto a = f.get(history_of("1002"));
  REQUIRE(a.status == 200);
  const auto doc = a.doc();
  check_fields(doc, "CustomerHistory");
  CHECK(doc["customer_uid"] == "1002");
  CHECK(doc["promotion_count"] == 2);
  CHECK(doc["target_count"] == 2);
  CHECK(doc["next"].is_null());
  CHECK(doc["as_of"].is_null());
  const auto& facts = doc["facts"];
  REQUIRE(facts.size() == 5);
  std::vector<std::string> events;
  for (const auto& fact : facts) {
    check_fields(fact, "CustomerFact");
    events.push_back(fact["event"]);
  }
  CHECK(events == std::vector<std::string>{"targets_imported", "targets_released",
                                           "grants_published", "results_recorded",
                                           "targets_imported"});
  CHECK(facts[0]["promotion_id"] == "7");
  CHECK(facts[0]["target_id"] == "2");
  CHECK(facts[0]["batch"] == "b1");
  CHECK(facts[0]["row"] == 2);
  CHECK(facts[0]["amount"] == "100");
  CHECK(facts[1]["run_no"] == 1);
  CHECK(facts[1]["attempt"] == 1);
  CHECK(facts[2]["stream_seq"] == 2);
  CHECK(facts[3]["result"] == "SUCCESS");
  CHECK(facts[3]["transaction_key"] == "tx-2");
  CHECK(facts[3]["said_at"] == "2026-01-21T01:30:01.000Z");
  CHECK(facts[4]["promotion_id"] == "8");
}

TEST_CASE("a customer's pages follow each other", "[unit][http]") {
  two_hours f;
  const auto whole = f.get(history_of("1002")).doc()["facts"];
  for (const int limit : {1, 2, 3, 4, 5}) {
    json gathered = json::array();
    std::string after;
    for (;;) {
      const auto page = f.get(fmt::format("{}?limit={}{}", history_of("1002"), limit, after)).doc();
      for (const auto& fact : page["facts"]) gathered.push_back(fact);
      if (page["next"].is_null()) break;
      after = "&after=" + page["next"].get<std::string>();
    }
    CHECK(gathered == whole);
  }
  CHECK(f.get(history_of("1002") + "?after=999999").doc()["facts"].empty());
}

TEST_CASE("a customer that no list has is not found", "[unit][http]") {
  two_hours f;
  for (const auto* uid : {"1", "1000", "1006", "18446744073709551615"}) {
    const auto a = f.get(history_of(uid));
    CHECK(a.status == 404);
    CHECK(a.code() == "customer_not_found");
  }
  for (const auto* uid : {"0", "-1", "x", "1.5", "18446744073709551616", "1002x", "%31%00"}) {
    CAPTURE(uid);
    const auto a = f.get(history_of(uid));
    CHECK(a.status == 400);
    CHECK(a.code() == "id_invalid");
  }
  for (const auto* query : {"after=x", "after=", "after=1.", "after=1.x", "after=-1", "limit=0",
                            "limit=1001", "as_of=yesterday"}) {
    CAPTURE(query);
    CHECK(f.get(history_of("1002") + "?" + query).code() == "query_invalid");
  }
}

TEST_CASE("a trace waits for its view", "[unit][http]") {
  two_hours f;
  f.append(stream_of(promotion_id{8}), {encode_event(promotion_approved{"bob"})});
  CHECK(f.get(history_of("1002")).code() == "view_behind");
  CHECK(f.get(history_of("1002") + "?stale=1").status == 200);
  CHECK(f.get(history_of("1002") + "?stale=2").code() == "query_invalid");
  f.project();
}

TEST_CASE("answers as of an earlier time are those of that time", "[unit][http]") {
  two_hours f;
  const auto then = "?as_of=" + f.text(f.after_first);
  const auto list = f.get(promotions + then).doc();
  REQUIRE(list["promotions"].size() == 1);
  CHECK(list["promotions"][0]["promotion_id"] == "7");
  CHECK(list["as_of"] == f.text(f.after_first));
  const auto position = list["as_of_position"].get<std::uint64_t>();
  CHECK(position < f.log.head().last.value);
  const auto shown = f.get(promotions + "/7" + then).doc();
  CHECK(shown["state"] == "completed");
  CHECK(shown["as_of"] == f.text(f.after_first));
  CHECK(shown["as_of_position"] == position);
  CHECK(f.get(promotions + "/7/partitions" + then).doc()["as_of_position"] == position);
  CHECK(f.get(promotions + "/7/targets" + then).doc()["targets"].size() == 5);
  CHECK(f.get(promotions + "/7/targets/2" + then).doc()["history"] ==
        f.get(promotions + "/7/targets/2").doc()["history"]);
  const auto none = f.get(promotions + "/8" + then);
  CHECK(none.status == 404);
  CHECK(none.code() == "promotion_not_found");
  CHECK(none.detail().find("there was no promotion 8 at") != std::string::npos);
  CHECK(f.get(history_of("1002") + then).doc()["promotion_count"] == 1);
  CHECK(f.get(history_of("1002") + then).doc()["as_of"] == f.text(f.after_first));
  // Local times mean Asia/Seoul, as in an import.
  const auto local = f.get(promotions + "?as_of=20260121103000").doc();
  CHECK(local["as_of"] == "2026-01-21T01:30:00.000Z");
  // The head: as now.
  auto now = f.get(promotions + "/7").doc();
  auto head = f.get(promotions + "/7?as_of=" + f.text(f.time.wall())).doc();
  CHECK(head["as_of"] == f.text(f.time.wall()));
  head["as_of"] = nullptr;
  CHECK(head == now);
}

TEST_CASE("a time that cannot be answered is refused by name", "[unit][http]") {
  two_hours f;
  const auto ask = [&](const std::string& time) { return f.get(promotions + "?as_of=" + time); };
  const auto future = ask("2030-01-01T00:00:00Z");
  CHECK(future.status == 400);
  CHECK(future.code() == "as_of_in_the_future");
  const auto early = ask("2020-01-01T00:00:00Z");
  CHECK(early.status == 400);
  CHECK(early.code() == "as_of_before_the_log");
  CHECK(early.detail().find("2026-01-21T01:30:00.000Z") != std::string::npos);
  for (const auto* bad : {"", "x", "2026", "2026-02-30T00:00:00Z", "2026-01-21T10:30:00 09:00",
                          "20260121", "-1", "99999999999999"}) {
    CAPTURE(bad);
    CHECK(ask(bad).code() == "query_invalid");
    CHECK(f.get(export_of("target_status") + "?as_of=" + bad).code() == "query_invalid");
  }
  http_fixture empty;
  CHECK(empty.get(promotions + "?as_of=2026-01-21T01:00:00Z").code() == "as_of_before_the_log");
}

TEST_CASE("more earlier moments than are worked out at once are told to come again",
          "[unit][http]") {
  two_hours f;
  const auto url = promotions + "/7?as_of=" + f.text(f.after_first);
  projections::past_views none{
      f.log, *f.lists, [] { return fail(fault_code::log_full, "scratch", "no room"); }, {0, 1s}};
  f.parts.past = &none;
  const auto busy = f.get(url);
  CHECK(busy.status == 503);
  CHECK(busy.code() == "as_of_busy");
  CHECK(busy.header("Retry-After") == "1");
  const auto maker = []() -> result<std::unique_ptr<store::view_store_factory>> {
    return store::make_memory_view_stores();
  };
  projections::past_views hasty{f.log, *f.lists, maker, {1, -1s}};
  f.parts.past = &hasty;
  for (int i = 0; i < 40; ++i)
    f.facts(stream_of(promotion_id{7}, partition_no{0}), double_grant_detected{{1}, "x", {1}, {1}});
  const auto slow = f.get(promotions + "?as_of=" + f.text(f.time.wall()));
  CHECK(slow.status == 503);
  CHECK(slow.code() == "as_of_takes_too_long");
}

TEST_CASE("every view is exported with its own columns", "[unit][http]") {
  two_hours f;
  const std::vector<std::pair<std::string, std::size_t>> rows{{"promotion_summary", 2},
                                                              {"partition_progress", 2},
                                                              {"target_status", 8},
                                                              {"reconciliation", 2},
                                                              {"customer_grants", 8}};
  CHECK(rows.size() == f.views->names().size());
  for (const auto& [view, count] : rows) {
    CAPTURE(view);
    const auto fields = http::export_fields(view);
    REQUIRE_FALSE(fields.empty());
    const auto csv = f.get(export_of(view));
    REQUIRE(csv.status == 200);
    CHECK(csv.type == "text/csv; charset=utf-8");
    CHECK(csv.header("Bestow-View") == view);
    CHECK(csv.header("Bestow-Log-Id") == f.log.log_id());
    CHECK(csv.header("Bestow-Position") == std::to_string(f.log.head().last.value));
    CHECK(csv.header("Bestow-Frame-Hash") == to_hex(f.log.head().frame_hash));
    CHECK(csv.header("Bestow-As-Of").empty());
    const auto lines = lines_of(csv.body);
    CHECK(lines.size() == count + 1);
    std::vector<std::string_view> names;
    for (const auto& field : fields) names.push_back(field.name);
    CHECK(lines.front() == fmt::format("{}", fmt::join(names, ",")));
    const auto nd = f.get(export_of(view) + "?format=ndjson");
    CHECK(nd.type == "application/x-ndjson");
    const auto objects = lines_of(nd.body);
    REQUIRE(objects.size() == count);
    for (const auto& line : objects) {
      const auto object = json::parse(line);
      CHECK(object.size() == fields.size());
      for (const auto& field : fields) {
        CAPTURE(field.name);
        REQUIRE(object.contains(std::string{field.name}));
        const auto& value = object[std::string{field.name}];
        if (value.is_null()) continue;
        CHECK(value.is_number_unsigned() == (field.type == http::shape::count));
        CHECK(value.is_boolean() == (field.type == http::shape::flag));
      }
    }
    CHECK(lines_of(f.get(export_of(view) + "?promotion=8").body).size() < count + 1);
  }
}

TEST_CASE("exported rows are those that the API shows", "[unit][http]") {
  two_hours f;
  const auto exported = lines_of(f.get(export_of("promotion_summary") + "?format=ndjson").body);
  const auto listed = f.get(promotions).doc()["promotions"];
  for (std::size_t i = 0; i < listed.size(); ++i) {
    auto row = listed[i];
    row.erase("as_of");
    row.erase("as_of_position");
    CHECK(json::parse(exported[i]) == row);
  }
  const auto targets = lines_of(f.get(export_of("target_status") + "?format=ndjson").body);
  const auto page = f.get(promotions + "/7/targets").doc()["targets"];
  for (std::size_t i = 0; i < page.size(); ++i) {
    const auto row = json::parse(targets[i]);
    CHECK(row["target_id"] == page[i]["point_target_id"]);
    for (const auto* same : {"promotion_id", "customer_uid", "amount", "status", "transaction_key",
                             "error_message", "published_at", "expiry_at", "reason"})
      CHECK(row[same] == page[i][same]);
  }
}

TEST_CASE("an export as of an earlier time has the rows of that time", "[unit][http]") {
  two_hours f;
  const auto then = "?as_of=" + f.text(f.after_first);
  const auto a = f.get(export_of("target_status") + then);
  REQUIRE(a.status == 200);
  CHECK(lines_of(a.body).size() == 6);
  CHECK(a.header("Bestow-As-Of") == f.text(f.after_first));
  CHECK(lines_of(f.get(export_of("customer_grants") + then).body).size() == 6);
  CHECK(lines_of(f.get(export_of("promotion_summary") + then + "&promotion=7").body).size() == 2);
  const auto none = f.get(export_of("promotion_summary") + then + "&promotion=8");
  CHECK(none.status == 404);
  CHECK(none.code() == "promotion_not_found");
}

TEST_CASE("what cannot be exported is refused by name", "[unit][http]") {
  two_hours f;
  const auto unknown = f.get(export_of("target_stats"));
  CHECK(unknown.status == 404);
  CHECK(unknown.code() == "view_not_found");
  CHECK(unknown.detail().find("target_status") != std::string::npos);
  CHECK(f.get(export_of("%2e%2e")).code() == "view_not_found");
  CHECK(f.get(export_of("target_status") + "?format=xml").code() == "query_invalid");
  CHECK(f.get(export_of("target_status") + "?format=").code() == "query_invalid");
  CHECK(f.get(export_of("target_status") + "?promotion=0").code() == "query_invalid");
  CHECK(f.get(export_of("target_status") + "?promotion=9").code() == "promotion_not_found");
  f.state.exports = limits::exports_max;
  const auto busy = f.get(export_of("target_status"));
  CHECK(busy.status == 503);
  CHECK(busy.code() == "exports_busy");
  f.state.exports = 0;
  CHECK(f.get(export_of("target_status")).status == 200);
  CHECK(f.state.exports == 0);
}

TEST_CASE("a spreadsheet runs nothing of an export", "[unit][http]") {
  http_fixture f;
  promotion_created c;
  c.promotion = {7};
  c.currency = "KRW";
  c.external_id = "=HYPERLINK(\"http://x\")";
  c.default_reason = "+1, \"quoted\"\nline";
  f.facts(stream_of(promotion_id{7}), c);
  const auto csv = f.get(export_of("promotion_summary")).body;
  CHECK(csv.find("\"'=HYPERLINK(\"\"http://x\"\")\"") != std::string::npos);
  CHECK(csv.find("\"'+1, \"\"quoted\"\"\nline\"") != std::string::npos);
  const auto nd = f.get(export_of("promotion_summary") + "?format=ndjson").body;
  CHECK(json::parse(nd)["external_id"] == c.external_id);
}

}  // namespace bestow::testing
