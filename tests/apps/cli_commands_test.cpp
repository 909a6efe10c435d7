// Commands against a server: output, files, exit codes.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "apps/cli/printer.hpp"
#include "tests/apps/cli_fixture.hpp"
#include "tests/catch.hpp"

namespace bestow::testing {
namespace {

auto contains(const std::string& text, std::string_view part) -> bool {
  return text.find(part) != std::string::npos;
}
auto text_of(const std::string& path) -> std::string {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace

TEST_CASE("JSON is the server's answer, byte for byte", "[contract][cli]") {
  cli_fixture f;
  f.completed_points(7, 5, 3);
  CHECK(f.run({"promotion", "show", "7"}).out == f.get("/api/v1/promotions/7").body + "\n");
  CHECK(f.run({"promotion", "list", "-o", "json"}).out == f.get("/api/v1/promotions").body + "\n");
  CHECK(f.run({"target", "list", "7", "--status", "failed"}).out ==
        f.get("/api/v1/promotions/7/targets?status=failed").body + "\n");
  CHECK(f.run({"target", "show", "7", "1"}).out ==
        f.get("/api/v1/promotions/7/targets/1").body + "\n");
  CHECK(f.run({"log", "stat"}).out == f.get("/api/v1/log/stat").body + "\n");
  CHECK(f.run({"view", "list"}).out == f.get("/api/v1/views").body + "\n");
  CHECK(f.run({"promotion", "show", "7", "--partitions"}).out ==
        f.get("/api/v1/promotions/7/partitions").body + "\n");
}

TEST_CASE("tables and CSV show the same rows", "[contract][cli]") {
  cli_fixture f;
  f.completed_points(7, 5, 3);
  const auto table = f.run({"promotion", "list", "-o", "table"});
  CHECK(table.code == 0);
  CHECK(contains(table.out, "PROMOTION"));
  CHECK(contains(table.out, "completed"));
  const auto csv = f.run({"promotion", "list", "-o", "csv"});
  CHECK(csv.out.starts_with("promotion_id,campaign_issued_seq,external_id,"));
  CHECK(contains(csv.out, "\n7,0,,POINT,COMPLETED,completed,5,500,KRW,"));
  const auto targets = f.run({"target", "list", "7", "-o", "table", "--limit", "2"});
  CHECK(contains(targets.out, "tx-1"));
  CHECK(contains(targets.err, "more: --after 2"));
  CHECK(contains(f.run({"target", "show", "7", "1", "-o", "table"}).out, "EVENT"));
  CHECK(contains(f.run({"promotion", "show", "7", "-o", "table"}).out, "success_count"));
}

TEST_CASE("exit codes tell refused, not found, fault and unavailable apart", "[contract][cli]") {
  cli_fixture f;
  const auto with = [&f](actors::trouble t) {
    f.engine.next = tl::unexpected(std::move(t));
    return f.run({"promotion", "start", "7"});
  };
  const auto refused = with(domain::refusal{domain::rejection::not_approved, "it is sealed"});
  CHECK(refused.code == 3);
  CHECK(contains(refused.err, "error: not_approved: it is sealed\n"));
  CHECK(refused.out.empty());
  CHECK(with(domain::refusal{domain::rejection::promotion_not_found, "none"}).code == 4);
  CHECK(with(fault{fault_code::log_full, fault_action::call_operator, "put", ""}).code == 1);
  CHECK(with(fault{fault_code::log_corrupt, fault_action::stop_process, "get", ""}).code == 1);
  CHECK(with(fault{fault_code::broker_unavailable, fault_action::retry_later, "x", ""}).code == 5);
  CHECK(with(fault{fault_code::outcome_unknown, fault_action::retry_later, "x", ""}).code == 5);
  CHECK(f.run({"promotion", "show", "99"}).code == 4);
}

TEST_CASE("a definition may be TOML or JSON", "[contract][cli]") {
  cli_fixture f;
  const scratch dir;
  const auto toml = dir.file("p.toml", R"(promotion_type = "VOUCHER"
promotion_id = 9007199254740993
default_amount = "10000"
reservation_at = 2026-01-21T10:30:00+09:00
allow_multiple_per_customer = true
)");
  CHECK(f.run({"promotion", "create", "-f", toml}).code == 0);
  auto made = f.engine.last_created();
  CHECK(made.promotion.value == 9'007'199'254'740'993ULL);
  CHECK(made.reservation_at.value == 1'768'959'000'000);
  CHECK(made.default_amount.value == 10'000);
  CHECK(made.allow_multiple_per_customer);
  const auto text = dir.file("p.json", R"({"promotion_type":"POINT","promotion_id":5})");
  CHECK(f.run({"promotion", "create", "-f", text, "--idempotency-key", "k1"}).code == 0);
  CHECK(f.engine.last_created().promotion.value == 5);
  CHECK(f.engine.last_caller().idempotency_key == "k1");
  CHECK(f.run({"promotion", "create", "-f", "-"}, R"({"promotion_type":"POINT","promotion_id":6})")
            .code == 0);
  CHECK(f.engine.last_created().promotion.value == 6);
}

TEST_CASE("a definition that is wrong is refused with its place", "[contract][cli]") {
  cli_fixture f;
  const scratch dir;
  const auto create = [&](const std::string& name, const std::string& text) {
    return f.run({"promotion", "create", "-f", dir.file(name, text)});
  };
  const auto syntax = create("a.toml", "promotion_type = \"POINT\"\npartition_count = = 4\n");
  CHECK(syntax.code == 2);
  CHECK(contains(syntax.err, "a.toml:2:"));
  const auto nested = create("b.toml", "promotion_type = \"POINT\"\n[deep]\nx = 1\n");
  CHECK(nested.code == 2);
  CHECK(contains(nested.err, "b.toml:2:"));
  const auto json_syntax = create("c.json", "{\"promotion_type\":\n\"POINT\",}");
  CHECK(json_syntax.code == 2);
  CHECK(contains(json_syntax.err, "c.json:2: json_malformed"));
  const auto array = create("e.json", "{\"promotion_type\": \"POINT\",\n  \"currency\": [1]}");
  CHECK(contains(array.err, "e.json:2:3: field_wrong_type"));
  const auto unknown = create("d.toml", "promotion_type = \"POINT\"\npartitions = 4\n");
  CHECK(unknown.code == 2);
  CHECK(contains(unknown.err, "d.toml:2:14: field_unknown"));
  const auto type = create("f.json", R"({
 "partition_count": "\"{,",
 "promotion_type": 5})");
  CHECK(contains(type.err, "f.json:3:2: field_wrong_type: promotion_type"));
  CHECK(contains(create("i.toml", "currency = \"KRW\"\n").err, "i.toml: field_required"));
  const auto zero = create("g.toml", "promotion_type = \"POINT\"\n\nbudget_amount = 0\n");
  CHECK(zero.code == 3);
  CHECK(contains(zero.err, "g.toml:3:17: budget_not_positive: budget_amount is 0"));
  CHECK(f.run({"promotion", "create", "-f", dir.path("none.toml")}).code == 2);
  CHECK(f.engine.calls().empty());
  // A rule of the domain names its field in the detail.
  f.engine.next = tl::unexpected<actors::trouble>{
      domain::refusal{domain::rejection::currency_unknown, "currency is 'krw'; an ISO 4217 code"}};
  const auto rule = create("h.toml", "promotion_type = \"POINT\"\ncurrency = \"krw\"\n");
  CHECK(rule.code == 3);
  CHECK(contains(rule.err, "h.toml:2:12: currency_unknown"));
}

TEST_CASE("tables show amounts in the currency's own units", "[contract][cli]") {
  cli_fixture f;
  promotion_created c;
  c.promotion = {7};
  c.currency = "USD";
  c.budget_amount = {123'456'789};
  c.default_amount = {5};
  f.facts(stream_of(promotion_id{7}), c);
  const auto people = f.run({"promotion", "show", "7", "-o", "table"}).out;
  CHECK(contains(people, "1234567.89"));
  CHECK(contains(people, "0.05"));
  CHECK(json::parse(f.run({"promotion", "show", "7"}).out)["budget_amount"] == "123456789");
  CHECK(contains(f.run({"promotion", "list", "-o", "table"}).out, "0.00"));
  CHECK(contains(f.run({"promotion", "show", "7", "-o", "csv"}).out, ",123456789,"));
  CHECK(cli::major_units("1050", "USD") == "10.50");
  CHECK(cli::major_units("1050", "KRW") == "1050");
  CHECK(cli::major_units("7", "KWD") == "0.007");
  CHECK(cli::major_units("-105", "USD") == "-1.05");
  CHECK(cli::major_units("", "USD").empty());
  CHECK(cli::grouped("1234567.89") == "1,234,567.89");
}

TEST_CASE("CSV has its header without a row too", "[contract][cli]") {
  cli_fixture f;
  const auto header = [&](std::vector<std::string> given) {
    given.insert(given.end(), {"-o", "csv"});
    const auto out = f.run(given).out;
    return out.substr(0, out.find('\n'));
  };
  const auto no_promotions = header({"promotion", "list"});
  const auto no_facts = header({"log", "cat"});
  f.completed_points(7, 5, 3);
  CHECK(no_promotions == header({"promotion", "list"}));
  CHECK(no_facts == header({"log", "cat"}));
  CHECK(header({"target", "list", "7", "--status", "unknown"}) == header({"target", "list", "7"}));
}

TEST_CASE("a wrong filter is wrong use", "[contract][cli]") {
  cli_fixture f;
  f.sealed_points(7, 2);
  for (const auto& given :
       std::vector<std::vector<std::string>>{{"promotion", "list", "--status", "DONE"},
                                             {"target", "list", "7", "--status", "lost"},
                                             {"log", "cat", "--stream", "x"}}) {
    const auto r = f.run(given);
    CAPTURE(given, r.err);
    CHECK(r.code == 2);
    CHECK(contains(r.err, "query_invalid"));
  }
}

TEST_CASE("an import counts rows and writes the refused ones beside the file", "[contract][cli]") {
  cli_fixture f;
  const scratch dir;
  f.settings.data.dir = dir.path("data");
  promotion_created c;
  c.promotion = {7};
  c.currency = "KRW";
  f.facts(stream_of(promotion_id{7}), c);
  const auto file = dir.file("t.csv", "customer_uid,amount\n11,100\n12,oops\n13,300\n");
  const auto r = f.run({"promotion", "import", "7", file});
  CAPTURE(r.err, r.out);
  REQUIRE(r.code == 0);
  CHECK(contains(r.err, "2 accepted, 1 rejected: " + file + ".rejects.csv"));
  const auto doc = json::parse(r.out);
  CHECK(doc["accepted"] == 2);
  CHECK(doc["batch"] == doc["sha256"]);
  const auto rejects = text_of(file + ".rejects.csv");
  CHECK(contains(rejects, "line,field,code,detail,customer_uid,amount"));
  CHECK(contains(rejects, "3,amount,"));
}

TEST_CASE("an import from stdin needs a batch id", "[contract][cli]") {
  cli_fixture f;
  promotion_created c;
  c.promotion = {7};
  c.currency = "KRW";
  f.facts(stream_of(promotion_id{7}), c);
  const std::string csv = "customer_uid,amount\n11,100\n";
  CHECK(f.run({"promotion", "import", "7", "-"}, csv).code == 2);
  const auto r = f.run({"promotion", "import", "7", "-", "--batch", "b 1"}, csv);
  CAPTURE(r.err);
  CHECK(r.code == 0);
  CHECK(json::parse(r.out)["batch"] == "b 1");
  CHECK(f.run({"promotion", "import", "7"}).code == 2);
  CHECK(f.run({"promotion", "import", "7", "/nowhere.csv"}).code == 2);
}

TEST_CASE("giving up a batch asks first", "[contract][cli]") {
  cli_fixture f;
  CHECK(f.run({"promotion", "import", "7", "--abandon"}).code == 2);
  CHECK(f.run({"promotion", "import", "7", "--abandon", "--batch", "b1"}).code == 2);
  CHECK(f.engine.calls().empty());
  CHECK(f.run({"promotion", "import", "7", "--abandon", "--batch", "b1", "--yes"}).code == 0);
  CHECK(f.engine.calls().back() == "abandon 7 b1 '' by local");
}

TEST_CASE("watching ends when the promotion rests", "[contract][cli]") {
  cli_fixture f;
  f.completed_points(7, 5, 3);
  const auto r = f.run({"promotion", "watch", "7"});
  CHECK(r.code == 0);
  CHECK(contains(r.err, "promotion 7 is completed"));
  CHECK(json::parse(r.out)["success_count"] == 3);
  CHECK(f.run({"promotion", "watch", "8"}).code == 4);
  f.sealed_points(9, 2);
  run_started run;
  run.run = {1};
  f.facts(stream_of(promotion_id{9}), promotion_approved{"bob"}, run, run_stopping{{1}, "x", "y"},
          run_stopped{{1}});
  const auto stopped = f.run({"promotion", "watch", "9"});
  CHECK(stopped.code == 3);
  CHECK(contains(stopped.err, "promotion 9 is stopped"));
  CHECK(contains(stopped.err, "error: promotion_stopped: promotion 9 is stopped"));
}

TEST_CASE("waiting ends when the condition is met, missed or late", "[contract][cli]") {
  cli_fixture f;
  f.completed_points(7, 5, 3);
  f.sealed_points(9, 2);
  const auto wait = [&f](const std::string& what) {
    return f.run({"wait", "--for", what, "--timeout", "1s"});
  };
  CHECK(wait("promotion:7=completed").code == 0);
  CHECK(wait("promotion:7=sealed").code == 0);
  CHECK(wait("promotion:9=sealed").code == 0);
  CHECK(wait("promotion:5=sealed").code == 4);
  const auto missed = wait("promotion:7=stopped");
  CHECK(missed.code == 3);
  CHECK(contains(missed.err, "condition_missed: promotion 7 is completed"));
  const auto late = wait("promotion:9=completed");
  CHECK(late.code == 5);
  CHECK(contains(late.err, "timed_out: 1 s passed before promotion:9=completed"));
  CHECK(run_cli({"wait", "--for", "ready", "--timeout", "1"}, "http://127.0.0.1:1").code == 5);
}

TEST_CASE("reconciling tells with its exit code whether all is well", "[contract][cli]") {
  cli_fixture f;
  const scratch dir;
  f.completed_points(7, 3, 2);
  f.publish_points(7, 3);
  CHECK(f.run({"promotion", "reconcile", "7"}).code == 0);
  const auto table = f.run({"promotion", "reconcile", "7", "-o", "table"});
  CHECK(contains(table.out, "reconciled: nothing is missing, extra or different"));
  const auto ledger = dir.file("l.csv", "target_id,amount\n1,100\n");
  const auto differs = f.run({"promotion", "reconcile", "7", "--ledger", ledger, "-o", "table"});
  CHECK(differs.code == 1);
  CHECK(contains(differs.out, "2 missing_in_ledger"));
  CHECK(contains(differs.err, "error: not_reconciled: "));
  CHECK(f.run({"promotion", "reconcile", "7", "--ledger", "-"}, "target_id,amount\n1,100\n2,100\n")
            .code == 0);
  CHECK(f.run({"promotion", "reconcile", "7", "--ledger", dir.path("none")}).code == 2);
}

TEST_CASE("the log is printed one fact a line", "[contract][cli]") {
  cli_fixture f;
  f.sealed_points(7, 2);
  const auto all = f.run({"log", "cat"});
  CHECK(std::count(all.out.begin(), all.out.end(), '\n') == 5);
  const auto some = f.run({"log", "cat", "--from", "2", "--limit", "2"});
  CHECK(std::count(some.out.begin(), some.out.end(), '\n') == 2);
  CHECK(json::parse(some.out.substr(0, some.out.find('\n')))["position"] == 2);
  CHECK(
      contains(f.run({"log", "cat", "-o", "table", "--stream", "promotion-7"}).out, "list_sealed"));
}

TEST_CASE("the doctor names what is wrong and what to do", "[contract][cli]") {
  cli_fixture f;
  const scratch dir;
  const auto good = f.run({"doctor", "--data", dir.path("data"), "-o", "json"});
  const auto doc = json::parse(good.out);
  CHECK(doc["checks"][0]["check"] == "configuration");
  bool service = false;
  for (const auto& c : doc["checks"])
    service = service || (c["check"] == "service" && c["result"] == "ok");
  CHECK(service);
  const auto untold = json::parse(f.run({"doctor", "-o", "json"}).out)["checks"];
  CHECK(contains(untold[1]["detail"].get<std::string>(), "say which with -c FILE or --data DIR"));
  const auto bad = f.run({"doctor", "-c", dir.file("b.toml", "[grants]\nchunk = 0\n")});
  CHECK(bad.code == 1);
  CHECK(contains(bad.out, "grants.chunk"));
}

}  // namespace bestow::testing
