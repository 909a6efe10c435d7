// A JetStream server in memory: what survives when a client process is killed.
//
// Promise: sequences, expected-last-sequence, refusals and durable consumers behave as
// nats-server 2.9's do for one stream replica; every fault happens only when it is asked for, so a
// run is a pure function of the calls made.
// Threads: every call from any thread; one mutex, never held while foreign code runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bus/bus.hpp"
#include "bus/memory_requests.hpp"

namespace bestow::bus {

/// A message on its way from a client to the broker.
struct memory_flight {
  std::shared_ptr<const outgoing_chunk> chunk;
  std::size_t index{0};
  std::uint64_t expected_last{0};
  std::uint64_t token{0};
  writer_fence fence{};
};

class memory_broker {
 public:
  /// `error_code` 0 = stored at `seq`.
  struct store_outcome {
    std::uint64_t seq{0};
    int error_code{0};
    std::string error;
  };

  // --- what clients do
  // ----------------------------------------------------------------------------
  [[nodiscard]] auto ensure_stream(const stream_config& config) -> result<stream_state>;
  [[nodiscard]] auto inspect(const stream_config& config) const -> stream_inspection;
  [[nodiscard]] auto state_of(const std::string& stream) const -> result<stream_state>;
  [[nodiscard]] auto read(const std::string& stream, std::uint64_t seq) const
      -> result<std::optional<stored_message>>;
  /// Up to `count` stored messages with from <= seq <= to, ascending.
  [[nodiscard]] auto read_range(const std::string& stream, std::uint64_t from, std::uint64_t to,
                                std::size_t count) const -> result<std::vector<stored_message>>;
  /// Stores one message in the stream that takes `subject`.
  auto store(const std::string& subject, std::string_view payload,
             std::optional<std::uint64_t> expected_last, const writer_fence& fence)
      -> store_outcome;
  void remove_consumer(const std::string& stream, const std::string& durable);
  [[nodiscard]] auto consumers_beyond(const std::string& stream, std::uint64_t last_seq) const
      -> result<std::vector<std::string>>;
  /// @fault broker_stream_missing  no such stream; broker_stream_foreign: another filter
  [[nodiscard]] auto open_consumer(const consumer_config& config) -> result<void>;
  /// Next messages the durable has not acknowledged and not handed out. `skip_first` leaves one
  /// batch behind, to be handed out later: delivery out of order.
  [[nodiscard]] auto fetch(const consumer_config& config, bool skip_first)
      -> std::vector<incoming_message>;
  /// True when fetch would return something.
  [[nodiscard]] auto can_fetch(const consumer_config& config) const -> bool;
  void acknowledge(const consumer_config& config, const std::vector<std::uint64_t>& seqs);
  /// Handed out but not acknowledged: hand out again.
  void redeliver(const consumer_config& config, const std::vector<std::uint64_t>& seqs);

  /// Requests and answers between the clients.
  [[nodiscard]] auto requests() -> memory_requests& { return requests_; }

  // --- what a test or the simulator does to it
  // ----------------------------------------------------
  /// While full, every message that would be stored is refused with js_store_failed.
  void set_full(const std::string& stream, bool full);
  /// The stream and its consumers are gone, as after the loss of the broker's disk.
  void remove_stream(const std::string& stream);
  /// Forgets everything after `last_seq`, as after a power cut. Consumers keep their place.
  void truncate_tail(const std::string& stream, std::uint64_t last_seq);
  /// Removes one message and keeps the sequences of the others.
  void punch_hole(const std::string& stream, std::uint64_t seq);
  /// Stores a message that no log has planned. @returns its sequence, 0 without such a stream
  auto add_foreign(const std::string& stream, std::string subject, std::string payload)
      -> std::uint64_t;
  /// Removes every message and keeps the sequence, as a purge does.
  void purge(const std::string& stream);
  /// Other settings than the stream was made with.
  void reconfigure(const std::string& stream, const stream_config& config);
  void replace_payload(const std::string& stream, std::uint64_t seq, std::string payload);

  /// Messages of killed clients that have not arrived yet.
  [[nodiscard]] auto orphans() const -> std::size_t;
  /// Lets the oldest `count` of them arrive; nobody hears their acknowledgement.
  void land_orphans(std::size_t count);
  /// Called by a client's destructor.
  void adopt_orphans(std::deque<memory_flight> flights);

 private:
  struct message {
    std::string subject;
    std::string payload;
  };
  struct durable {
    std::string filter;
    std::uint64_t floor{0};         ///< Every sequence up to here is acknowledged.
    std::uint64_t cursor{0};        ///< Highest sequence ever handed out.
    std::set<std::uint64_t> again;  ///< To be handed out once more.
    std::set<std::uint64_t> acked;  ///< Acknowledged above the floor.
  };
  struct stream {
    stream_config config;
    std::vector<std::optional<message>> messages;  ///< Sequence - 1; empty = removed.
    std::uint64_t stored{0};
    std::uint64_t bytes{0};
    bool full{false};
    std::map<std::string, durable> durables;
    std::string last_id;         ///< Of the last message; "" when it had none.
    std::deque<std::string> ids;  ///< Seen lately, oldest first.
  };

  [[nodiscard]] auto find(const std::string& name) -> stream*;
  [[nodiscard]] auto find(const std::string& name) const -> const stream*;
  [[nodiscard]] auto find_durable(const consumer_config& config) -> durable*;
  [[nodiscard]] auto stream_for(const std::string& subject) -> stream*;
  [[nodiscard]] static auto state(const stream& s) -> stream_state;
  [[nodiscard]] static auto wanted(const stream& s, const durable& d, std::uint64_t seq) -> bool;
  [[nodiscard]] static auto available(const stream& s, const durable& d, std::size_t count)
      -> std::vector<std::uint64_t>;
  auto store_locked(const std::string& subject, std::string_view payload,
                    std::optional<std::uint64_t> expected_last, const writer_fence& fence)
      -> store_outcome;
  [[nodiscard]] static auto refusal_of(const stream& s, std::optional<std::uint64_t> expected_last,
                                       const writer_fence& fence) -> store_outcome;
  static void remove_message(stream& s, std::uint64_t seq);

  memory_requests requests_;
  mutable std::mutex mutex_;
  std::map<std::string, stream> streams_;
  std::deque<memory_flight> orphans_;
};

}  // namespace bestow::bus
