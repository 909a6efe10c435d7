// A durable pull consumer on its own thread.
//
// Batches are acknowledged with one message each (policy AckAll). That is safe only while nothing
// below the acknowledged sequence is missing, and a broker counts as delivered what it wrote to a
// dead connection. So the place is kept by what *we* acknowledged: a consumer that has deliveries
// open when a link begins is made again from that place, and a jump in the delivery numbers does
// the same. One process per durable name.
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <thread>

#include "bus/broker_errors.hpp"
#include "bus/nats_core.hpp"
#include "bus/nats_pull.hpp"
#include "events/limits.hpp"

namespace bestow::bus {
namespace {

/// How long the thread waits in nats.c before it looks whether it should stop.
constexpr std::chrono::milliseconds look_up_every{100};

/// The consumer as it stands at the broker once it is ready to be pulled from.
struct durable_place {
  std::uint64_t acked{0};              ///< Stream sequence; nothing up to it is delivered again.
  std::uint64_t next_consumer_seq{1};  ///< Of the next delivery.
};

[[nodiscard]] auto create_durable(nats_link& link, const consumer_config& config,
                                  std::uint64_t acked) -> result<durable_place> {
  jsConsumerConfig c;
  jsConsumerConfig_Init(&c);
  c.Durable = config.durable.c_str();
  c.AckPolicy = js_AckAll;
  c.AckWait = std::chrono::nanoseconds{config.ack_wait}.count();
  c.MaxAckPending = limits::nats_ack_pending_max;
  if (!config.filter_subject.empty()) c.FilterSubject = config.filter_subject.c_str();
  c.DeliverPolicy = js_DeliverAll;
  if (acked > 0) {
    c.DeliverPolicy = js_DeliverByStartSequence;
    c.OptStartSeq = acked + 1;
  }
  jsConsumerInfo* raw = nullptr;
  jsErrCode error{};
  const natsStatus s = js_AddConsumer(&raw, link.js(), config.stream.c_str(), &c, nullptr, &error);
  const js_consumer_info_ptr info{raw};
  if (s == NATS_OK) return durable_place{acked, 1};
  if (static_cast<int>(error) == js_stream_not_found)
    return no_such_stream("consume", config.stream);
  return api_fault(link, s, "js_AddConsumer", config.stream);
}

/// Opens the durable so that everything above the highest acknowledged sequence will come.
/// `acked` is what this process acknowledged; the broker may know more, from an earlier one.
[[nodiscard]] auto open_durable(nats_link& link, const consumer_config& config, std::uint64_t acked)
    -> result<durable_place> {
  auto state = stream_state_of(link, config.stream);
  if (!state) return tl::unexpected<fault>{std::move(state.error())};
  jsConsumerInfo* raw = nullptr;
  jsErrCode error{};
  const natsStatus s = js_GetConsumerInfo(&raw, link.js(), config.stream.c_str(),
                                          config.durable.c_str(), nullptr, &error);
  const js_consumer_info_ptr info{raw};
  if (static_cast<int>(error) == js_consumer_not_found) {
    return create_durable(link, config, std::min(acked, state->last_seq));
  }
  if (s != NATS_OK) return api_fault(link, s, "js_GetConsumerInfo", config.stream);
  const char* const filter = info->Config->FilterSubject;
  if (config.filter_subject != (filter == nullptr ? "" : filter)) {
    return fail(fault_code::broker_stream_misconfigured, "consume",
                fmt::format("consumer {} exists with another filter", config.durable));
  }
  const bool clean = info->NumAckPending == 0 && info->Config->AckPolicy == js_AckAll &&
                     info->Delivered.Stream >= acked && info->Delivered.Stream <= state->last_seq;
  if (clean) return durable_place{info->Delivered.Stream, info->Delivered.Consumer + 1};
  // A stream that lost its tail is read from where it ends now, or what is stored there next
  // would be skipped.
  const std::uint64_t place = std::min(std::max(info->AckFloor.Stream, acked), state->last_seq);
  const natsStatus gone =
      js_DeleteConsumer(link.js(), config.stream.c_str(), config.durable.c_str(), nullptr, &error);
  if (gone != NATS_OK && static_cast<int>(error) != js_consumer_not_found) {
    return api_fault(link, gone, "js_DeleteConsumer", config.stream);
  }
  return create_durable(link, config, place);
}

class nats_consumer final : public consumer {
 public:
  nats_consumer(std::shared_ptr<nats_core> core, consumer_config config,
                std::function<void(incoming_batch)> sink)
      : core_{std::move(core)}, config_{std::move(config)}, sink_{std::move(sink)} {}

  ~nats_consumer() override {
    {
      const std::lock_guard lock{core_->mutex};
      closing_ = true;
      core_->changed.notify_all();
    }
    if (thread_.joinable()) thread_.join();
  }

  /// Checks that the durable can be opened, then reads it in the background.
  [[nodiscard]] auto start() -> result<void> {
    const auto link = core_->link();
    if (!link) return fail(fault_code::broker_unavailable, "consume", "not connected");
    auto place = open_durable(*link, config_, 0);
    if (!place) return tl::unexpected<fault>{std::move(place.error())};
    thread_ = std::thread{[this, link, first = *place] { run(link, first); }};
    return {};
  }

  void grant_credit(unsigned batches) override {
    const std::lock_guard lock{core_->mutex};
    credit_ += batches;
    core_->changed.notify_all();
  }

  void ack(std::uint64_t token) override {
    std::unique_lock lock{core_->mutex};
    std::string reply;
    while (!delivered_.empty() && delivered_.begin()->first <= token) {
      auto& batch = delivered_.begin()->second;
      // Equal: taken in before the link was lost and delivered again; that delivery wants its ack.
      if (batch.last_seq >= acked_) {
        acked_ = batch.last_seq;
        reply = std::move(batch.reply);
      }
      delivered_.erase(delivered_.begin());
    }
    const auto link = core_->link_locked();
    lock.unlock();
    // Lost with the link: the next one begins after acked_.
    if (link && !reply.empty()) {
      (void)natsConnection_PublishString(link->connection(), reply.c_str(), "+ACK");
    }
  }

 private:
  struct delivered_batch {
    std::uint64_t last_seq{0};
    std::string reply;  ///< Acknowledgement subject of the message at last_seq.
  };

  void run(std::shared_ptr<nats_link> link, durable_place place) {
    std::chrono::milliseconds wait = limits::broker_retry_min;
    for (bool ready = true;; ready = false) {
      if (!ready) {
        link = await_link();
        if (!link) return;
        forget_replies();
        auto opened = open_durable(*link, config_, acked());
        if (!opened) {
          if (pause(wait)) return;
          wait = std::min<std::chrono::milliseconds>(wait * 2, limits::broker_retry_max);
          continue;
        }
        place = *opened;
      }
      auto reader = pull_reader::open(link, config_.stream, config_.durable);
      const bool any = reader && pump(*reader, place.next_consumer_seq);
      if (any) wait = limits::broker_retry_min;
      if (pause(any ? std::chrono::milliseconds{0} : wait)) return;
    }
  }

  /// What was delivered so far comes again from the consumer that is opened next, which numbers its
  /// deliveries anew: an old acknowledgement subject would move its floor past what it delivered.
  void forget_replies() {
    const std::lock_guard lock{core_->mutex};
    for (auto& [token, batch] : delivered_) batch.reply.clear();
  }

  [[nodiscard]] auto acked() const -> std::uint64_t {
    const std::lock_guard lock{core_->mutex};
    return acked_;
  }
  [[nodiscard]] auto ending_locked() const -> bool { return closing_ || core_->stopping_locked(); }

  /// nullptr: the consumer or its bus is being destroyed.
  [[nodiscard]] auto await_link() -> std::shared_ptr<nats_link> {
    std::unique_lock lock{core_->mutex};
    core_->changed.wait(lock, [this] {
      const auto link = core_->link_locked();
      return ending_locked() || (link && !link->closed());
    });
    return ending_locked() ? nullptr : core_->link_locked();
  }
  /// True when the consumer ends.
  [[nodiscard]] auto pause(std::chrono::milliseconds wait) -> bool {
    std::unique_lock lock{core_->mutex};
    return core_->changed.wait_for(lock, wait, [this] { return ending_locked(); });
  }
  /// Waits for credit. False when the consumer ends or the link is lost.
  [[nodiscard]] auto await_credit(const nats_link& link) -> bool {
    std::unique_lock lock{core_->mutex};
    core_->changed.wait(lock, [&] {
      return credit_ > 0 || ending_locked() || core_->link_locked().get() != &link;
    });
    return credit_ > 0 && !ending_locked() && core_->link_locked().get() == &link;
  }

  /// Delivers until the link or the consumer at the broker is lost. @returns whether anything came
  auto pump(pull_reader& reader, std::uint64_t next_consumer_seq) -> bool {
    bool any = false;
    while (await_credit(reader.link())) {
      if (reader.overdue()) return any;
      if (reader.outstanding() <= config_.batch_max / 2 && !reader.request(config_.batch_max)) {
        return any;
      }
      incoming_batch batch;
      delivered_batch mark;
      const bool usable = collect(reader, next_consumer_seq, batch, mark);
      if (!batch.messages.empty()) {
        any = true;
        hand_over(std::move(batch), std::move(mark));
      }
      if (!usable) return any;
    }
    return any;
  }

  /// Fills `batch` with what comes. False: this reader brings nothing more.
  [[nodiscard]] auto collect(pull_reader& reader, std::uint64_t& next_consumer_seq,
                             incoming_batch& batch, delivered_batch& mark) const -> bool {
    while (batch.messages.size() < config_.batch_max) {
      const pulled p =
          reader.next(batch.messages.empty() ? look_up_every : limits::nats_batch_linger);
      switch (p.outcome) {
        case pull_outcome::nothing:
          return true;
        case pull_outcome::request_ended:
          return true;
        case pull_outcome::consumer_gone:
        case pull_outcome::link_lost:
          return false;
        case pull_outcome::message:
          break;
      }
      if (p.numbers.consumer_seq != next_consumer_seq) return false;  // A delivery was lost.
      ++next_consumer_seq;
      if (p.numbers.stream_seq >= mark.last_seq) {
        mark.last_seq = p.numbers.stream_seq;
        mark.reply = reply_of(p.message.get());
      }
      batch.messages.push_back({p.numbers.stream_seq, std::string{subject_of(p.message.get())},
                                std::string{payload_of(p.message.get())},
                                headers_of(p.message.get(), limits::dead_letter_headers_max)});
      if (reader.outstanding() == 0) return true;
    }
    return true;
  }

  void hand_over(incoming_batch batch, delivered_batch mark) {
    {
      const std::lock_guard lock{core_->mutex};
      if (ending_locked()) return;
      --credit_;
      batch.token = next_token_++;
      delivered_.emplace(batch.token, std::move(mark));
    }
    sink_(std::move(batch));
  }

  const std::shared_ptr<nats_core> core_;
  const consumer_config config_;
  const std::function<void(incoming_batch)> sink_;
  std::thread thread_;
  // Guarded by core_->mutex, and every change notifies core_->changed.
  bool closing_{false};
  unsigned credit_{0};
  std::uint64_t acked_{0};  ///< Highest stream sequence acknowledged by this process.
  std::uint64_t next_token_{1};
  std::map<std::uint64_t, delivered_batch> delivered_;
};

}  // namespace

auto open_nats_consumer(std::shared_ptr<nats_core> core, const consumer_config& config,
                        std::function<void(incoming_batch)> sink)
    -> result<std::unique_ptr<consumer>> {
  auto out = std::make_unique<nats_consumer>(std::move(core), config, std::move(sink));
  if (auto started = out->start(); !started) {
    return tl::unexpected<fault>{std::move(started.error())};
  }
  return out;
}

}  // namespace bestow::bus
