#include "tests/bus/bus_fixture.hpp"

#include <fmt/format.h>
#include <cstdlib>

#include <csignal>
#include <filesystem>

#include "bus/embedded_server.hpp"
#include "bus/memory_bus.hpp"
#include "tests/catch.hpp"

namespace bestow::test {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 20s;

class memory_world final : public bus_world {
 public:
  [[nodiscard]] auto connect() -> std::unique_ptr<bus::message_bus> override {
    return std::make_unique<bus::memory_bus>(broker_);
  }
  void kill_broker(bus::message_bus& client) override {
    auto& memory = dynamic_cast<bus::memory_bus&>(client);
    memory.disconnect(memory.pending().messages / 2);
  }
  void revive_broker(bus::message_bus& client) override {
    dynamic_cast<bus::memory_bus&>(client).reconnect();
  }
  [[nodiscard]] auto wait(bus::message_bus& client, std::mutex& mutex, std::condition_variable&,
                          const std::function<bool()>& done) -> bool override {
    dynamic_cast<bus::memory_bus&>(client).deliver_all();
    const std::lock_guard lock{mutex};
    return done();
  }

 private:
  std::shared_ptr<bus::memory_broker> broker_ = std::make_shared<bus::memory_broker>();
};

class nats_world final : public bus_world {
 public:
  nats_world(std::unique_ptr<temporary_directory> directory,
             std::unique_ptr<bus::embedded_server> server)
      : directory_{std::move(directory)}, server_{std::move(server)} {}

  [[nodiscard]] auto connect() -> std::unique_ptr<bus::message_bus> override {
    auto client = bus::connect_nats(server_->client_options());
    REQUIRE(client);
    return std::move(*client);
  }
  void kill_broker(bus::message_bus&) override { REQUIRE(::kill(server_->pid(), SIGKILL) == 0); }
  void revive_broker(bus::message_bus& client) override {
    REQUIRE(server_->restart());
    std::mutex mutex;
    std::condition_variable changed;
    const auto deadline = std::chrono::steady_clock::now() + patience;
    std::unique_lock lock{mutex};
    while (!client.connected() && std::chrono::steady_clock::now() < deadline) {
      changed.wait_for(lock, 5ms);
    }
    REQUIRE(client.connected());
  }
  [[nodiscard]] auto wait(bus::message_bus&, std::mutex& mutex, std::condition_variable& changed,
                          const std::function<bool()>& done) -> bool override {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, patience, done);
  }

 private:
  std::unique_ptr<temporary_directory> directory_;
  std::unique_ptr<bus::embedded_server> server_;
};

}  // namespace

temporary_directory::temporary_directory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "bestow-bus-XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

temporary_directory::~temporary_directory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

auto make_world(world_kind kind) -> std::unique_ptr<bus_world> {
  if (kind == world_kind::memory) return std::make_unique<memory_world>();
  auto directory = std::make_unique<temporary_directory>();
  seeded_randomness random{1};
  auto server = bus::start_embedded_server({directory->path() + "/nats", "nats-server"}, random);
  if (!server) {
    const std::string why = to_string(server.error());
    if (why.find("is not installed") == std::string::npos) FAIL(why);
    WARN("SKIPPED, nothing was tested against NATS: " << why);
    return nullptr;
  }
  return std::make_unique<nats_world>(std::move(directory), std::move(*server));
}

void recorder::listen(bus::message_bus& client) {
  client.on_chunk_ack([this](const bus::chunk_ack& ack) {
    const std::lock_guard lock{mutex_};
    acks.push_back(ack);
    changed_.notify_all();
  });
  client.on_link([this](bus::link_state state) {
    const std::lock_guard lock{mutex_};
    links.push_back(state);
    changed_.notify_all();
  });
}

auto recorder::sink() -> std::function<void(bus::incoming_batch)> {
  return [this](bus::incoming_batch batch) {
    const std::lock_guard lock{mutex_};
    batches.push_back(std::move(batch));
    changed_.notify_all();
  };
}

auto recorder::received() const -> std::size_t {
  std::size_t count = 0;
  for (const auto& b : batches) count += b.messages.size();
  return count;
}

auto recorder::sequences() const -> std::vector<std::uint64_t> {
  std::vector<std::uint64_t> out;
  for (const auto& b : batches) {
    for (const auto& m : b.messages) out.push_back(m.stream_seq);
  }
  return out;
}

auto numbered_chunk(const std::string& subject, std::size_t from, std::size_t count,
                    const std::string& prefix) -> bus::outgoing_chunk {
  bus::outgoing_chunk chunk;
  chunk.subject = subject;
  chunk.event_type = "TEST_EVENT";
  for (std::size_t i = from; i < from + count; ++i) {
    chunk.buffer += prefix + std::to_string(i);
    chunk.ends.push_back(static_cast<std::uint32_t>(chunk.buffer.size()));
  }
  return chunk;
}

auto stream_s() -> bus::stream_config {
  bus::stream_config config;
  config.name = "S";
  config.subjects = {"s.>"};
  return config;
}

auto payloads_of(bus::message_bus& client, const std::string& stream) -> std::vector<std::string> {
  std::vector<std::string> out;
  const auto scanned = client.scan(stream, 1, UINT64_MAX, [&](const bus::stored_message& m) {
    REQUIRE(m.seq == out.size() + 1);
    out.push_back(m.payload);
    return true;
  });
  REQUIRE(scanned);
  return out;
}

}  // namespace bestow::test
