// The command service as a service: its bounds, its counters, and $SRV.
#include <condition_variable>
#include <mutex>
#include <thread>

#include "apps/nats/command_table.hpp"
#include "apps/nats/service_info.hpp"
#include "events/limits.hpp"
#include "tests/apps/nats_fixture.hpp"
#include "tests/catch.hpp"

namespace bestow::testing {
namespace {

using namespace std::chrono_literals;

/// Holds commands up until it is opened.
class gate {
 public:
  void pass() {
    std::unique_lock lock{mutex_};
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void await(std::size_t count) {
    std::unique_lock lock{mutex_};
    REQUIRE(changed_.wait_for(lock, 10s, [&] { return waiting_ >= count; }));
  }
  void open() {
    const std::lock_guard lock{mutex_};
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t waiting_{0};
  bool open_{false};
};

const std::string seal = "bestow.cmd.promotion.seal";
const std::string seven = R"({"promotion_id":"7"})";

/// Sends commands that nobody waits for the answers of.
void post(nats_fixture& f, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    static_cast<void>(f.client->request(seal, {seven, {}}, 0ms));
}

auto status_of(const result<bus::reply_message>& answer) -> std::string {
  REQUIRE(answer);
  return answer->headers.front().second;
}

/// Asks until there is room in the queue.
void ask_until_done(nats_fixture& f) {
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (status_of(f.ask(seal, seven)) != "200")
    REQUIRE(std::chrono::steady_clock::now() < deadline);
}

auto srv(nats_fixture& f, const std::string& subject) -> json {
  const auto answer = f.ask(subject);
  return answer ? json::parse(answer->payload) : json{};
}

}  // namespace

TEST_CASE("a full queue is answered at once, and a command that waited too long is not executed",
          "[unit][nats]") {
  nats_fixture f;
  gate g;
  f.engine.before = [&g] { g.pass(); };
  f.start();
  post(f, limits::command_threads);
  g.await(limits::command_threads);
  post(f, limits::command_queue_max);
  const auto turned_away = f.ask(seal, seven);
  CHECK(status_of(turned_away) == "503");
  CHECK(json::parse(turned_away->payload)["code"] == "overloaded");
  CHECK(f.state.commands.overloaded == 1);
  // $SRV does not stand in the queue.
  CHECK(srv(f, "$SRV.PING")["name"] == "bestow");
  f.time.advance(limits::command_wait_max + 1ms);
  g.open();
  ask_until_done(f);
  f.service->stop();
  const std::uint64_t turned = f.state.commands.overloaded;
  CHECK(turned >= 1 + limits::command_queue_max);
  CHECK(f.state.commands.failed == turned);
  CHECK(f.state.commands.requests == turned + limits::command_threads + 1);
  CHECK(f.engine.calls().size() == limits::command_threads + 1);
}

TEST_CASE("payloads that wait are bounded together", "[unit][nats]") {
  nats_fixture f;
  gate g;
  f.engine.before = [&g] { g.pass(); };
  f.start();
  post(f, limits::command_threads);
  g.await(limits::command_threads);
  const std::string half(limits::command_queue_bytes_max / 2 + 1, ' ');
  static_cast<void>(f.client->request(seal, {half, {}}, 0ms));
  CHECK(status_of(f.ask(seal, half)) == "503");
  g.open();
  ask_until_done(f);
}

TEST_CASE("a stop answers what waits and what is at work", "[unit][nats]") {
  nats_fixture f;
  gate g;
  f.engine.before = [&g] { g.pass(); };
  f.start();
  post(f, limits::command_threads);
  g.await(limits::command_threads);
  post(f, 5);
  std::thread stopping{[&f] { f.service->stop(); }};
  g.open();
  stopping.join();
  CHECK(f.state.commands.requests == limits::command_threads + 5);
  CHECK_FALSE(f.ask(seal, seven));
  f.service->stop();
}

TEST_CASE("$SRV answers as NATS micro services do, to all, by name and by id", "[unit][nats]") {
  nats_fixture f;
  f.engine.next = actors::command_receipt{};
  f.start();
  const auto ping = srv(f, "$SRV.PING");
  CHECK(ping["type"] == "io.nats.micro.v1.ping_response");
  CHECK(ping["name"] == "bestow");
  CHECK(ping["version"] == "9.9.9");
  const auto id = ping["id"].get<std::string>();
  CHECK(id.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(srv(f, "$SRV.PING.bestow") == ping);
  CHECK(srv(f, "$SRV.PING.bestow." + id) == ping);
  for (const auto* verb : {"INFO", "STATS"})
    CHECK(srv(f, std::string{"$SRV."} + verb)["id"] == id);

  CHECK(f.send("promotion.seal", seven).status == 200);
  CHECK(f.send("promotion.seal", "{}").status == 400);
  CHECK(f.send("promotion.nothing", "{}").status == 404);
  const auto info = srv(f, "$SRV.INFO.bestow");
  CHECK(info["type"] == "io.nats.micro.v1.info_response");
  CHECK_FALSE(info["description"].get<std::string>().empty());
  REQUIRE(info["endpoints"].size() == commands::command_table().size());
  CHECK(info["endpoints"][0]["subject"] == "bestow.cmd.promotion.create");
  CHECK(info["endpoints"][0]["name"] == "promotion-create");
  CHECK(info["endpoints"][0]["queue_group"] == "bestow");
  const auto stats = srv(f, "$SRV.STATS.bestow." + id);
  CHECK(stats["type"] == "io.nats.micro.v1.stats_response");
  CHECK(stats["started"] == "2026-01-21T01:30:00.000Z");
  for (const auto& e : stats["endpoints"]) {
    const bool sealing = e["name"] == "promotion-seal";
    CHECK(e["num_requests"] == (sealing ? 2 : 0));
    CHECK(e["num_errors"] == (sealing ? 1 : 0));
    CHECK(e["last_error"] == (sealing ? "400:field_required" : ""));
    CHECK(e.contains("processing_time"));
    CHECK(e.contains("average_processing_time"));
  }
  CHECK(f.state.commands.requests == 3);
  CHECK(f.state.commands.refused == 2);
}

TEST_CASE("a $SRV request for somebody else gets no answer", "[unit][nats]") {
  const commands::service_identity who{"0a", "1.0.0", "bestow.cmd", {}};
  const std::vector<commands::endpoint_stats> stats(commands::command_table().size());
  for (const auto* subject : {"$SRV.PING.other", "$SRV.PING.bestow.0b", "$SRV.PONG", "$SRV.",
                              "$SRV.PING.bestow.0a.x", "$SRV.PING.", "$SRV", "other"}) {
    CAPTURE(subject);
    CHECK_FALSE(commands::service_answer(subject, who, stats));
  }
  CHECK(commands::service_answer("$SRV.PING.bestow.0a", who, stats));
}

TEST_CASE("a prefix of one's own is listened on, and no other", "[unit][nats]") {
  nats_fixture f;
  f.settings.nats.command_prefix = "team.a";
  f.start();
  CHECK(f.send("promotion.seal", seven).status == 200);
  CHECK_FALSE(f.ask(seal, seven));
  CHECK(srv(f, "$SRV.INFO")["endpoints"][0]["subject"] == "team.a.promotion.create");
}

TEST_CASE("commands without a way back are counted and not executed", "[unit][nats]") {
  nats_fixture f;
  f.start();
  f.broker->requests().post("bestow.cmd.promotion.seal", {seven, {}});
  CHECK(f.state.commands.ignored == 1);
  CHECK(f.state.commands.requests == 0);
  f.broker->requests().post("$SRV.PING", {});
  CHECK(f.state.commands.ignored == 2);
  // Nor may the asker choose a subject that only Bestow may publish on.
  f.broker->requests().post("bestow.cmd.promotion.seal", {seven, {}}, "prepay.campaign.point.publish.0");
  f.broker->requests().post("$SRV.PING", {}, "bestow.evt.promotion.promotion_created");
  f.broker->requests().post("bestow.cmd.no.such", {}, "_INBOX");
  CHECK(f.state.commands.ignored == 5);
  CHECK(f.state.commands.requests == 0);
  CHECK(f.send("promotion.seal", seven).status == 200);
  CHECK(f.engine.calls().size() == 1);
}

}  // namespace bestow::testing
