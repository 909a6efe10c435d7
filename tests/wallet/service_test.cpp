// The wallet's program against a real broker: killed as often as one likes, the books are the same.
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <map>

#include "apps/wallet/behaviour.hpp"
#include "apps/wallet/ledger.hpp"
#include "bus/embedded_server.hpp"
#include "bus/grant_wire.hpp"
#include "tests/bus/bus_fixture.hpp"
#include "tests/catch.hpp"

using namespace bestow;
using namespace bestow::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t promotion = 11;
constexpr unsigned partitions = 4;

struct market {
  temporary_directory base;
  seeded_randomness random{3};
  std::unique_ptr<bus::embedded_server> server;
  std::unique_ptr<bus::message_bus> client;
  recorder seen;

  market() {
    auto started = bus::start_embedded_server({base.path() + "/nats", "nats-server"}, random);
    if (!started) {
      WARN("SKIPPED, nothing was tested: " << to_string(started.error()));
      return;
    }
    server = std::move(*started);
    client = std::move(bus::connect_nats(server->client_options()).value());
    seen.listen(*client);
  }
  void create_streams() {
    REQUIRE(client->ensure_stream({"GRANTS_POINT",
                                   {"prepay.campaign.point.publish.>", "prepay.campaign.point.log"},
                                   true,
                                   0,
                                   1}));
    REQUIRE(client->ensure_stream(
        {"GRANTS_VOUCHER", {"prepay.campaign.voucher.publish.>"}, true, 0, 1}));
    REQUIRE(client->ensure_stream({"GRANT_RESULTS", {"prepay.campaign.*.result.>"}, false, 0, 1}));
    REQUIRE(client->publish("prepay.campaign.point.log", "log-id", 0, "", {}));
  }
  /// Publishes targets 1..count, 1,000 a chunk, round robin over the partitions.
  void publish_points(std::uint64_t count) {
    std::uint64_t seq = client->state_of("GRANTS_POINT")->last_seq;
    std::uint64_t chunks = 0;
    for (std::uint64_t id = 1; id <= count; ++chunks) {
      targets_released release;
      release.promotion = {promotion};
      release.topic = "prepay.campaign.point.publish";
      release.partition = {static_cast<std::uint16_t>(chunks % partitions)};
      const bus::grant_encoder encoder{release};
      bus::outgoing_chunk chunk{encoder.subject(), encoder.event_type(), {}, {}};
      for (; id <= count && chunk.size() < 1'000; ++id) {
        bus::grant_fields f;
        f.id = {id};
        f.customer = {1'000'000 + id};
        f.amount = {static_cast<std::int64_t>(100 + id % 7)};
        f.partition = release.partition;
        encoder.append(chunk.buffer, f);
        chunk.ends.push_back(static_cast<std::uint32_t>(chunk.buffer.size()));
      }
      REQUIRE(client->publish_chunk(chunk, 0, seq, chunks, {}));
      seq += chunk.size();
    }
  }
};

/// A running bestow-wallet.
class wallet_process {
 public:
  wallet_process(const std::string& directory, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(),
                     {std::string{BESTOW_BINARY_DIR} + "/bestow-wallet", "--nats",
                      "@" + directory + "/nats/client.url", "--data", directory + "/wallet"});
    std::vector<char*> argv;
    for (auto& a : arguments) argv.push_back(a.data());
    argv.push_back(nullptr);
    REQUIRE(::posix_spawn(&pid_, argv[0], nullptr, nullptr, argv.data(), environ) == 0);
  }
  wallet_process(const wallet_process&) = delete;
  auto operator=(const wallet_process&) -> wallet_process& = delete;
  ~wallet_process() {
    if (pid_ > 0) end(SIGKILL);
  }
  /// @returns the exit status as waitpid gives it
  auto end(int signal) -> int {
    if (signal != 0) ::kill(pid_, signal);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
    pid_ = 0;
    return status;
  }

 private:
  pid_t pid_{0};
};

/// What was said of each target, over the whole result stream.
struct said {
  std::map<std::uint64_t, std::vector<bus::decoded_result>> of;
};
auto results_in(bus::message_bus& client) -> said {
  said out;
  REQUIRE(client.scan("GRANT_RESULTS", 1, UINT64_MAX, [&](const bus::stored_message& m) {
    bus::decoded_result r;
    REQUIRE(bus::decode_result(m.subject, m.payload, r) == "");
    REQUIRE(m.subject == fmt::format("prepay.campaign.point.result.{}", r.partition.value));
    out.of[r.id.value].push_back(r);
    return true;
  }));
  return out;
}

}  // namespace

TEST_CASE("a wallet pays all grants of a stream and answers each", "[contract][wallet]") {
  market m;
  if (!m.server) return;
  m.create_streams();
  m.publish_points(5'000);
  wallet_process wallet{m.base.path(), {"--exit-when-idle", "1"}};
  const int status = wallet.end(0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  const auto results = results_in(*m.client);
  REQUIRE(results.of.size() == 5'000);
  std::int64_t sum = 0;
  for (const auto& [id, answers] : results.of) {
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].status == process_status::success);
    CHECK(answers[0].customer.value == 1'000'000 + id);
    sum += static_cast<std::int64_t>(100 + id % 7);
  }
  const auto book =
      wallet::ledger::open(m.base.path() + "/wallet", wallet::ledger::mode::read).value();
  CHECK(book->totals({promotion})->count == 5'000);
  CHECK(book->totals({promotion})->sum == std::to_string(sum));
}

TEST_CASE("a wallet that is there first waits for broker and streams", "[contract][wallet]") {
  market m;
  if (!m.server) return;
  wallet_process wallet{m.base.path(), {}};
  m.create_streams();
  m.publish_points(100);
  recorder seen;
  auto results = m.client->consume({"GRANT_RESULTS", "reader", "", 100, 30'000ms}, seen.sink());
  REQUIRE(results);
  (*results)->grant_credit(1'000);
  const market* const world = &m;
  REQUIRE(world->client);
  std::mutex mutex;
  std::condition_variable changed;
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  std::unique_lock lock{mutex};
  while (m.client->state_of("GRANT_RESULTS")->messages < 100 &&
         std::chrono::steady_clock::now() < deadline) {
    changed.wait_for(lock, 20ms);
  }
  CHECK(m.client->state_of("GRANT_RESULTS")->messages == 100);
  const int status = wallet.end(SIGTERM);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("killed wallets and brokers change nothing in books and answers", "[contract][wallet]") {
  market m;
  if (!m.server) return;
  m.create_streams();
  constexpr std::uint64_t count = 30'000;
  const std::vector<std::string> conduct{
      "--seed",  "5",    "--fail",  "0.01", "--transient", "0.02", "--duplicate", "0.01",
      "--early", "0.01", "--delay", "0.02", "--delay-ms",  "50",   "--drop",      "0.005"};
  wallet::behaviour b;
  b.seed = 5;
  b.fail = 0.01;
  b.transient = 0.02;
  b.duplicate = 0.01;
  b.early = 0.01;
  b.delay = 0.02;
  b.drop = 0.005;
  m.publish_points(count);
  for (std::uint64_t round = 1; round <= 8; ++round) {
    wallet_process wallet{m.base.path(), conduct};
    // Kills once it has got some way further; the random part is where in a batch that is.
    const std::uint64_t goal = round * count / 10 + m.random.next() % 1'000;
    std::mutex mutex;
    std::condition_variable changed;
    std::unique_lock lock{mutex};
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    for (;;) {
      const auto state = m.client->state_of("GRANT_RESULTS");
      if (state && state->messages >= goal) break;
      REQUIRE(std::chrono::steady_clock::now() < deadline);
      changed.wait_for(lock, 2ms);
    }
    wallet.end(SIGKILL);
    if (round % 4 == 0) {
      ::kill(m.server->pid(), SIGKILL);
      REQUIRE(m.server->restart());
      while (!m.client->connected() && std::chrono::steady_clock::now() < deadline) {
        changed.wait_for(lock, 5ms);
      }
    }
  }
  auto last = conduct;
  last.insert(last.end(), {"--exit-when-idle", "1"});
  wallet_process wallet{m.base.path(), last};
  CHECK(WEXITSTATUS(wallet.end(0)) == 0);

  const auto results = results_in(*m.client);
  const auto book =
      wallet::ledger::open(m.base.path() + "/wallet", wallet::ledger::mode::read).value();
  std::uint64_t paid = 0;
  for (std::uint64_t id = 1; id <= count; ++id) {
    const std::string key = fmt::format("{}:{}", promotion, id);
    const auto c = wallet::conduct_of(b, key, 1);
    paid += c.fail ? 0 : 1;
    const auto found = results.of.find(id);
    if (c.drop) {
      CHECK(found == results.of.end());
      continue;
    }
    REQUIRE(found != results.of.end());
    const auto& last_answer = found->second.back();
    CHECK(last_answer.status == (c.fail ? process_status::failed : process_status::success));
    for (const auto& r : found->second) {
      if (r.status != process_status::success) continue;
      CHECK(r.transaction_key == wallet::transaction_key_of(key));
    }
  }
  CHECK(book->totals({promotion})->count == paid);
}
