// The server on a real socket: limits, odd clients, streams, stopping.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <chrono>
#include <thread>

#include <fmt/format.h>
#include <httplib.h>

#include "apps/http/http_server.hpp"
#include "tests/apps/http_fixture.hpp"
#include "tests/catch.hpp"

namespace bestow::testing {
namespace {

using namespace std::chrono_literals;

struct served : http_fixture {
  served() {
    settings.http.listen = "127.0.0.1:0";
    settings.http.read_timeout = 2s;
  }
  auto start() -> std::string {
    auto made = http::http_server::start(parts);
    REQUIRE(made);
    server = std::move(*made);
    return server->url();
  }
  auto port() const -> int { return std::stoi(server->url().substr(server->url().rfind(':') + 1)); }
  /// Sends raw bytes and reads up to the end of the answer's headers, or until 5 s pass.
  auto raw(const std::string& bytes) const -> std::string {
    const int s = socket(AF_INET, SOCK_STREAM, 0);
    const timeval patience{5, 0};
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port()));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(connect(s, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    REQUIRE(send(s, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
    std::string got;
    char piece[4096];
    for (ssize_t n = 0;
         got.find("\r\n\r\n") == std::string::npos && (n = recv(s, piece, sizeof piece, 0)) > 0;)
      got.append(piece, static_cast<std::size_t>(n));
    close(s);
    return got;
  }
  std::unique_ptr<http::http_server> server;
};

auto status_of(const std::string& answer) -> int {
  return answer.size() < 12 ? 0 : std::stoi(answer.substr(9, 3));
}

}  // namespace

TEST_CASE("the server serves on a free port and keeps connections", "[contract][http]") {
  served f;
  httplib::Client c{f.start()};
  c.set_keep_alive(true);
  for (int i = 0; i < 20; ++i) {
    const auto r = c.Get("/healthz");
    REQUIRE(r);
    CHECK(r->status == 200);
    CHECK(r->get_header_value("X-Content-Type-Options") == "nosniff");
  }
  const auto head = c.Head("/api/v1/promotions");
  REQUIRE(head);
  CHECK(head->status == 200);
  CHECK(head->body.empty());
}

TEST_CASE("a port that is taken is refused by name", "[contract][http]") {
  served f;
  static_cast<void>(f.start());
  http_fixture other;
  other.settings.http.listen = fmt::format("127.0.0.1:{}", f.port());
  const auto second = http::http_server::start(other.parts);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == fault_code::bad_config);
  CHECK(second.error().detail.find(other.settings.http.listen) != std::string::npos);
}

TEST_CASE("bodies work with a length, chunked and without any", "[contract][http]") {
  served f;
  const auto url = f.start();
  httplib::Client c{url};
  const std::string body = R"({"promotion_type":"POINT"})";
  CHECK(c.Post("/api/v1/promotions", body, "application/json")->status == 201);
  const auto chunked = c.Post(
      "/api/v1/promotions",
      [&](std::size_t, httplib::DataSink& sink) {
        sink.write(body.data(), body.size());
        sink.done();
        return true;
      },
      "application/json");
  REQUIRE(chunked);
  CHECK(chunked->status == 201);
  // curl -X POST without data sends neither length nor body; it must not wait for one.
  const auto started = std::chrono::steady_clock::now();
  const auto none = f.raw("POST /api/v1/promotions/7/seal HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  CHECK(status_of(none) == 200);
  CHECK(std::chrono::steady_clock::now() - started < 1s);
}

TEST_CASE("a body that is refused does not cost the client its answer", "[contract][http]") {
  served f;
  httplib::Client c{f.start()};
  const std::string large(8U << 20U, ' ');
  const auto r = c.Post("/api/v1/promotions", large, "application/json");
  REQUIRE(r);
  CHECK(r->status == 413);
  CHECK(json::parse(r->body)["code"] == "body_too_large");
  const auto put = c.Put("/api/v1/promotions", "{}", "application/json");
  REQUIRE(put);
  CHECK(put->status == 405);
  const auto form = c.Post("/api/v1/promotions/7/targets?batch=b",
                           httplib::MultipartFormDataItems{{"file", "x", "x.csv", "text/csv"}});
  if (form) CHECK(form->status == 415);
  CHECK(c.Get("/healthz")->status == 200);
}

TEST_CASE("bytes that are not HTTP are answered and do no harm", "[contract][http]") {
  served f;
  httplib::Client c{f.start()};
  CHECK(status_of(f.raw("GARBAGE\r\n\r\n")) == 400);
  CHECK(status_of(f.raw("GET " + std::string(9'000, 'x') + " HTTP/1.1\r\n\r\n")) == 414);
  CHECK(status_of(f.raw("GET /" + std::string(3'000, 'x') +
                        " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")) == 414);
  CHECK(status_of(f.raw("POST /" + std::string(3'000, '/') +
                        " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}")) == 414);
  CHECK(status_of(f.raw("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " +
                        std::string(9'000, 'x') + "\r\n\r\n")) == 431);
  CHECK(status_of(f.raw("GET /healthz?a?b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")) == 400);
  static_cast<void>(f.raw(std::string("\x00\xff\x16\x03\x01", 5)));
  static_cast<void>(
      f.raw("POST /api/v1/promotions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
            "application/json\r\nContent-Length: 100\r\n\r\n{\"promo"));
  CHECK(c.Get("/healthz")->status == 200);
  CHECK(f.engine.calls().empty());
}

TEST_CASE("an import is streamed and its refusal reaches a client that still sends",
          "[contract][http]") {
  served f;
  httplib::Client c{f.start()};
  promotion_created created;
  created.promotion = {7};
  created.currency = "KRW";
  f.facts(stream_of(promotion_id{7}), created);
  std::string csv = "customer_uid,amount\n";
  for (int i = 1; i <= 200'000; ++i) csv += fmt::format("{},100\n", i);
  const auto good = c.Post("/api/v1/promotions/7/targets?batch=b1", csv, "text/csv");
  REQUIRE(good);
  CAPTURE(good->body);
  CHECK(good->status == 200);
  CHECK(json::parse(good->body)["accepted"] == 200'000);
  f.engine.import_trouble =
      actors::trouble{domain::refusal{domain::rejection::list_already_sealed, "sealed"}};
  const auto refused = c.Post("/api/v1/promotions/7/targets?batch=b2", csv, "text/csv");
  REQUIRE(refused);
  CHECK(json::parse(refused->body)["code"] == "list_already_sealed");
}

TEST_CASE("the stream shows facts and promotions and resumes where it stood", "[contract][http]") {
  served f;
  httplib::Client c{f.start()};
  f.sealed_points(7, 2);
  const auto read = [&](const std::string& path, httplib::Headers headers,
                        const std::string& until) {
    std::string seen;
    static_cast<void>(c.Get(path, headers, [&](const char* data, std::size_t size) {
      seen.append(data, size);
      return seen.find(until) == std::string::npos;
    }));
    return seen;
  };
  const auto all = read("/api/v1/stream?kind=fact", {{"Last-Event-ID", "0"}}, "list_sealed");
  CHECK(all.find("id: 1\nevent: fact\ndata: {\"position\":1,") != std::string::npos);
  CHECK(all.find("id: 5\n") != std::string::npos);
  const auto rest = read("/api/v1/stream?kind=fact", {{"Last-Event-ID", "4"}}, "list_sealed");
  CHECK(rest.find("id: 4\n") == std::string::npos);
  CHECK(rest.find("id: 5\n") != std::string::npos);
  const auto rows = read("/api/v1/stream?kind=promotion&promotion=7", {}, "\"state\":\"sealed\"");
  CHECK(rows.find("event: promotion\ndata: {\"promotion_id\":\"7\"") != std::string::npos);
  const auto ahead = read("/api/v1/stream", {{"Last-Event-ID", "999"}}, "event: reset");
  CHECK(ahead.find("event: reset") != std::string::npos);
  CHECK(c.Get("/api/v1/stream?kind=x")->status == 400);
}

TEST_CASE("viewers are bounded and counted down when they leave", "[contract][http]") {
  served f;
  f.settings.http.stream_viewers = 1;
  const auto url = f.start();
  bool refused = false;
  httplib::Client first{url};
  static_cast<void>(first.Get("/api/v1/stream", [&](const char*, std::size_t) {
    httplib::Client second{url};
    const auto r = second.Get("/api/v1/stream");
    refused = r && r->status == 503 && json::parse(r->body)["code"] == "too_many_viewers";
    return false;
  }));
  CHECK(refused);
  first.stop();
  const auto until = std::chrono::steady_clock::now() + 8s;
  while (f.state.viewers.load() != 0 && std::chrono::steady_clock::now() < until)
    static_cast<void>(f.views->wait_for("promotion_summary", {1}, 50ms));
  CHECK(f.state.viewers.load() == 0);
}

TEST_CASE("stopping ends streams and idle connections at once", "[contract][http]") {
  served f;
  const auto url = f.start();
  httplib::Client idle{url};
  idle.set_keep_alive(true);
  REQUIRE(idle.Get("/healthz"));
  std::thread viewer{[&url] {
    httplib::Client c{url};
    c.set_read_timeout(20s);
    static_cast<void>(c.Get("/api/v1/stream", [](const char*, std::size_t) { return true; }));
  }};
  const auto until = std::chrono::steady_clock::now() + 5s;
  while (f.state.viewers.load() == 0 && std::chrono::steady_clock::now() < until)
    static_cast<void>(f.views->wait_for("promotion_summary", {1}, 20ms));
  CHECK(f.state.viewers.load() == 1);
  const auto started = std::chrono::steady_clock::now();
  f.server->stop();
  CHECK(std::chrono::steady_clock::now() - started < 3s);
  viewer.join();
  httplib::Client late{url};
  CHECK_FALSE(late.Get("/healthz"));
}

}  // namespace bestow::testing
