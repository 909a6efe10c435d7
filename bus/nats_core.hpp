// What the parts of a NATS bus share: the current link and the wish to stop.
//
// Threads: everything from any thread; one mutex, one condition for every change.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bus/nats_link.hpp"

namespace bestow::bus {

/// Something that must begin anew on each link.
class link_user {
 public:
  link_user() = default;
  link_user(const link_user&) = delete;
  auto operator=(const link_user&) -> link_user& = delete;
  virtual ~link_user() = default;
  /// Called with each new link from the bus's thread.
  virtual void use(const std::shared_ptr<nats_link>& link) = 0;
};

class nats_core {
 public:
  explicit nats_core(nats_options options) : options_{std::move(options)} {}

  [[nodiscard]] auto options() const -> const nats_options& { return options_; }

  /// nullptr while disconnected.
  [[nodiscard]] auto link() const -> std::shared_ptr<nats_link> {
    const std::lock_guard lock{mutex};
    return link_;
  }
  void set_link(std::shared_ptr<nats_link> link) {
    const std::lock_guard lock{mutex};
    link_ = std::move(link);
    changed.notify_all();
  }
  void stop() {
    const std::lock_guard lock{mutex};
    stopping_ = true;
    if (link_) link_->close();
    changed.notify_all();
  }
  [[nodiscard]] auto stopping() const -> bool {
    const std::lock_guard lock{mutex};
    return stopping_;
  }
  /// With `mutex` held: nullptr while disconnected or stopping.
  [[nodiscard]] auto link_locked() const -> std::shared_ptr<nats_link> {
    return stopping_ ? nullptr : link_;
  }
  [[nodiscard]] auto stopping_locked() const -> bool { return stopping_; }

  void add_user(const std::shared_ptr<link_user>& user) {
    const std::lock_guard lock{mutex};
    std::erase_if(users_, [](const auto& u) { return u.expired(); });
    users_.push_back(user);
  }
  /// Those that still live.
  [[nodiscard]] auto users() const -> std::vector<std::shared_ptr<link_user>> {
    const std::lock_guard lock{mutex};
    std::vector<std::shared_ptr<link_user>> out;
    for (const auto& u : users_)
      if (auto alive = u.lock()) out.push_back(std::move(alive));
    return out;
  }

  mutable std::mutex mutex;
  std::condition_variable changed;

 private:
  const nats_options options_;
  std::shared_ptr<nats_link> link_;
  std::vector<std::weak_ptr<link_user>> users_;
  bool stopping_{false};
};

/// nats_streams.cpp: the JetStream API over one link.
[[nodiscard]] auto ensure_stream(nats_link& link, const stream_config& config)
    -> result<stream_state>;
[[nodiscard]] auto inspect_stream(nats_link& link, const stream_config& config)
    -> result<stream_inspection>;
[[nodiscard]] auto remove_stream(nats_link& link, const std::string& stream) -> result<void>;
[[nodiscard]] auto remove_consumer(nats_link& link, const std::string& stream,
                                   const std::string& durable) -> result<void>;
/// nats_consumers.cpp.
[[nodiscard]] auto consumers_beyond(nats_link& link, const nats_options& options,
                                    const std::string& stream, std::uint64_t last_seq)
    -> result<std::vector<std::string>>;
[[nodiscard]] auto stream_state_of(nats_link& link, const std::string& stream)
    -> result<stream_state>;
[[nodiscard]] auto read_message(nats_link& link, const std::string& stream, std::uint64_t seq)
    -> result<std::optional<stored_message>>;
[[nodiscard]] auto scan_stream(nats_link& link, const std::string& stream, std::uint64_t from,
                               std::uint64_t to,
                               const std::function<bool(const stored_message&)>& visit)
    -> result<void>;

/// nats_publish.cpp.
[[nodiscard]] auto send_chunk(nats_link& link, const outgoing_chunk& chunk, std::size_t first,
                              std::uint64_t expected_last, std::uint64_t token,
                              const writer_fence& fence) -> result<void>;
[[nodiscard]] auto publish_one(nats_link& link, const nats_options& options,
                               const std::string& subject, std::string_view payload,
                               std::optional<std::uint64_t> expected_last,
                               const std::string& event_type, const writer_fence& fence)
    -> result<std::uint64_t>;
[[nodiscard]] auto publish_many(nats_link& link, const nats_options& options,
                                std::span<const message_bus::simple_message> messages)
    -> result<void>;

/// nats_consume.cpp. Delivers nothing any more once the core stops.
[[nodiscard]] auto open_nats_consumer(std::shared_ptr<nats_core> core,
                                      const consumer_config& config,
                                      std::function<void(incoming_batch)> sink)
    -> result<std::unique_ptr<consumer>>;

/// nats_respond.cpp.
[[nodiscard]] auto open_nats_responder(nats_core& core, std::vector<request_subject> subjects,
                                       request_sink sink) -> std::unique_ptr<responder>;
[[nodiscard]] auto reply_nats(nats_link& link, const std::string& reply_to,
                              const reply_message& answer) -> result<void>;
[[nodiscard]] auto ask_nats(nats_link& link, const std::string& subject,
                            const reply_message& question, std::chrono::milliseconds within)
    -> result<reply_message>;

}  // namespace bestow::bus
