// Transport to other services, as Bestow needs it: planned grant streams out, durable consumers in.
//
// Two implementations behind one contract suite: bus/nats_bus (nats.c, the only user of nats.h) and
// bus/memory_bus (tests, simulator: with lost acks, refusals, wipes, kills on demand).
// Threads: calls from any thread; callbacks arrive on the bus's own thread (memory bus: from
// deliver()) and must only hand over, never block.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bus/dead_letter.hpp"
#include "bus/responder.hpp"
#include "events/result.hpp"
#include "events/types.hpp"

namespace bestow::bus {

/// A message as stored in a stream.
struct stored_message {
  std::uint64_t seq{0};
  std::string subject;
  std::string payload;
};

struct stream_state {
  std::uint64_t first_seq{0};
  std::uint64_t last_seq{0};
  std::uint64_t messages{0};
};

/// Settings a stream must have; compared at connect. Room (max_bytes) and description are given at
/// creation and not compared: with discard new too little room refuses messages and loses none.
struct stream_config {
  std::string name;
  std::vector<std::string> subjects;
  bool deny_delete_and_purge{true};  ///< Grant streams.
  std::uint64_t max_bytes{0};        ///< 0 = unlimited.
  unsigned replicas{1};
  std::string description{};
  /// Grant streams: how long the broker remembers message ids. 0 = the broker's default.
  std::chrono::milliseconds duplicate_window{0};
};

/// What stands at the broker under a stream's name.
struct stream_inspection {
  bool exists{false};
  stream_state state;
  std::string description;
  std::string differences;  ///< Settings unlike those wanted, by name; "" = none.
};

/// Who writes: for streams that another writer with another plan could reach. The broker then
/// takes a message only behind one of the same writer (docs/internals/delivery.md).
struct writer_fence {
  std::string writer;   ///< Names this incarnation of the publisher; "" = no fence.
  bool chained{false};  ///< The message before the first is this writer's: the broker checks it.
};

/// Messages of one released chunk, encoded into one buffer. Message i's payload is
/// buffer[ends[i-1], ends[i]); all go to `subject`.
struct outgoing_chunk {
  std::string subject;
  std::string event_type;  ///< Header Event-Type; "" = no such header.
  std::string buffer;
  std::vector<std::uint32_t> ends;
  [[nodiscard]] auto size() const -> std::size_t { return ends.size(); }
  [[nodiscard]] auto message(std::size_t i) const -> std::string_view {
    const std::uint32_t from = i == 0 ? 0 : ends[i - 1];
    return std::string_view{buffer}.substr(from, ends[i] - from);
  }
};

/// Outcome of a chunk's last message. `error_code` 0 = stored at `seq`.
struct chunk_ack {
  std::uint64_t token{0};  ///< As given to publish.
  std::uint64_t seq{0};
  /// JetStream err_code, e.g. 10071 wrong last sequence; -1 timed out or lost; -2 the broker has a
  /// message of this id (fence): read back.
  int error_code{0};
  std::string error;
};

enum class link_state : std::uint8_t { connected, disconnected };

/// Taken in by a durable consumer, not yet acknowledged.
struct incoming_message {
  std::uint64_t stream_seq{0};
  std::string subject;
  std::string payload;
  message_headers headers{};  ///< At most limits::dead_letter_headers_max of them.
};
struct incoming_batch {
  std::uint64_t token{0};  ///< For ack().
  std::vector<incoming_message> messages;
};

/// One durable pull consumer. Delivers batches only while credit is left; batches are acknowledged
/// in order of delivery.
class consumer {
 public:
  consumer() = default;
  consumer(const consumer&) = delete;
  auto operator=(const consumer&) -> consumer& = delete;
  /// Stops delivery; no callback runs after it returns.
  virtual ~consumer() = default;
  /// Allows `batches` more batches.
  virtual void grant_credit(unsigned batches) = 0;
  /// The batch and every earlier one is durable on our side: the broker need not send it again.
  /// Unacknowledged batches are delivered again after a reconnect or restart.
  virtual void ack(std::uint64_t token) = 0;
};
struct consumer_config {
  std::string stream;
  std::string durable;
  std::string filter_subject;  ///< "" = all.
  std::size_t batch_max{1'000};
  std::chrono::milliseconds ack_wait{30'000};
};

class message_bus {
 public:
  message_bus() = default;
  message_bus(const message_bus&) = delete;
  auto operator=(const message_bus&) -> message_bus& = delete;
  virtual ~message_bus() = default;

  /// Called on every change of the link, from the bus's thread. Set once, before connect.
  virtual void on_link(std::function<void(link_state)> handler) = 0;
  [[nodiscard]] virtual auto connected() const -> bool = 0;
  /// The server's limit for one message, bytes.
  [[nodiscard]] virtual auto max_payload() const -> std::size_t = 0;
  /// "2.9.10"; "" when never connected.
  [[nodiscard]] virtual auto server_version() const -> std::string = 0;

  /// Creates the stream (limits retention, discard new, no max_age) or compares an existing one.
  /// @fault broker_stream_misconfigured  it exists with other settings (named in detail), or cannot
  ///                                     be created with these
  /// @fault broker_unavailable, broker_access_refused
  [[nodiscard]] virtual auto ensure_stream(const stream_config& config) -> result<stream_state> = 0;
  /// Looks at a stream without changing anything; one that is not there is no fault.
  [[nodiscard]] virtual auto inspect(const stream_config& config) -> result<stream_inspection> = 0;
  /// Deletes the stream with its consumers; one that is not there counts as deleted.
  [[nodiscard]] virtual auto remove_stream(const std::string& stream) -> result<void> = 0;
  /// Deletes a durable consumer; one that is not there counts as deleted. Its next user begins at
  /// the stream's first message.
  [[nodiscard]] virtual auto remove_consumer(const std::string& stream, const std::string& durable)
      -> result<void> = 0;
  /// Names of durable consumers that were given messages behind `last_seq`: what is stored there
  /// next would not reach them.
  [[nodiscard]] virtual auto consumers_beyond(const std::string& stream, std::uint64_t last_seq)
      -> result<std::vector<std::string>> = 0;
  /// @fault broker_stream_missing  there is no such stream; the same for read, scan and consume
  [[nodiscard]] virtual auto state_of(const std::string& stream) -> result<stream_state> = 0;
  /// nullopt: no message at that sequence.
  [[nodiscard]] virtual auto read(const std::string& stream, std::uint64_t seq)
      -> result<std::optional<stored_message>> = 0;
  /// Visits messages with from <= seq <= to in order (an ordered consumer; for reconciliation).
  /// Missing sequences are skipped. The visitor returns false to stop.
  [[nodiscard]] virtual auto scan(const std::string& stream, std::uint64_t from, std::uint64_t to,
                                  const std::function<bool(const stored_message&)>& visit)
      -> result<void> = 0;

  /// Sends the chunk's messages [first, size) with Nats-Expected-Last-Sequence chained from
  /// `expected_last`; only the last asks for an ack, which arrives at `on_ack` (set per stream).
  /// Does not block on the network beyond the socket buffer. After a refusal in the middle the
  /// last message's ack carries the error. With a fence, message n carries the id `<writer>.<n>`.
  /// @fault broker_unavailable  not connected: nothing was sent
  [[nodiscard]] virtual auto publish_chunk(const outgoing_chunk& chunk, std::size_t first,
                                           std::uint64_t expected_last, std::uint64_t token,
                                           const writer_fence& fence) -> result<void> = 0;
  /// Where chunk acks go. Set once, before the first publish_chunk.
  virtual void on_chunk_ack(std::function<void(const chunk_ack&)> handler) = 0;

  /// Publishes one message and waits for its ack. expected_last: nullopt = unchecked.
  /// @returns its sequence
  /// @fault broker_stream_full, broker_unavailable, broker_access_refused, outcome_unknown (timed
  ///        out: read back), decide_again (version_conflict) when expected_last or the fence does
  ///        not hold. A fence needs expected_last.
  [[nodiscard]] virtual auto publish(const std::string& subject, std::string_view payload,
                                     std::optional<std::uint64_t> expected_last,
                                     const std::string& event_type, const writer_fence& fence)
      -> result<std::uint64_t> = 0;
  /// Publishes many messages to (possibly different) subjects and waits until all are stored.
  /// At-least-once: after a fault some may be stored. For wallets and tools, not for grants.
  struct simple_message {
    std::string subject;
    std::string payload;
  };
  [[nodiscard]] virtual auto publish_all(std::span<const simple_message> messages)
      -> result<void> = 0;

  /// Opens (creating if needed) a durable pull consumer with explicit order. The sink runs on the
  /// bus's thread.
  [[nodiscard]] virtual auto consume(const consumer_config& config,
                                     std::function<void(incoming_batch)> sink)
      -> result<std::unique_ptr<consumer>> = 0;

  /// Listens for requests on `subjects`, now and after every reconnect; while disconnected none
  /// come. The sink runs on threads of the bus, several at once, and must only hand over.
  [[nodiscard]] virtual auto respond(std::vector<request_subject> subjects, request_sink sink)
      -> std::unique_ptr<responder> = 0;
  /// Answers a request. Waits for nothing but room in the socket's buffer; an answer that is lost
  /// with the link is not sent again.
  /// @fault broker_unavailable  not connected, or larger than max_payload: nothing was sent
  [[nodiscard]] virtual auto reply(const std::string& reply_to, const reply_message& answer)
      -> result<void> = 0;
  /// Asks and waits for the first answer. Blocks up to `within`. For tools and tests.
  /// @fault broker_unavailable  not connected, or nobody listens (detail: no responders)
  /// @fault outcome_unknown     no answer in time
  [[nodiscard]] virtual auto request(const std::string& subject, const reply_message& question,
                                     std::chrono::milliseconds within)
      -> result<reply_message> = 0;
};

struct nats_options {
  /// Or `@FILE`: the URL is the file's first line, read at each connect (credentials may change).
  std::string url{"nats://127.0.0.1:4222"};
  std::string user;
  std::string password;
  std::string credentials_file;  ///< JWT and NKey seed, as `nsc` writes it.
  std::string nkey_file;         ///< NKey seed ("SU...") of a server without JWT.
  /// TLS is on with a tls:// URL, or with any of these.
  std::string tls_ca;    ///< PEM; "" = the system's authorities.
  std::string tls_cert;  ///< PEM chain and key of the client, together or not at all.
  std::string tls_key;
  std::chrono::milliseconds connect_within{2'000};
  std::chrono::milliseconds ack_within{2'000};
};
/// The oldest server that is used, and the oldest one for replicated streams.
inline constexpr std::string_view server_version_min = "2.9.10";
inline constexpr std::string_view replicated_version_min = "2.10.23";
/// Connects, and reconnects for ever in the background. The first connect can fail:
/// @fault broker_unavailable          nobody answers
/// @fault broker_access_refused       credentials, keys or certificates are not accepted
/// @fault broker_version_unsupported  the server is older than server_version_min
[[nodiscard]] auto connect_nats(const nats_options& options)
    -> result<std::unique_ptr<message_bus>>;

}  // namespace bestow::bus
