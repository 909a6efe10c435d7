// A client of memory_broker: the message_bus of tests and of the simulator.
//
// Promise: nothing moves by itself. Published messages, acknowledgements and consumer batches wait
// until the owner delivers them, so the owner (from one seed) chooses every interleaving.
// Destroying the bus is a killed process: its undelivered messages become the broker's orphans and
// may land late. Threads: every call from any thread; callbacks run inside deliver*(), disconnect()
// and reconnect(), on the caller's thread, without a lock that other calls need.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "bus/bus.hpp"
#include "bus/memory_broker.hpp"

namespace bestow::bus {

struct memory_bus_options {
  std::size_t max_payload{1'048'576};
  std::string server_version{"2.9.10"};
};

class memory_bus final : public message_bus {
 public:
  /// Starts connected.
  explicit memory_bus(std::shared_ptr<memory_broker> broker, memory_bus_options options = {});
  ~memory_bus() override;

  void on_link(std::function<void(link_state)> handler) override;
  [[nodiscard]] auto connected() const -> bool override;
  [[nodiscard]] auto max_payload() const -> std::size_t override;
  [[nodiscard]] auto server_version() const -> std::string override;
  [[nodiscard]] auto ensure_stream(const stream_config& config) -> result<stream_state> override;
  [[nodiscard]] auto inspect(const stream_config& config) -> result<stream_inspection> override;
  [[nodiscard]] auto remove_stream(const std::string& stream) -> result<void> override;
  [[nodiscard]] auto remove_consumer(const std::string& stream, const std::string& durable)
      -> result<void> override;
  [[nodiscard]] auto consumers_beyond(const std::string& stream, std::uint64_t last_seq)
      -> result<std::vector<std::string>> override;
  [[nodiscard]] auto state_of(const std::string& stream) -> result<stream_state> override;
  [[nodiscard]] auto read(const std::string& stream, std::uint64_t seq)
      -> result<std::optional<stored_message>> override;
  [[nodiscard]] auto scan(const std::string& stream, std::uint64_t from, std::uint64_t to,
                          const std::function<bool(const stored_message&)>& visit)
      -> result<void> override;
  [[nodiscard]] auto publish_chunk(const outgoing_chunk& chunk, std::size_t first,
                                   std::uint64_t expected_last, std::uint64_t token,
                                   const writer_fence& fence) -> result<void> override;
  void on_chunk_ack(std::function<void(const chunk_ack&)> handler) override;
  /// Messages published earlier on this bus arrive first, as on one connection.
  [[nodiscard]] auto publish(const std::string& subject, std::string_view payload,
                             std::optional<std::uint64_t> expected_last,
                             const std::string& event_type, const writer_fence& fence)
      -> result<std::uint64_t> override;
  [[nodiscard]] auto publish_all(std::span<const simple_message> messages) -> result<void> override;
  [[nodiscard]] auto consume(const consumer_config& config,
                             std::function<void(incoming_batch)> sink)
      -> result<std::unique_ptr<consumer>> override;
  [[nodiscard]] auto respond(std::vector<request_subject> subjects, request_sink sink)
      -> std::unique_ptr<responder> override;
  [[nodiscard]] auto reply(const std::string& reply_to, const reply_message& answer)
      -> result<void> override;
  /// Sinks run on the caller's thread, in here; their answers may come from any.
  [[nodiscard]] auto request(const std::string& subject, const reply_message& question,
                             std::chrono::milliseconds within) -> result<reply_message> override;

  // --- driving it
  // ---------------------------------------------------------------------------------
  struct pending_work {
    std::size_t messages{0};  ///< Sent, not yet at the broker.
    std::size_t acks{0};      ///< Answered by the broker, not yet heard.
    std::size_t batches{0};   ///< Consumers that could be handed a batch now.
  };
  [[nodiscard]] auto pending() const -> pending_work;
  /// Each returns how many of `count` there were to deliver.
  auto deliver_messages(std::size_t count) -> std::size_t;
  auto deliver_acks(std::size_t count) -> std::size_t;
  auto deliver_batches(std::size_t count) -> std::size_t;
  /// `count` steps: messages before acks before batches. @returns the steps done
  auto deliver(std::size_t count) -> std::size_t;
  /// Until nothing is pending, what callbacks add included. @returns the steps done
  auto deliver_all() -> std::size_t;

  // --- faults
  // -------------------------------------------------------------------------------------
  /// The next `count` chunk acks are never heard.
  void drop_next_acks(std::size_t count);
  /// The next `count` waiting calls (ensure_stream, state_of, read, scan, publish, publish_all,
  /// consume) fail with broker_unavailable and do nothing.
  void fail_next_calls(std::size_t count);
  /// The next `count` publish() are stored, and answer outcome_unknown.
  void lose_next_publish_acks(std::size_t count);
  /// The link breaks. The oldest `landing` messages in flight still arrive, the others are lost;
  /// every chunk without a heard ack gets one with error_code -1; unacknowledged batches come
  /// again.
  void disconnect(std::size_t landing = 0);
  void reconnect();
  /// The next `count` batches are taken from behind the one whose turn it is.
  void reorder_next_batches(std::size_t count);
  /// Every batch that was handed out and not acknowledged is handed out again.
  void redeliver_unacked();

  struct session;  ///< State that consumers share with their bus: bus/memory_session.hpp.

 private:
  std::shared_ptr<session> session_;
};

}  // namespace bestow::bus
