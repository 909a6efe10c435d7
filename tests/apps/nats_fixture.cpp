#include "tests/apps/nats_fixture.hpp"

namespace bestow::testing {

using namespace std::chrono_literals;

auto command_answer::header(const std::string& name) const -> std::string {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return "";
}

nats_fixture::nats_fixture() : client{std::make_unique<bus::memory_bus>(broker)} {
  settings.nats.role = config::command_role::admin;
}

void nats_fixture::start() {
  service = commands::command_service::start(parts, random);
}

auto nats_fixture::ask(const std::string& subject, const std::string& payload,
                       bus::message_headers headers) -> result<bus::reply_message> {
  return client->request(subject, {payload, std::move(headers)}, 10s);
}

auto nats_fixture::send(const std::string& name, const std::string& payload,
                        bus::message_headers headers) -> command_answer {
  command_answer out;
  auto answer = ask(settings.nats.command_prefix + "." + name, payload, std::move(headers));
  if (!answer) return out;
  out.body = std::move(answer->payload);
  out.headers = std::move(answer->headers);
  out.status = std::stoi(out.header("Bestow-Status"));
  return out;
}

}  // namespace bestow::testing
