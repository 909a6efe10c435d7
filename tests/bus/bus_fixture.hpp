// A broker and its clients, in memory or real, behind one face: the contract suites run over both.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bus/bus.hpp"

namespace bestow::test {

enum class world_kind { memory, nats };

class bus_world {
 public:
  bus_world() = default;
  bus_world(const bus_world&) = delete;
  auto operator=(const bus_world&) -> bus_world& = delete;
  virtual ~bus_world() = default;
  /// A client of its own, as another process would be.
  [[nodiscard]] virtual auto connect() -> std::unique_ptr<bus::message_bus> = 0;
  /// kill -9 of the broker (memory: the link breaks with half of what is in flight landed).
  virtual void kill_broker(bus::message_bus& client) = 0;
  /// Starts it again; waits until `client` is connected.
  virtual void revive_broker(bus::message_bus& client) = 0;
  /// Blocks until `done` or a deadline. `done` runs while `mutex` is held.
  [[nodiscard]] virtual auto wait(bus::message_bus& client, std::mutex& mutex,
                                  std::condition_variable& changed,
                                  const std::function<bool()>& done) -> bool = 0;
};

/// nullptr, with a loud warning, when there is no nats-server to test against.
[[nodiscard]] auto make_world(world_kind kind) -> std::unique_ptr<bus_world>;

/// A directory below the system's temporary one, removed at the end.
class temporary_directory {
 public:
  temporary_directory();
  temporary_directory(const temporary_directory&) = delete;
  auto operator=(const temporary_directory&) -> temporary_directory& = delete;
  ~temporary_directory();
  [[nodiscard]] auto path() const -> const std::string& { return path_; }

 private:
  std::string path_;
};

/// Everything a client's callbacks said.
class recorder {
 public:
  void listen(bus::message_bus& client);
  [[nodiscard]] auto sink() -> std::function<void(bus::incoming_batch)>;
  [[nodiscard]] auto wait(bus_world& world, bus::message_bus& client,
                          const std::function<bool()>& done) -> bool {
    return world.wait(client, mutex_, changed_, done);
  }
  // Read while waiting, or after.
  std::vector<bus::chunk_ack> acks;
  std::vector<bus::link_state> links;
  std::vector<bus::incoming_batch> batches;
  [[nodiscard]] auto received() const -> std::size_t;
  /// Stream sequences in order of arrival.
  [[nodiscard]] auto sequences() const -> std::vector<std::uint64_t>;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

/// A chunk to `subject` with the payloads `<prefix><from>` ... `<prefix><from + count - 1>`.
[[nodiscard]] auto numbered_chunk(const std::string& subject, std::size_t from, std::size_t count,
                                  const std::string& prefix = "message-") -> bus::outgoing_chunk;
/// Stream S over subjects `s.>`.
[[nodiscard]] auto stream_s() -> bus::stream_config;
/// Every payload of stream S in order; fails the test when the stream cannot be read.
[[nodiscard]] auto payloads_of(bus::message_bus& client, const std::string& stream)
    -> std::vector<std::string>;

}  // namespace bestow::test
