// Contract of message_bus: requests and their answers.
#include <atomic>
#include <set>

#include "tests/bus/bus_fixture.hpp"
#include "tests/catch.hpp"

using namespace bestow;
using namespace bestow::bus;
using namespace bestow::test;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 10s;

/// A process that answers what it is asked with its name and the question.
struct answerer {
  std::unique_ptr<message_bus> bus;
  std::atomic<int> asked{0};
  std::unique_ptr<responder> listening;

  answerer(bus_world& world, std::string name, std::vector<request_subject> subjects)
      : bus{world.connect()} {
    listening = bus->respond(std::move(subjects), [this, name](const request_message& m) {
      ++asked;
      // What is not sent is missed by the asker.
      static_cast<void>(
          bus->reply(m.reply_to, {name + ":" + m.subject + ":" + m.payload, m.headers}));
    });
  }
};

auto text_of(const result<reply_message>& answer) -> std::string {
  return answer ? answer->payload : to_string(answer.error());
}

}  // namespace

TEST_CASE("a request gets its answer, with headers, also when it is empty", "[contract][bus]") {
  const auto world = make_world(GENERATE(world_kind::memory, world_kind::nats));
  if (!world) return;
  const answerer a{*world, "a", {{"cmd.>", "g"}}};
  const auto client = world->connect();
  const auto answer =
      client->request("cmd.x.y", {"hello", {{"Idempotency-Key", "k 1"}, {"Two", "2"}}}, patience);
  REQUIRE(answer);
  CHECK(answer->payload == "a:cmd.x.y:hello");
  const std::set<std::pair<std::string, std::string>> headers{answer->headers.begin(),
                                                              answer->headers.end()};
  CHECK(headers.contains({"Idempotency-Key", "k 1"}));
  CHECK(headers.contains({"Two", "2"}));
  CHECK(text_of(client->request("cmd.z", {}, patience)) == "a:cmd.z:");
}

TEST_CASE("of a queue group one gets each request, without one every listener does",
          "[contract][bus]") {
  const auto world = make_world(GENERATE(world_kind::memory, world_kind::nats));
  if (!world) return;
  const answerer a{*world, "a", {{"cmd.>", "g"}, {"all", ""}}};
  const answerer b{*world, "b", {{"cmd.>", "g"}, {"all", ""}}};
  const auto client = world->connect();
  constexpr int count = 50;
  for (int i = 0; i < count; ++i) REQUIRE(client->request("cmd.x", {}, patience));
  CHECK(a.asked + b.asked == count);
  CHECK(a.asked > 0);
  CHECK(b.asked > 0);
  REQUIRE(client->request("all", {}, patience));
  std::mutex mutex;
  std::condition_variable changed;
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::unique_lock lock{mutex};
  while (a.asked + b.asked < count + 2 && std::chrono::steady_clock::now() < deadline)
    changed.wait_for(lock, 1ms);
  CHECK(a.asked + b.asked == count + 2);
}

TEST_CASE("where nobody listens the asker is told at once", "[contract][bus]") {
  const auto world = make_world(GENERATE(world_kind::memory, world_kind::nats));
  if (!world) return;
  const auto client = world->connect();
  const auto alone = client->request("cmd.x", {}, patience);
  REQUIRE_FALSE(alone);
  CHECK(alone.error().code == fault_code::broker_unavailable);
  CHECK(alone.error().detail == "no responders");
  {
    const answerer a{*world, "a", {{"cmd.*", ""}}};
    CHECK(client->request("cmd.x", {}, patience));
    CHECK_FALSE(client->request("cmd.x.y", {}, patience));
  }
  CHECK(client->request("cmd.x", {}, patience).error().detail == "no responders");
}

TEST_CASE("a request that is not answered ends", "[contract][bus]") {
  const auto world = make_world(GENERATE(world_kind::memory, world_kind::nats));
  if (!world) return;
  const auto silent = world->connect();
  const auto listening = silent->respond({{"cmd.x", ""}}, [](const request_message&) {});
  const auto client = world->connect();
  const auto none = client->request("cmd.x", {}, 20ms);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == fault_code::outcome_unknown);
}

TEST_CASE("answers go up to the broker's max_payload and no further", "[contract][bus]") {
  const auto world = make_world(GENERATE(world_kind::memory, world_kind::nats));
  if (!world) return;
  const auto server = world->connect();
  const auto most = server->max_payload();
  std::atomic<bool> refused{false};
  const auto listening = server->respond({{"cmd.x", ""}}, [&](const request_message& m) {
    refused = !server->reply(m.reply_to, {std::string(most + 1, 'x'), {}});
    static_cast<void>(server->reply(m.reply_to, {std::string(most, 'x'), {}}));
  });
  const auto client = world->connect();
  const auto answer = client->request("cmd.x", {}, patience);
  REQUIRE(answer);
  CHECK(answer->payload.size() == most);
  CHECK(refused);
}

TEST_CASE("after the broker's death requests are answered again", "[contract][bus]") {
  const auto world = make_world(GENERATE(world_kind::memory, world_kind::nats));
  if (!world) return;
  const answerer a{*world, "a", {{"cmd.>", "g"}}};
  REQUIRE(world->connect()->request("cmd.x", {}, patience));
  for (int i = 0; i < 3; ++i) {
    world->kill_broker(*a.bus);
    world->revive_broker(*a.bus);
    // Connected is said before the subjects are listened on again.
    const auto client = world->connect();
    const auto deadline = std::chrono::steady_clock::now() + patience;
    auto answer = client->request("cmd.x", {"again", {}}, patience);
    while (!answer && std::chrono::steady_clock::now() < deadline)
      answer = client->request("cmd.x", {"again", {}}, patience);
    CHECK(text_of(answer) == "a:cmd.x:again");
  }
}

TEST_CASE("once the listener is gone its sink does not run", "[contract][bus]") {
  const auto world = make_world(GENERATE(world_kind::memory, world_kind::nats));
  if (!world) return;
  const auto server = world->connect();
  const auto client = world->connect();
  std::atomic<bool> over{false};
  std::atomic<bool> ran_over{false};
  for (int i = 0; i < 20; ++i) {
    over = false;
    auto listening = server->respond({{"cmd.x", ""}}, [&](const request_message& m) {
      if (over) ran_over = true;
      static_cast<void>(server->reply(m.reply_to, {}));
    });
    REQUIRE(client->request("cmd.x", {}, patience));
    static_cast<void>(server->reply("cmd.x", {"one more", {}}));
    listening.reset();
    over = true;
  }
  CHECK_FALSE(ran_over);
}
