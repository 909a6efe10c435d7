// Who may do what: tokens, roles, origins.
#include <unistd.h>

#include <algorithm>
#include <cstdio>

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

/// What the program logs while it lives: the logger writes to standard output.
class program_log {
 public:
  program_log() {
    std::fflush(stdout);
    dup2(fileno(file_), STDOUT_FILENO);
  }
  program_log(const program_log&) = delete;
  auto operator=(const program_log&) -> program_log& = delete;
  ~program_log() {
    static_cast<void>(take());
    close(before_);
    std::fclose(file_);
  }
  /// Ends the taking.
  auto take() -> std::string {
    std::fflush(stdout);
    dup2(before_, STDOUT_FILENO);
    std::rewind(file_);
    std::string text(64 * 1024, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file_));
    return text;
  }

 private:
  int before_{dup(STDOUT_FILENO)};
  std::FILE* file_{std::tmpfile()};
};

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

TEST_CASE("the table of routes says which role each needs", "[unit][http]") {
  using enum http::access;
  struct needed {
    std::string_view method;
    std::string_view path;
    http::access role;
  };
  // Written out again, so that a role changed by accident in the route table is noticed.
  const std::vector<needed> wanted{
      {"POST", "/api/v1/promotions", operate},
      {"POST", "/api/v1/promotions/{id}/targets", operate},
      {"POST", "/api/v1/promotions/{id}/seal", operate},
      {"POST", "/api/v1/promotions/{id}/approve", approver},
      {"POST", "/api/v1/promotions/{id}/start", operate},
      {"POST", "/api/v1/promotions/{id}/stop", operate},
      {"POST", "/api/v1/promotions/{id}/resume", operate},
      {"POST", "/api/v1/promotions/{id}/schedule", operate},
      {"POST", "/api/v1/promotions/{id}/cancel", operate},
      {"POST", "/api/v1/promotions/{id}/close", operate},
      {"POST", "/api/v1/promotions/{id}/retry", operate},
      {"POST", "/api/v1/promotions/{id}/recall", operate},
      {"POST", "/api/v1/promotions/{id}/reconciliation", viewer},
      {"GET", "/api/v1/log/verify", admin},
      {"POST", "/api/v1/views/{name}/rebuild", admin},
      {"GET", "/healthz", open},
      {"GET", "/readyz", open},
  };
  for (const auto& w : wanted) {
    CAPTURE(w.method, w.path);
    const auto table = http::route_table();
    const auto at = std::find_if(table.begin(), table.end(), [&](const http::route& r) {
      return r.method == w.method && r.pattern == w.path;
    });
    REQUIRE(at != table.end());
    CHECK(at->needs == w.role);
  }
  // What only reads is a viewer's; what changes anything never is.
  for (const auto& r : http::route_table()) {
    CAPTURE(r.method, r.pattern);
    const bool reads = r.method == "GET" || r.body == http::body_kind::ledger;
    if (!reads) CHECK(r.needs != viewer);
    if (!reads) CHECK(r.needs != open);
  }
}

TEST_CASE("what a bearer may not do leaves a line with the name and never the token",
          "[unit][http]") {
  http_fixture f;
  give_tokens(f);
  program_log lines;
  const auto viewer = f.call("POST", "/api/v1/promotions/7/approve", "{}",
                             with_token("secret-viewer"));
  f.engine.next = tl::unexpected<actors::trouble>{
      domain::refusal{domain::rejection::approver_is_creator,
                      "'the-approver' created the promotion; somebody else approves it"}};
  const auto creator = f.call("POST", "/api/v1/promotions/7/approve", "{}",
                              with_token("secret-approver"));
  static_cast<void>(f.call("POST", "/api/v1/promotions/7/approve", "{}", with_token("guess-me")));
  const auto log = lines.take();
  CHECK(viewer.status == 403);
  CHECK(viewer.detail() == "'the-viewer' has the role viewer; this needs approver");
  CHECK(creator.code() == "approver_is_creator");
  CHECK(log.find("role_insufficient: 'the-viewer'") != std::string::npos);
  CHECK(log.find("for promotion 7: approver_is_creator: 'the-approver'") !=
        std::string::npos);
  CHECK(log.find("secret") == std::string::npos);
  CHECK(log.find("guess-me") == std::string::npos);
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
