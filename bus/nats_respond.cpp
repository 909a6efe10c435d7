// Requests over core NATS: listening on every link there ever is.
#include <algorithm>

#include "bus/nats_core.hpp"
#include "events/limits.hpp"

namespace bestow::bus {
namespace {

constexpr std::int64_t known_within_ms = 2'000;

[[nodiscard]] auto make_message(const std::string& subject, const reply_message& content)
    -> nats_message_ptr {
  natsMsg* raw = nullptr;
  natsStatus s = natsMsg_Create(&raw, subject.c_str(), nullptr, content.payload.data(),
                                static_cast<int>(content.payload.size()));
  nats_message_ptr message{raw};
  for (const auto& [name, value] : content.headers) {
    if (s == NATS_OK) s = natsMsgHeader_Set(raw, name.c_str(), value.c_str());
  }
  return s == NATS_OK ? std::move(message) : nullptr;
}

class nats_responder final : public responder {
 public:
  nats_responder(nats_core& core, std::vector<request_subject> subjects, request_sink sink)
      : listening_{std::make_shared<listening>(
            std::move(subjects), std::make_shared<request_door>(std::move(sink)))} {
    core.add_user(listening_);
    if (const auto link = core.link()) listening_->use(link);
  }

  ~nats_responder() override { listening_->end(); }

 private:
  /// Shared with the core, which may be calling it while the responder ends.
  class listening final : public link_user {
   public:
    listening(std::vector<request_subject> subjects, std::shared_ptr<request_door> door)
        : subjects_{std::move(subjects)}, door_{std::move(door)} {}

    void use(const std::shared_ptr<nats_link>& link) override {
      const std::lock_guard lock{mutex_};
      // Both the maker and the bus's thread may come with the same link.
      if (ended_ || current_.lock() == link) return;
      current_ = link;
      // Deaf on a part of the subjects, nobody would notice: the next link listens on all of them.
      if (!link->listen(subjects_, door_)) link->close();
    }
    void end() {
      {
        const std::lock_guard lock{mutex_};
        ended_ = true;
        if (const auto link = current_.lock()) link->stop_listening(*door_);
      }
      door_->close();
    }

   private:
    const std::vector<request_subject> subjects_;
    const std::shared_ptr<request_door> door_;
    std::mutex mutex_;
    std::weak_ptr<nats_link> current_;
    bool ended_{false};
  };

  const std::shared_ptr<listening> listening_;
};

}  // namespace

void request_door::take(nats_message_ptr message) {
  const std::shared_lock lock{mutex_};
  if (!sink_) return;
  sink_({std::string{subject_of(message.get())}, std::string{payload_of(message.get())},
         headers_of(message.get(), limits::command_headers_max + 1),  // One more: too many.
         std::string{reply_of(message.get())}});
}

void request_door::close() {
  const std::lock_guard lock{mutex_};
  sink_ = nullptr;
}

auto nats_link::listen(const std::vector<request_subject>& subjects,
                       const std::shared_ptr<request_door>& door) -> bool {
  const bool all = std::all_of(subjects.begin(), subjects.end(), [&](const auto& to) {
    return listen(to, door) == NATS_OK;
  });
  // Whoever asks once this returns is heard: the broker knows by then. Late is not lost.
  if (all) (void)natsConnection_FlushTimeout(connection(), known_within_ms);
  return all;
}

auto nats_link::listen(const request_subject& to, const std::shared_ptr<request_door>& door)
    -> natsStatus {
  using shared_door = std::shared_ptr<request_door>;
  // As for the acks: the closure is the door's share that the completion callback returns.
  auto closure = std::make_unique<shared_door>(door);
  const auto hear = [](natsConnection*, natsSubscription*, natsMsg* message, void* through) {
    (*static_cast<shared_door*>(through))->take(nats_message_ptr{message});
  };
  natsSubscription* raw = nullptr;
  natsStatus s =
      to.queue_group.empty()
          ? natsConnection_Subscribe(&raw, connection(), to.subject.c_str(), hear, closure.get())
          : natsConnection_QueueSubscribe(&raw, connection(), to.subject.c_str(),
                                          to.queue_group.c_str(), hear, closure.get());
  if (s != NATS_OK) return s;
  {
    const std::lock_guard lock{mutex_};
    listeners_.push_back({nullptr, door.get(), nats_subscription_ptr{raw}});
  }
  s = natsSubscription_SetOnCompleteCB(
      raw,
      [](void* through) {
        const std::unique_ptr<shared_door> owner{static_cast<shared_door*>(through)};
      },
      closure.get());
  if (s != NATS_OK) {
    // Messages may be on their way through it: it lives as long as the subscription.
    const std::lock_guard lock{mutex_};
    const auto own = std::ranges::find(listeners_, raw,
                                       [](const listener& l) { return l.subscription.get(); });
    own->closure = std::move(closure);
    return s;
  }
  (void)closure.release();
  return natsSubscription_SetPendingLimits(raw, limits::nats_requests_pending_max,
                                           limits::nats_requests_pending_bytes_max);
}

void nats_link::stop_listening(const request_door& door) {
  const std::lock_guard lock{mutex_};
  for (const auto& l : listeners_)
    if (l.door == &door) (void)natsSubscription_Unsubscribe(l.subscription.get());
}

auto open_nats_responder(nats_core& core, std::vector<request_subject> subjects,
                         request_sink sink) -> std::unique_ptr<responder> {
  return std::make_unique<nats_responder>(core, std::move(subjects), std::move(sink));
}

auto reply_nats(nats_link& link, const std::string& reply_to, const reply_message& answer)
    -> result<void> {
  const auto message = make_message(reply_to, answer);
  const natsStatus s =
      message ? natsConnection_PublishMsg(link.connection(), message.get()) : NATS_NO_MEMORY;
  if (s != NATS_OK) return nats_fault(s, "reply");
  return {};
}

auto ask_nats(nats_link& link, const std::string& subject, const reply_message& question,
              std::chrono::milliseconds within) -> result<reply_message> {
  const auto message = make_message(subject, question);
  if (!message) return nats_fault(NATS_NO_MEMORY, "request");
  natsMsg* raw = nullptr;
  const natsStatus s =
      natsConnection_RequestMsg(&raw, link.connection(), message.get(), within.count());
  const nats_message_ptr answer{raw};
  if (s == NATS_NO_RESPONDERS)
    return fail(fault_code::broker_unavailable, "request", "no responders");
  if (s == NATS_TIMEOUT) return fail(fault_code::outcome_unknown, "request", "no answer in time");
  if (s != NATS_OK) return nats_fault(s, "request");
  return reply_message{std::string{payload_of(raw)}, headers_of(raw, limits::command_headers_max)};
}

}  // namespace bestow::bus
