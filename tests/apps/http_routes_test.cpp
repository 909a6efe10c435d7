// The route table itself: every path answers, everything else is told why not.
#include <algorithm>
#include <set>

#include "apps/http/route.hpp"
#include "apps/http/schema.hpp"
#include "tests/apps/http_fixture.hpp"
#include "tests/catch.hpp"

namespace bestow::testing {
namespace {

auto path_for(const http::route& r) -> std::string {
  std::string path;
  std::string_view rest = r.pattern;
  while (!rest.empty()) {
    const auto open = rest.find('{');
    path += rest.substr(0, open);
    if (open == std::string_view::npos) break;
    const auto close = rest.find('}');
    const auto name = rest.substr(open + 1, close - open - 1);
    path += name == "batch" ? "b1" : name == "name" ? "promotion_summary" : "1";
    rest = rest.substr(close + 1);
  }
  return path;
}

}  // namespace

TEST_CASE("every route matches its own path and no other method", "[unit][http]") {
  for (const auto& r : http::route_table()) {
    CAPTURE(r.method, r.pattern);
    const auto found = http::match(r.method, path_for(r));
    REQUIRE(std::holds_alternative<http::route_match>(found));
    CHECK(std::get<http::route_match>(found).to == &r);
    CHECK(std::get<http::route_match>(found).params.size() == http::param_names(r.pattern).size());
    const auto other = http::match("PATCH", path_for(r));
    REQUIRE(std::holds_alternative<std::vector<std::string>>(other));
    const auto& methods = std::get<std::vector<std::string>>(other);
    CHECK(std::find(methods.begin(), methods.end(), r.method) != methods.end());
  }
}

TEST_CASE("a segment of a path is decoded by itself", "[unit][http]") {
  const std::pair<const char*, const char*> table[] = {
      {"a%2Fb", "a/b"}, {"a%2fb", "a/b"},  {"a%252Fb", "a%2Fb"}, {"two%20words", "two words"},
      {"a+b", "a+b"},   {"%EB%B0%B0", "배"}, {"%", "%"},           {"%4", "%4"},
      {"%zz", "%zz"},   {"x%3Fy", "x?y"}};
  for (const auto& [segment, meant] : table) {
    CAPTURE(segment);
    const auto found =
        http::match("GET", "/api/v1/promotions/7/batches/" + std::string{segment} + "/rejects");
    REQUIRE(std::holds_alternative<http::route_match>(found));
    CHECK(std::get<http::route_match>(found).params[1] == meant);
  }
  CHECK(std::holds_alternative<http::route_match>(http::match("GET", "/api/v1/%70romotions")));
}

TEST_CASE("a path that is nearly one is not found", "[unit][http]") {
  http_fixture f;
  for (const auto* path :
       {"/api/v1", "/api/v1/promotion", "/api/v1/promotions/", "/api/v1//promotions",
        "/api/v1/promotions/1/seal/x", "//", "/healthz/", "/api/v2/promotions"}) {
    CAPTURE(path);
    const auto a = f.get(path);
    CHECK(a.status == 404);
    CHECK(a.code() == "route_unknown");
    CHECK(a.type == "application/problem+json");
  }
}

TEST_CASE("a wrong method is told the right ones", "[unit][http]") {
  http_fixture f;
  const auto a = f.call("DELETE", "/api/v1/promotions");
  CHECK(a.status == 405);
  CHECK(a.code() == "method_not_allowed");
  CHECK(a.header("Allow") == "POST, GET");
  CHECK(f.call("PUT", "/api/v1/promotions/1/seal").header("Allow") == "POST");
}

TEST_CASE("an unknown parameter is named with the known ones", "[unit][http]") {
  http_fixture f;
  const auto a = f.get("/api/v1/promotions?statsu=READY");
  CHECK(a.status == 400);
  CHECK(a.code() == "query_unknown");
  CHECK(a.detail().find("Did you mean 'status'?") != std::string::npos);
  CHECK(f.get("/healthz?x=1").code() == "query_unknown");
}

TEST_CASE("a malformed body is refused on every path that takes JSON", "[unit][http]") {
  http_fixture f;
  for (const auto& r : http::route_table()) {
    if (r.body != http::body_kind::json && r.body != http::body_kind::json_required) continue;
    CAPTURE(r.pattern);
    const auto path = path_for(r);
    CHECK(f.post(path, "{\"a\"").code() == "json_malformed");
    CHECK(f.post(path, "[1]").code() == "json_not_an_object");
    CHECK(f.post(path, R"({"no_such_field":1})").code() == "field_unknown");
    CHECK(f.post(path, std::string(2U << 20U, ' ')).code() == "body_too_large");
    CHECK(f.call("POST", path, "{}", {{"Content-Type", "text/plain"}}).code() ==
          "media_type_unsupported");
    CHECK(f.call("POST", path, "{}").code() == "media_type_unsupported");
  }
  CHECK(f.engine.calls().empty());
}

TEST_CASE("a bad id is refused on every path that has one", "[unit][http]") {
  http_fixture f;
  for (const auto* id : {"0", "-1", "abc", "1.0", "9223372036854775808", "99999999999999999999999",
                         "1e3", "%2531", " 1"}) {
    CAPTURE(id);
    for (const auto& r : http::route_table()) {
      if (r.pattern.find("{id}") == std::string_view::npos) continue;
      auto path = path_for(r);
      path.replace(path.find("/1"), 2, "/" + std::string{id});
      CAPTURE(r.method, path);
      const bool json = r.body == http::body_kind::json;
      const auto a = json ? f.post(path, "{}") : f.call(std::string{r.method}, path);
      CHECK(a.status == 400);
      CHECK(a.code() == "id_invalid");
    }
  }
}

TEST_CASE("every problem code of a request has a row with a meaning and a remedy", "[unit][http]") {
  std::set<std::string_view> names;
  for (const auto& row : http::request_error_table()) {
    CAPTURE(row.name);
    CHECK(names.insert(row.name).second);
    CHECK(http::name_of(row.code) == row.name);
    CHECK_FALSE(row.meaning.empty());
    CHECK_FALSE(row.remedy.empty());
    CHECK(row.http_status >= 400);
  }
}

TEST_CASE("the description names every route, parameter and schema", "[unit][http]") {
  http_fixture f;
  const auto a = f.get("/openapi.json");
  REQUIRE(a.status == 200);
  const auto doc = a.doc();
  CHECK(doc["openapi"] == "3.1.0");
  for (const auto& r : http::route_table()) {
    CAPTURE(r.method, r.pattern);
    std::string method{r.method};
    std::transform(method.begin(), method.end(), method.begin(), ::tolower);
    REQUIRE(doc["paths"].contains(std::string{r.pattern}));
    const auto& path = doc["paths"][std::string{r.pattern}];
    REQUIRE(path.contains(method));
    CHECK(path[method]["summary"] == std::string{r.summary});
    CHECK(path[method].contains("requestBody") == (r.body != http::body_kind::none));
  }
  // Every reference leads somewhere.
  const auto text = a.body;
  const std::string mark = "#/components/schemas/";
  for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
    const auto end = text.find('"', at);
    const auto name = text.substr(at + mark.size(), end - at - mark.size());
    CAPTURE(name);
    CHECK(http::find_schema(name) != nullptr);
  }
}

}  // namespace bestow::testing
