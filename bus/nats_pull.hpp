// Pulling messages from a JetStream consumer by hand.
//
// natsSubscription_Fetch of 3.4.1 can write past its list; this asks for batches itself and reads
// them from one inbox. Threads: one thread uses a reader.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "bus/nats_link.hpp"
#include "bus/pub_ack.hpp"

namespace bestow::bus {

/// What one wait brought.
enum class pull_outcome : std::uint8_t {
  message,
  nothing,        ///< The wait is over.
  request_ended,  ///< The broker answered that (a part of) a request will bring no more.
  consumer_gone,  ///< No such consumer or stream any more.
  link_lost,
};
struct pulled {
  pull_outcome outcome{pull_outcome::nothing};
  nats_message_ptr message;    ///< Only for `message`.
  delivery_numbers numbers{};  ///< Only for `message`.
};

class pull_reader {
 public:
  /// The broker throws out who has 64 MiB waiting for it (its max_pending), and messages of the batch
  /// wire have up to 1 MiB each: two requests at once stay below the half.
  static constexpr std::size_t request_bytes_max = 16U << 20U;

  /// nullopt: the link is closed.
  [[nodiscard]] static auto open(std::shared_ptr<nats_link> link, const std::string& stream,
                                 const std::string& consumer) -> std::optional<pull_reader>;

  /// Messages asked for and not yet come.
  [[nodiscard]] auto outstanding() const -> std::size_t { return outstanding_; }
  /// True when the broker should have ended every request by now but has not.
  [[nodiscard]] auto overdue() const -> bool;
  /// Asks for `count` more, and for at most request_bytes_max of them in bytes: a request that this
  /// cuts short has ended (next()). False: the link is closed.
  [[nodiscard]] auto request(std::size_t count) -> bool;
  [[nodiscard]] auto next(std::chrono::milliseconds within) -> pulled;

  pull_reader(pull_reader&& other) noexcept = default;
  auto operator=(pull_reader&& other) -> pull_reader& = delete;
  ~pull_reader();

  [[nodiscard]] auto link() const -> nats_link& { return *link_; }

 private:
  pull_reader(std::shared_ptr<nats_link> link, nats_link::inbox inbox, std::string next_subject)
      : link_{std::move(link)}, inbox_{std::move(inbox)}, next_subject_{std::move(next_subject)} {}
  [[nodiscard]] auto read_status(natsMsg* message) -> pull_outcome;

  std::shared_ptr<nats_link> link_;  // Before the inbox: destroyed after it.
  nats_link::inbox inbox_;
  std::string next_subject_;
  std::size_t outstanding_{0};
  std::chrono::steady_clock::time_point requested_at_{};
};

}  // namespace bestow::bus
