// Who may do what: tokens, roles, origins.
#include "apps/http/route.hpp"
#include "tests/apps/http_fixture.hpp"
#include "tests/catch.hpp"

namespace bestow::testing {
namespace {

using config::access_role;
constexpr std::array roles{access_role::viewer, access_role::operate, access_role::approver,
                           access_role::admin};

void give_tokens(http_fixture& f) {
  for (const auto r : roles) {
    const std::string name{name_of(r)};
    f.settings.http.tokens.push_back(token_of("the-" + name, r, "secret-" + name));
  }
}
auto with_token(const std::string& token) -> header_list {
  return {{"Authorization", "Bearer " + token}, {"Content-Type", "application/json"}};
}

auto allowed(access_role has, http::access needs) -> bool {
  switch (needs) {
    case http::access::open:
    case http::access::viewer:
      return true;
    case http::access::operate:
      return has == access_role::operate || has == access_role::admin;
    case http::access::approver:
      return has == access_role::approver || has == access_role::admin;
    case http::access::admin:
      return has == access_role::admin;
  }
  return false;
}

}  // namespace

TEST_CASE("every route asks every role", "[unit][http]") {
  http_fixture f;
  give_tokens(f);
  for (const auto& r : http::route_table()) {
    if (r.gives == "text/event-stream" || r.pattern == "/api/v1/log/verify") continue;
    std::string path{r.pattern};
    for (auto at = path.find('{'); at != std::string::npos; at = path.find('{'))
      path.replace(at, path.find('}') - at + 1, "1");
    for (const auto role : roles) {
      CAPTURE(r.method, r.pattern, name_of(role));
      auto headers = with_token("secret-" + std::string{name_of(role)});
      const auto a = f.call(std::string{r.method}, path, std::nullopt, headers);
      CHECK((a.status != 401 && a.status != 403) == allowed(role, r.needs));
      if (!allowed(role, r.needs)) CHECK(a.code() == "role_insufficient");
    }
    const auto none = f.call(std::string{r.method}, path);
    CAPTURE(r.method, r.pattern);
    CHECK((none.status == 401) == (r.needs != http::access::open));
  }
}

TEST_CASE("a missing or unknown token is refused", "[unit][http]") {
  http_fixture f;
  give_tokens(f);
  const auto none = f.get("/api/v1/promotions");
  CHECK(none.status == 401);
  CHECK(none.code() == "token_missing");
  CHECK(none.header("WWW-Authenticate") == "Bearer");
  for (const auto* value :
       {"Bearer wrong", "Bearer secret-viewer ", "Bearer SECRET-VIEWER",
        "Bearer 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"}) {
    CAPTURE(value);
    const auto a = f.call("GET", "/api/v1/promotions", std::nullopt, {{"Authorization", value}});
    CHECK(a.code() == "token_unknown");
    CHECK(a.body.find("secret") == std::string::npos);
  }
  for (const auto* value : {"secret-viewer", "Basic secret-viewer", "Bearer ", "bearer"}) {
    CAPTURE(value);
    CHECK(f.call("GET", "/api/v1/promotions", std::nullopt, {{"Authorization", value}}).code() ==
          "token_missing");
  }
}

TEST_CASE("the token's name is the principal", "[unit][http]") {
  http_fixture f;
  give_tokens(f);
  CHECK(
      f.call("POST", "/api/v1/promotions/7/approve", "{}", with_token("secret-approver")).status ==
      200);
  CHECK(f.engine.calls().back() == "approve 7 by the-approver");
  CHECK(f.call("POST", "/api/v1/promotions", R"({"promotion_type":"POINT"})",
               with_token("secret-operator"))
            .status == 201);
  CHECK(f.engine.last_created().created_by == "the-operator");
}

TEST_CASE("a page of another origin cannot drive the service", "[unit][http]") {
  http_fixture f;
  const auto from = [&f](header_list headers) {
    headers.emplace_back("Content-Type", "application/json");
    return f.call("POST", "/api/v1/promotions/7/start", "{}", std::move(headers));
  };
  CHECK(from({{"Host", "127.0.0.1:8480"}}).status == 200);
  CHECK(from({{"Host", "localhost:8480"}, {"Origin", "http://localhost:8480"}}).status == 200);
  CHECK(from({{"Host", "127.0.0.1:8480"}, {"Origin", "http://evil.example"}}).code() ==
        "origin_refused");
  CHECK(from({{"Host", "127.0.0.1:8480"}, {"Origin", "null"}}).code() == "origin_refused");
  // A name bent to loopback: the page's origin and host agree, but the host is not ours.
  CHECK(from({{"Host", "evil.example"}, {"Origin", "http://evil.example"}}).code() ==
        "origin_refused");
  CHECK(f.engine.calls().size() == 2);
  give_tokens(f);
  auto named = with_token("secret-operator");
  named.emplace_back("Host", "bestow.example");
  CHECK(f.call("POST", "/api/v1/promotions/7/start", "{}", named).status == 200);
}

}  // namespace bestow::testing
