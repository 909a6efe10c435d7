// Commands as a client of the broker sends them, to a service over the fixture of HTTP.
#pragma once

#include "apps/nats/command_service.hpp"
#include "tests/apps/http_fixture.hpp"

namespace bestow::testing {

struct command_answer {
  int status{0};  ///< 0: no answer.
  std::string body;
  bus::message_headers headers;
  [[nodiscard]] auto doc() const -> json { return json::parse(body); }
  [[nodiscard]] auto code() const -> std::string { return doc().value("code", ""); }
  [[nodiscard]] auto detail() const -> std::string { return doc().value("detail", ""); }
  [[nodiscard]] auto header(const std::string& name) const -> std::string;
};

class nats_fixture : public http_fixture {
 public:
  /// Commands without a token may do everything until `role` is changed.
  nats_fixture();
  /// Begins to listen. Call once, after settings are made.
  void start();
  /// One command. `name` without the prefix.
  auto send(const std::string& name, const std::string& payload, bus::message_headers headers = {})
      -> command_answer;
  /// The raw answer on a subject.
  auto ask(const std::string& subject, const std::string& payload = "",
           bus::message_headers headers = {}) -> result<bus::reply_message>;

  std::unique_ptr<bus::memory_bus> client;
  seeded_randomness random{1};
  std::unique_ptr<commands::command_service> service;
};

}  // namespace bestow::testing
