// Imports over HTTP beyond the plain one: strict, dry runs, encodings, rejects page by page.
#include <algorithm>
#include <filesystem>

#include "apps/http/schema.hpp"
#include "tests/apps/http_fixture.hpp"
#include "tests/catch.hpp"

namespace bestow::testing {
namespace {

const std::string targets = "/api/v1/promotions/7/targets";
const header_list as_csv{{"Content-Type", "text/csv"}};

class imports_fixture : public http_fixture {
 public:
  imports_fixture() {
    promotion_created c;
    c.promotion = {7};
    c.currency = "KRW";
    c.partition_count = 4;
    facts(stream_of(promotion_id{7}), c);
  }
  auto import(const std::string& query, const std::string& body) -> http_answer {
    return call("POST", targets + "?" + query, body, as_csv);
  }
};

void check_fields(const json& object, std::string_view name) {
  const auto* schema = http::find_schema(name);
  REQUIRE(schema != nullptr);
  CHECK(object.size() == schema->fields.size());
  for (const auto& field : schema->fields) {
    CAPTURE(field.name);
    CHECK(object.contains(std::string{field.name}));
  }
}

}  // namespace

TEST_CASE("a dry run answers its totals and asks for no batch", "[unit][http]") {
  imports_fixture f;
  const auto a =
      f.import("dry_run=1", "customer_uid,amount,partition_key\n1,100,0\n2,x,0\n3,5,3\n");
  CAPTURE(a.body);
  REQUIRE(a.status == 200);
  const auto doc = a.doc();
  check_fields(doc, "DryRun");
  CHECK(doc["dry_run"] == true);
  CHECK(doc["accepted"] == 2);
  CHECK(doc["total_amount"] == "105");
  REQUIRE(doc["partitions"].size() == 2);
  check_fields(doc["partitions"][1], "PartitionLoad");
  CHECK(doc["partitions"][1]["partition_key"] == 3);
  CHECK(doc["rejects"][0]["line"] == 3);
  CHECK(f.engine.imported_rows() == 0);
  CHECK(f.engine.calls().empty());
}

TEST_CASE("a strict import with a bad row is a problem that tells what was found",
          "[unit][http]") {
  imports_fixture f;
  const auto a = f.import("batch=b&strict=true", "customer_uid\n1\nx\n");
  CAPTURE(a.body);
  CHECK(a.status == 422);
  CHECK(a.code() == "strict_import_has_bad_rows");
  check_fields(a.doc()["import"], "ImportResult");
  CHECK(a.doc()["import"]["rejects"][0]["line"] == 3);
  CHECK_FALSE(a.doc().contains("open_batch"));
  CHECK(f.engine.calls().back() == "abandon 7 b 'strict: 1 bad rows' by local");
}

TEST_CASE("a refused import names the batch that it left open", "[unit][http]") {
  imports_fixture f;
  CHECK_FALSE(f.import("batch=b", "colour\n1\n").doc().contains("open_batch"));
  f.engine.chunk_trouble =
      domain::refusal{domain::rejection::ids_given_in_part, "earlier rows have ids"};
  const auto a = f.import("batch=b 1", "customer_uid\n1\n");
  CAPTURE(a.body);
  CHECK(a.code() == "ids_given_in_part");
  CHECK(a.doc()["open_batch"] == "b 1");
}

TEST_CASE("how an import is to be read is checked", "[unit][http]") {
  imports_fixture f;
  for (const auto* query : {"batch=b&strict=yes", "batch=b&dry_run=2", "batch=b&encoding=euc-kr",
                            "batch=b&strict=1&dry_run=1", "batch=b&format=xls"}) {
    CAPTURE(query);
    CHECK(f.import(query, "customer_uid\n1\n").code() == "query_invalid");
  }
  CHECK(f.import("batch=b&dry=1", "customer_uid\n1\n").code() == "query_unknown");
  CHECK(f.import("batch=b&strict=0&dry_run=false&encoding=utf-8", "customer_uid\n1\n").status ==
        200);
  imports_fixture g;
  const std::string cp949 = "customer_uid,reason\n1,\xC7\xD1\xB1\xDB\n";
  CHECK(g.import("batch=c", cp949).code() == "input_encoding_cp949");
  CHECK(g.import("batch=c&encoding=cp949", cp949).doc()["accepted"] == 1);
}

TEST_CASE("rejects come whole as CSV or page by page as JSON", "[unit][http]") {
  imports_fixture f;
  std::string body = "customer_uid\n";
  for (int i = 0; i < 25; ++i) body += "x\n";
  REQUIRE(f.import("batch=a/b", body).doc()["rejected"] == 25);
  const std::string path = "/api/v1/promotions/7/batches/a%2Fb/rejects";
  const auto whole = f.get(path);
  CHECK(whole.type.starts_with("text/csv"));
  CHECK(std::count(whole.body.begin(), whole.body.end(), '\n') == 26);
  const auto first = f.get(path + "?limit=20").doc();
  check_fields(first, "RejectPage");
  CHECK(first["rejects"].size() == 20);
  CHECK(first["next"] == 20);
  const auto rest = f.get(path + "?after=20&limit=20").doc();
  CHECK(rest["rejects"].size() == 5);
  CHECK(rest["rejects"][0]["line"] == 22);
  CHECK(rest["next"].is_null());
  CHECK(f.get(path + "?limit=0").code() == "query_invalid");
}

}  // namespace bestow::testing
