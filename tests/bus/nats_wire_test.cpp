// What stands on the wire beside the payload, read by a client that is not ours.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bus/embedded_server.hpp"
#include "bus/pub_ack.hpp"
#include "bus/server_probe.hpp"
#include "tests/bus/bus_fixture.hpp"
#include "tests/catch.hpp"

using namespace bestow;
using namespace bestow::bus;
using namespace bestow::test;

namespace {

/// A NATS client of a few lines: subscribes to everything and keeps the bytes.
class raw_client {
 public:
  explicit raw_client(const nats_options& options) : fd_{::socket(AF_INET, SOCK_STREAM, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    address.sin_port = ::htons(address_of(options.url).port);
    REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    send(R"(CONNECT {"verbose":false,"headers":true,"user":")" + options.user + R"(","pass":")" +
         options.password + "\"}\r\nSUB s.> 1\r\nPING\r\n");
    REQUIRE(read_until("PONG\r\n"));
  }
  raw_client(const raw_client&) = delete;
  auto operator=(const raw_client&) -> raw_client& = delete;
  ~raw_client() { ::close(fd_); }

  [[nodiscard]] auto read_until(const std::string& mark) -> bool {
    char buffer[4'096];
    while (text_.find(mark) == std::string::npos) {
      pollfd p{fd_, POLLIN, 0};
      if (::poll(&p, 1, 10'000) <= 0) return false;
      const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
      if (got <= 0) return false;
      text_.append(buffer, static_cast<std::size_t>(got));
    }
    return true;
  }
  [[nodiscard]] auto text() const -> const std::string& { return text_; }

 private:
  void send(const std::string& bytes) {
    REQUIRE(::send(fd_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  }
  int fd_;
  std::string text_;
};

auto occurrences(const std::string& text, const std::string& part) -> int {
  int count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("every message of a chunk carries its expectation and its event type, from 0 on",
          "[contract][bus]") {
  const temporary_directory base;
  seeded_randomness random{1};
  auto server = start_embedded_server({base.path(), "nats-server"}, random);
  if (!server) {
    WARN("SKIPPED, nothing was tested: " << to_string(server.error()));
    return;
  }
  auto client = connect_nats((*server)->client_options());
  REQUIRE(client);
  REQUIRE((*client)->ensure_stream(stream_s()));
  raw_client other{(*server)->client_options()};
  REQUIRE((*client)->publish_chunk(numbered_chunk("s.4", 0, 3), 0, 0, 1, {}));
  REQUIRE(other.read_until("message-2"));
  for (const auto* header :
       {"Nats-Expected-Last-Sequence: 0\r\n", "Nats-Expected-Last-Sequence: 1\r\n",
        "Nats-Expected-Last-Sequence: 2\r\n"}) {
    INFO(header);
    CHECK(occurrences(other.text(), header) == 1);
  }
  CHECK(occurrences(other.text(), "Event-Type: TEST_EVENT\r\n") == 3);
  CHECK(occurrences(other.text(), "HMSG s.4 1 ") == 3);
  // Only the last asks for an acknowledgement.
  CHECK(occurrences(other.text(), "_INBOX.") == 1);

  REQUIRE((*client)->publish("s.4", "alone", 3, "", {}) == 4);
  REQUIRE(other.read_until("alone"));
  CHECK(occurrences(other.text(), "Nats-Expected-Last-Sequence: 3\r\n") == 1);
  CHECK(occurrences(other.text(), "Event-Type") == 3);
}

TEST_CASE("an acknowledgement is read, or named unreadable", "[unit][bus]") {
  auto ack = parse_pub_ack(R"({"stream":"S", "seq":500000})");
  CHECK(ack.seq == 500'000);
  CHECK(ack.error_code == 0);
  CHECK_FALSE(ack.duplicate);
  CHECK(parse_pub_ack(R"({"stream":"S","seq":1,"duplicate":true})").duplicate);
  ack = parse_pub_ack(
      R"({"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 3"},"seq":0})");
  CHECK(ack.error_code == 10071);
  CHECK(ack.error == "wrong last sequence: 3");
  CHECK(parse_pub_ack(R"({"error":{"code":503}})").error_code == 503);
  for (const auto* bad : {"", "{", "[]", "{}", R"({"seq":0})", R"({"seq":-1})", R"({"seq":"1"})",
                          R"({"error":{}})", R"({"error":1})", "\xff"}) {
    INFO(bad);
    CHECK(parse_pub_ack(bad).error_code == -1);
    CHECK(parse_pub_ack(bad).seq == 0);
  }
}

TEST_CASE("a delivery's numbers are read from both forms of its subject", "[unit][bus]") {
  const auto shorter = parse_delivery("$JS.ACK.S.reader.2.17.5.1700000000.40");
  REQUIRE(shorter);
  CHECK(shorter->stream_seq == 17);
  CHECK(shorter->consumer_seq == 5);
  CHECK(shorter->pending == 40);
  const auto longer = parse_delivery("$JS.ACK.hub.acc.S.reader.2.17.5.1700000000.40.rnd");
  REQUIRE(longer);
  CHECK(longer->stream_seq == 17);
  CHECK(longer->pending == 40);
  for (const auto* bad : {"", "_INBOX.1", "$JS.ACK.S.r.1.2.3.4", "$JS.ACK.S.r.1.x.3.4.5",
                          "$JS.ACK.S.r.1.2.3.4.5.6", "$JS.ACK........."}) {
    INFO(bad);
    CHECK_FALSE(parse_delivery(bad));
  }
}

TEST_CASE("addresses are read from URLs with and without credentials", "[unit][bus]") {
  CHECK(address_of("nats://u:p@127.0.0.1:4333").host == "127.0.0.1");
  CHECK(address_of("nats://u:p@127.0.0.1:4333").port == 4333);
  CHECK(address_of("nats://broker").port == 4222);
  CHECK(address_of("broker:1").host == "broker");
  CHECK(address_of("nats://[::1]:5000/").host == "::1");
  CHECK(address_of("nats://[::1]:5000/").port == 5000);
  CHECK(address_of("nats://[::1]").host == "::1");
}
