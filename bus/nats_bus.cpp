// The bus over NATS: one thread hears acknowledgements, reports the link and reconnects.
//
// That thread is the only one that calls the owner's handlers, so acks and link changes are never
// concurrent, and every ack of a lost link is reported before the link is.
#include <atomic>
#include <charconv>
#include <thread>

#include "bus/broker_errors.hpp"
#include "bus/bus.hpp"
#include "bus/nats_core.hpp"
#include "bus/pub_ack.hpp"
#include "events/limits.hpp"

namespace bestow::bus {
namespace {

class nats_bus final : public message_bus {
 public:
  explicit nats_bus(std::shared_ptr<nats_core> core) : core_{std::move(core)} {
    adopt(*core_->link());
    thread_ = std::thread{[this] { run(); }};
  }

  ~nats_bus() override {
    core_->stop();
    thread_.join();
    core_->set_link(nullptr);
  }

  void on_link(std::function<void(link_state)> handler) override {
    const std::lock_guard lock{handlers_};
    link_handler_ = std::move(handler);
  }
  void on_chunk_ack(std::function<void(const chunk_ack&)> handler) override {
    const std::lock_guard lock{handlers_};
    ack_handler_ = std::move(handler);
  }
  [[nodiscard]] auto connected() const -> bool override {
    const auto link = core_->link();
    return link && !link->closed();
  }
  [[nodiscard]] auto max_payload() const -> std::size_t override { return max_payload_; }
  [[nodiscard]] auto server_version() const -> std::string override {
    const std::lock_guard lock{handlers_};
    return version_;
  }

  [[nodiscard]] auto ensure_stream(const stream_config& config) -> result<stream_state> override {
    return with_link("ensure_stream", [&](nats_link& l) { return bus::ensure_stream(l, config); });
  }
  [[nodiscard]] auto inspect(const stream_config& config) -> result<stream_inspection> override {
    return with_link("inspect", [&](nats_link& l) { return inspect_stream(l, config); });
  }
  [[nodiscard]] auto remove_stream(const std::string& stream) -> result<void> override {
    return with_link("remove_stream", [&](nats_link& l) { return bus::remove_stream(l, stream); });
  }
  [[nodiscard]] auto remove_consumer(const std::string& stream, const std::string& durable)
      -> result<void> override {
    return with_link("remove_consumer",
                     [&](nats_link& l) { return bus::remove_consumer(l, stream, durable); });
  }
  [[nodiscard]] auto consumers_beyond(const std::string& stream, std::uint64_t last_seq)
      -> result<std::vector<std::string>> override {
    return with_link("consumers_beyond", [&](nats_link& l) {
      return bus::consumers_beyond(l, core_->options(), stream, last_seq);
    });
  }
  [[nodiscard]] auto state_of(const std::string& stream) -> result<stream_state> override {
    return with_link("state_of", [&](nats_link& l) { return stream_state_of(l, stream); });
  }
  [[nodiscard]] auto read(const std::string& stream, std::uint64_t seq)
      -> result<std::optional<stored_message>> override {
    return with_link("read", [&](nats_link& l) { return read_message(l, stream, seq); });
  }
  [[nodiscard]] auto scan(const std::string& stream, std::uint64_t from, std::uint64_t to,
                          const std::function<bool(const stored_message&)>& visit)
      -> result<void> override {
    return with_link("scan", [&](nats_link& l) { return scan_stream(l, stream, from, to, visit); });
  }
  [[nodiscard]] auto publish_chunk(const outgoing_chunk& chunk, std::size_t first,
                                   std::uint64_t expected_last, std::uint64_t token,
                                   const writer_fence& fence) -> result<void> override {
    return with_link("publish_chunk", [&](nats_link& l) {
      return send_chunk(l, chunk, first, expected_last, token, fence);
    });
  }
  [[nodiscard]] auto publish(const std::string& subject, std::string_view payload,
                             std::optional<std::uint64_t> expected_last,
                             const std::string& event_type, const writer_fence& fence)
      -> result<std::uint64_t> override {
    return with_link("publish", [&](nats_link& l) {
      return publish_one(l, core_->options(), subject, payload, expected_last, event_type, fence);
    });
  }
  [[nodiscard]] auto publish_all(std::span<const simple_message> messages)
      -> result<void> override {
    return with_link("publish_all",
                     [&](nats_link& l) { return publish_many(l, core_->options(), messages); });
  }
  [[nodiscard]] auto consume(const consumer_config& config,
                             std::function<void(incoming_batch)> sink)
      -> result<std::unique_ptr<consumer>> override {
    return open_nats_consumer(core_, config, std::move(sink));
  }
  [[nodiscard]] auto respond(std::vector<request_subject> subjects, request_sink sink)
      -> std::unique_ptr<responder> override {
    return open_nats_responder(*core_, std::move(subjects), std::move(sink));
  }
  [[nodiscard]] auto reply(const std::string& reply_to, const reply_message& answer)
      -> result<void> override {
    return with_link("reply", [&](nats_link& l) { return reply_nats(l, reply_to, answer); });
  }
  [[nodiscard]] auto request(const std::string& subject, const reply_message& question,
                             std::chrono::milliseconds within) -> result<reply_message> override {
    return with_link("request",
                     [&](nats_link& l) { return ask_nats(l, subject, question, within); });
  }

 private:
  template <class Call>
  [[nodiscard]] auto with_link(std::string_view operation, Call call)
      -> decltype(call(std::declval<nats_link&>())) {
    const auto link = core_->link();
    if (!link || link->closed()) {
      return fail(fault_code::broker_unavailable, operation, "not connected");
    }
    return call(*link);
  }

  [[nodiscard]] static auto payload_limit(const nats_link& link) -> std::size_t {
    return static_cast<std::size_t>(natsConnection_GetMaxPayload(link.connection()));
  }

  void run() {
    auto link = core_->link();
    while (link) {
      hear_acks(*link);
      core_->set_link(nullptr);
      const auto lost = link->give_up();
      link.reset();
      if (core_->stopping()) return;
      for (const std::uint64_t token : lost) {
        report({token, 0, ack_lost, "the connection was lost"});
      }
      report(link_state::disconnected);
      link = reconnect();
      if (!link) return;
      adopt(*link);
      for (const auto& user : core_->users()) user->use(link);
      report(link_state::connected);
    }
  }

  void adopt(const nats_link& link) {
    max_payload_ = payload_limit(link);
    const std::lock_guard lock{handlers_};
    version_ = link.server_version();
  }

  void hear_acks(nats_link& link) {
    while (const auto answer = link.next_ack()) hear(link, answer.get());
    link.close();
  }

  void hear(nats_link& link, natsMsg* answer) {
    const std::string_view digits = subject_of(answer).substr(link.ack_prefix().size());
    std::uint64_t number = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const auto token = link.take_ack(number);
    if (!token) return;
    if (natsMsg_IsNoResponders(answer)) {
      report({*token, 0, nats_no_responders, "no responders"});
      return;
    }
    pub_ack ack = parse_pub_ack(payload_of(answer));
    if (ack.duplicate) {
      report({*token, ack.seq, ack_duplicate, "the broker has a message of this id"});
      return;
    }
    report({*token, ack.seq, ack.error_code, std::move(ack.error)});
  }

  /// Tries until it works, with growing waits. nullptr: the bus is being destroyed.
  [[nodiscard]] auto reconnect() -> std::shared_ptr<nats_link> {
    std::chrono::milliseconds wait = limits::broker_retry_min;
    for (;;) {
      {
        std::unique_lock lock{core_->mutex};
        if (core_->changed.wait_for(lock, wait, [this] { return core_->stopping_locked(); })) {
          return nullptr;
        }
      }
      if (auto link = nats_link::open(core_->options())) {
        core_->set_link(*link);
        return *link;
      }
      wait = std::min<std::chrono::milliseconds>(wait * 2, limits::broker_retry_max);
    }
  }

  void report(const chunk_ack& ack) {
    std::unique_lock lock{handlers_};
    const auto handler = ack_handler_;
    lock.unlock();
    if (handler) handler(ack);
  }
  void report(link_state state) {
    std::unique_lock lock{handlers_};
    const auto handler = link_handler_;
    lock.unlock();
    if (handler) handler(state);
  }

  const std::shared_ptr<nats_core> core_;
  std::atomic<std::size_t> max_payload_{0};
  mutable std::mutex handlers_;
  std::function<void(link_state)> link_handler_;
  std::function<void(const chunk_ack&)> ack_handler_;
  std::string version_;
  std::thread thread_;  // Last: it uses all the others.
};

}  // namespace

auto connect_nats(const nats_options& options) -> result<std::unique_ptr<message_bus>> {
  auto link = nats_link::open(options);
  if (!link) return tl::unexpected<fault>{std::move(link.error())};
  auto core = std::make_shared<nats_core>(options);
  core->set_link(std::move(*link));
  return std::make_unique<nats_bus>(std::move(core));
}

}  // namespace bestow::bus
