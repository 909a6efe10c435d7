#include "apps/wallet/service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>

#include "apps/wallet/ledger.hpp"
#include "events/limits.hpp"

namespace bestow::wallet {
namespace {

using namespace std::chrono_literals;

class nats_service final : public service {
 public:
  nats_service(service_options options, const clock& time, std::unique_ptr<ledger> book)
      : options_{std::move(options)}, time_{time}, ledger_{std::move(book)} {}

  [[nodiscard]] auto run() -> result<void> override {
    if (auto reached = connect(); !reached) return reached;
    active_at_ = time_.steady();
    result<void> outcome;
    while (outcome && !stopping() && !idle()) {
      open_missing_consumers();
      outcome = send_held();
      if (!outcome) break;
      if (auto next = take_work()) outcome = pay(*next);
    }
    // An answered call: every acknowledgement before it has left this process.
    (void)bus_->state_of(options_.voucher_stream);
    for (auto& s : sources_) s.consumer.reset();
    return outcome;
  }

  void stop() override {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
    changed_.notify_all();
  }

  [[nodiscard]] auto counts() const -> payer_counts override {
    const std::lock_guard lock{mutex_};
    return shown_counts_;
  }

 private:
  struct source {
    std::string stream;
    std::string durable;
    std::unique_ptr<bus::consumer> consumer;
  };
  struct work {
    source* from;
    bus::incoming_batch batch;
  };

  /// Tries until the broker is reached, or the end is wanted. With exit_when_idle a broker that
  /// stays away is an idle one.
  [[nodiscard]] auto connect() -> result<void> {
    std::chrono::milliseconds wait = limits::broker_retry_min;
    const auto started = time_.steady();
    auto tell_at = started;
    for (;;) {
      auto connected = bus::connect_nats(options_.nats);
      if (connected) {
        bus_ = std::move(*connected);
        return {};
      }
      if (options_.on_waiting && time_.steady() >= tell_at) {
        options_.on_waiting(connected.error());
        tell_at = time_.steady() + limits::wallet_tell_every;
      }
      const auto patience = std::max<std::chrono::milliseconds>(options_.exit_when_idle,
                                                                limits::wallet_connect_within);
      const bool idle =
          options_.exit_when_idle.count() > 0 && time_.steady() - started >= patience;
      if (idle || pause(wait)) return tl::unexpected<fault>{std::move(connected.error())};
      wait = std::min<std::chrono::milliseconds>(wait * 2, limits::broker_retry_max);
    }
  }

  void open_missing_consumers() {
    const auto now = time_.steady();
    if (now < look_again_at_) return;
    look_again_at_ = now + limits::wallet_interval;
    for (auto& s : sources_) {
      if (s.consumer) continue;
      bus::consumer_config config;
      config.stream = s.stream;
      config.durable = s.durable;
      config.batch_max = options_.batch_max;
      config.ack_wait = limits::wallet_ack_wait;
      auto opened = bus_->consume(config, [this, &s](bus::incoming_batch batch) {
        const std::lock_guard lock{mutex_};
        queue_.push_back({&s, std::move(batch)});
        changed_.notify_all();
      });
      if (!opened) continue;  // Not there yet, or the broker is away: the next look will tell.
      s.consumer = std::move(*opened);
      s.consumer->grant_credit(limits::wallet_batches_in_flight);
    }
  }

  /// The oldest batch; nullopt when none came within a short while.
  [[nodiscard]] auto take_work() -> std::optional<work> {
    std::chrono::milliseconds wait = limits::wallet_interval;
    if (held_due_) {
      wait =
          std::clamp(std::chrono::milliseconds{held_due_->value - time_.wall().value}, 1ms, wait);
    }
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, wait, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_ || queue_.empty()) return std::nullopt;
    work next = std::move(queue_.front());
    queue_.pop_front();
    return next;
  }

  /// Pays one batch, answers it, acknowledges it: in this order.
  [[nodiscard]] auto pay(const work& w) -> result<void> {
    const timestamp now = time_.wall();
    const auto decided = decide_batch(w.batch.messages, options_.conduct, now, counts_);
    for (const auto& complaint : decided.complaints) {
      fmt::print(stderr, "bestow-wallet: {} {}\n", w.from->stream, complaint);
    }
    if (!send(decided.early)) return {};
    auto outcomes = ledger_->record(decided.entries, decided.held);
    if (!outcomes) return tl::unexpected<fault>{std::move(outcomes.error())};
    if (!decided.held.empty()) look_for_held_ = true;
    if (!send(results_of(decided, *outcomes, now, counts_))) return {};
    // A batch keeps the stream's order: what it takes back was paid above or before.
    auto taken = ledger_->take(decided.recalls);
    if (!taken) return tl::unexpected<fault>{std::move(taken.error())};
    if (!send(recall_results_of(decided, *taken, now, counts_))) return {};
    w.from->consumer->ack(w.batch.token);
    w.from->consumer->grant_credit(1);
    active_at_ = time_.steady();
    const std::lock_guard lock{mutex_};
    shown_counts_ = counts_;
    return {};
  }

  [[nodiscard]] auto send_held() -> result<void> {
    const timestamp now = time_.wall();
    if (!look_for_held_ && (!held_due_ || held_due_->value > now.value)) return {};
    auto due = ledger_->due(now, limits::wallet_held_batch_max);
    if (!due) return tl::unexpected<fault>{std::move(due.error())};
    if (!due->empty()) {
      outgoing_results messages;
      for (const auto& h : *due) messages.push_back({h.subject, h.payload});
      if (!send(messages)) return {};
      if (auto gone = ledger_->forget(*due); !gone) return gone;
      active_at_ = time_.steady();
    }
    auto next = ledger_->next_due();
    if (!next) return tl::unexpected<fault>{std::move(next.error())};
    held_due_ = *next;
    look_for_held_ = false;
    return {};
  }

  /// Sends until the broker has stored all; some may be stored twice. False: stopped before.
  [[nodiscard]] auto send(const outgoing_results& results) -> bool {
    std::chrono::milliseconds wait = limits::broker_retry_min;
    while (!bus_->publish_all(results)) {
      if (pause(wait)) return false;
      wait = std::min<std::chrono::milliseconds>(wait * 2, limits::broker_retry_max);
    }
    return true;
  }

  [[nodiscard]] auto stopping() const -> bool {
    const std::lock_guard lock{mutex_};
    return stopping_;
  }
  /// True when stopped.
  [[nodiscard]] auto pause(std::chrono::milliseconds wait) -> bool {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, wait, [this] { return stopping_; });
  }
  [[nodiscard]] auto idle() const -> bool {
    return options_.exit_when_idle.count() > 0 && !held_due_ &&
           time_.steady() - active_at_ >= options_.exit_when_idle;
  }

  const service_options options_;
  const clock& time_;
  const std::unique_ptr<ledger> ledger_;
  payer_counts counts_;
  std::chrono::nanoseconds active_at_{0};
  std::chrono::nanoseconds look_again_at_{0};
  bool look_for_held_{true};  ///< An earlier process may have left some.
  std::optional<timestamp> held_due_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_{false};
  std::deque<work> queue_;
  payer_counts shown_counts_;

  std::unique_ptr<bus::message_bus> bus_;
  // After the bus and the queue: consumers end before what their sinks use.
  std::array<source, 2> sources_{source{options_.voucher_stream, "bestow-wallet-voucher", nullptr},
                                 source{options_.point_stream, "bestow-wallet-point", nullptr}};
};

}  // namespace

auto open_service(service_options options, const clock& time) -> result<std::unique_ptr<service>> {
  auto book = ledger::open(options.data_directory, ledger::mode::write);
  if (!book) return tl::unexpected<fault>{std::move(book.error())};
  return std::make_unique<nats_service>(std::move(options), time, std::move(*book));
}

}  // namespace bestow::wallet
