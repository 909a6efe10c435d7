// One live connection to NATS. It never reconnects by itself: a new connection is a new link, so
// bytes of a chunk can never continue on another connection than the one it began on.
//
// Threads: everything from any thread. close() wakes every waiter of the link.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "bus/bus.hpp"
#include "bus/nats_handles.hpp"

namespace bestow::bus {

/// Messages of an asynchronous subscription, until its connection ends. nats.c's synchronous form
/// swallows the message that says nobody answers, and with it the chunk it was about.
class ack_queue {
 public:
  void push(nats_message_ptr message);
  void close();
  /// The oldest message; nullptr once closed and empty.
  [[nodiscard]] auto pop() -> nats_message_ptr;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<nats_message_ptr> messages_;
  bool closed_{false};
};

/// Where requests go from nats.c's threads, until it is closed.
class request_door {
 public:
  explicit request_door(request_sink sink) : sink_{std::move(sink)} {}
  void take(nats_message_ptr message);
  /// Nothing goes through any more once it returns; waits for sinks that run.
  void close();

 private:
  std::shared_mutex mutex_;  ///< Shared by sinks that run.
  request_sink sink_;
};

class nats_link : public std::enable_shared_from_this<nats_link> {
 public:
  /// Connects. `options.url` may be `@FILE`: the URL is the file's first line, read now.
  /// @fault broker_unavailable          no connection in time
  /// @fault broker_access_refused       credentials (tried again, since nats.c 3.4 signs one NKey
  ///                                    challenge in 256 wrongly), keys or certificates
  /// @fault broker_version_unsupported  older than server_version_min
  [[nodiscard]] static auto open(const nats_options& options) -> result<std::shared_ptr<nats_link>>;

  /// For open() alone.
  struct opened {};
  explicit nats_link(opened) {}
  nats_link(const nats_link&) = delete;
  auto operator=(const nats_link&) -> nats_link& = delete;
  /// Closes the connection first, which ends the thread that reads for the subscriptions.
  ~nats_link() { close(); }

  void close() { natsConnection_Close(connection_.get()); }
  [[nodiscard]] auto closed() const -> bool { return natsConnection_IsClosed(connection_.get()); }
  [[nodiscard]] auto connection() const -> natsConnection* { return connection_.get(); }
  [[nodiscard]] auto js() const -> jsCtx* { return js_.get(); }
  [[nodiscard]] auto server_version() const -> const std::string& { return server_version_; }

  /// The next chunk ack, at subject `<ack_prefix><number>`; waits. nullptr: the link is closed.
  [[nodiscard]] auto next_ack() -> nats_message_ptr { return acks_->pop(); }
  [[nodiscard]] auto ack_prefix() const -> const std::string& { return ack_prefix_; }
  /// Registers a chunk. @returns its number, nullopt when the link is already given up
  [[nodiscard]] auto expect_ack(std::uint64_t token) -> std::optional<std::uint64_t>;
  /// The chunk's token, once; nullopt when nobody waits for that number.
  [[nodiscard]] auto take_ack(std::uint64_t number) -> std::optional<std::uint64_t>;
  /// Gives the link up. @returns the tokens that will get no ack, oldest first
  [[nodiscard]] auto give_up() -> std::vector<std::uint64_t>;

  /// A subscription on an inbox of its own, without a limit on pending messages.
  struct inbox {
    std::string subject;
    nats_subscription_ptr subscription;
  };
  /// An inbox where nothing is pending and nothing will come unasked. nullopt: the link is closed.
  [[nodiscard]] auto take_inbox() -> std::optional<inbox>;
  /// Gives back an inbox at which everything that was asked for has arrived.
  void give_back(inbox quiet);
  /// Ends an inbox at which messages may still arrive. nats.c 3.4.1's read loop looks a subscription
  /// up and then uses it without a hold on it (mended in 3.6.1), so it is only unsubscribed here, and
  /// destroyed after an answered ping, when the loop has let go of it. Not on a nats.c thread.
  void retire(inbox noisy);

  /// Lets requests on `subjects` through `door`, each on a thread of nats.c. Lasts as long as the
  /// link, or until stop_listening. False: the link is closed.
  [[nodiscard]] auto listen(const std::vector<request_subject>& subjects,
                            const std::shared_ptr<request_door>& door) -> bool;
  void stop_listening(const request_door& door);

 private:
  struct listener {
    std::unique_ptr<std::shared_ptr<request_door>> closure;  ///< Unless nats.c gives it back.
    const request_door* door;
    nats_subscription_ptr subscription;
  };
  [[nodiscard]] auto listen_for_acks() -> natsStatus;
  [[nodiscard]] auto listen(const request_subject& to, const std::shared_ptr<request_door>& door)
      -> natsStatus;

  // Destroyed in reverse order: subscriptions and the JetStream context before the connection.
  nats_connection_ptr connection_;
  js_context_ptr js_;
  std::shared_ptr<ack_queue> acks_;
  nats_subscription_ptr ack_subscription_;
  std::vector<inbox> quiet_;
  std::vector<inbox> retired_;
  std::vector<listener> listeners_;  ///< Kept to the link's end, as retire() says.
  std::string ack_prefix_;
  std::string server_version_;
  std::mutex mutex_;
  bool given_up_{false};
  std::uint64_t next_number_{1};
  std::map<std::uint64_t, std::uint64_t> awaited_;  ///< Number -> token.
};

/// nats.c's text for the last error of the calling thread; "" when there is none.
[[nodiscard]] auto last_error_text() -> std::string;
/// A timeout that is a refusal: the server says a missing permission aside, never as an answer.
/// nullopt when it said nothing about `subject` (or a part of one).
[[nodiscard]] auto permission_fault(nats_link& link, std::string_view operation,
                                    const std::string& subject) -> std::optional<fault>;
/// The fault for a JetStream request about `stream` that failed without an error of JetStream's.
[[nodiscard]] auto api_fault(nats_link& link, natsStatus status, std::string_view operation,
                             const std::string& stream) -> tl::unexpected<fault>;
/// The fault for a failed nats.c call that waited for an answer.
[[nodiscard]] auto nats_fault(natsStatus status, std::string_view operation)
    -> tl::unexpected<fault>;

}  // namespace bestow::bus
