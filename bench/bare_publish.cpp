#include "bench/bare_publish.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "actors/grant_content.hpp"
#include "apps/measure/listed_amounts.hpp"
#include "domain/partition.hpp"
#include "events/limits.hpp"

namespace bestow::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto ack_within = 60s;

/// A durable release with its place on the stream.
struct planned {
  std::size_t partition{0};
  position at{};
  std::uint64_t first_seq{0};
  std::shared_ptr<const targets_released> facts;
  [[nodiscard]] auto last_seq() const { return first_seq + facts->message_count - 1; }
};

auto facts_of(domain::partition_decision decision) -> std::vector<partition_event> {
  if (std::holds_alternative<domain::refusal>(decision)) give_up("the bare loop was refused");
  return std::get<0>(std::move(decision));
}

/// Encodes and sends what it is given, in order, on its own thread.
class sender {
 public:
  sender(bus::message_bus& bus, const store::target_list& list)
      : bus_{&bus}, list_{&list}, thread_{[this](std::stop_token end) { work(std::move(end)); }} {}

  void give(planned p) {
    const std::scoped_lock lock{mutex_};
    waiting_.push_back(std::move(p));
    moved_.notify_one();
  }

 private:
  void work(std::stop_token end) {
    for (;;) {
      std::unique_lock lock{mutex_};
      if (!moved_.wait(lock, end, [&] { return !waiting_.empty(); })) return;
      const auto next = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      const auto chunk = actors::encode_release(*next.facts, *list_, 0, next.facts->message_count);
      must(bus_->publish_chunk(chunk, 0, next.first_seq - 1, next.last_seq(), {}));
    }
  }

  bus::message_bus* bus_;
  const store::target_list* list_;
  std::mutex mutex_;
  std::condition_variable_any moved_;
  std::deque<planned> waiting_;
  std::jthread thread_;
};

class bare_loop {
 public:
  bare_loop(measure::world& w, promotion_id id, bus::message_bus& bus, const std::string& topic,
            std::uint64_t window)
      : w_{&w}, id_{id}, window_{window}, list_{must(w.lists->open(*w.log, id))} {
    run_.run = run_no{1};
    run_.run_date = 20'260'121;
    run_.chunk = limits::release_chunk_default;
    run_.topic = topic;
    run_.complete_when_published = true;
    run_.started_by = "bench";
    for (std::uint32_t k = 0; k < list_->partition_count(); ++k) {
      const partition_no number{static_cast<std::uint16_t>(k)};
      left_ += list_->size(number);
      parts_.push_back(
          domain::make_partition(id, number, promotion_type::point, list_->size(number)));
    }
    bus.on_chunk_ack([this](const bus::chunk_ack& a) { take(a); });
    send_ = std::make_unique<sender>(bus, *list_);
  }

  /// @returns commits made
  auto run() -> std::uint64_t {
    store::append_batch begin{stream_of(id_), must(w_->log->version_of(stream_of(id_))), {}};
    begin.events.push_back(encode_event(promotion_event{run_}));
    static_cast<void>(must(must(w_->log->append_group({&begin, 1}, w_->time.wall())).front()));
    std::jthread views{[this](std::stop_token end) { follow(end); }};
    while (left_ > 0) {
      record_acked();
      release_more();
      if (!batches_.empty()) flush();
      else wait_for_ack();
    }
    return commits_ + 1;
  }

 private:
  void take(const bus::chunk_ack& a) {
    if (a.error_code != 0 || a.seq != a.token) give_up("the bare loop's chunk was refused");
    const std::scoped_lock lock{mutex_};
    acked_ = std::max(acked_, a.seq);
    moved_.notify_one();
  }

  void wait_for_ack() {
    std::unique_lock lock{mutex_};
    require(moved_.wait_for(lock, ack_within, [&] { return acked_ > seen_; }),
            "the bare loop's chunk was not acknowledged");
  }

  void record_acked() {
    {
      const std::scoped_lock lock{mutex_};
      seen_ = acked_;
    }
    while (!in_flight_.empty() && in_flight_.front().last_seq() <= seen_) {
      const auto& p = in_flight_.front();
      left_after_flush_ += p.facts->message_count;
      put(p.partition, facts_of(domain::decide(
                           domain::record_published{p.at, p.first_seq, w_->time.wall()},
                           parts_[p.partition])));
      in_flight_.pop_front();
    }
  }

  /// Partitions take turns; a partition waits for its last release to be durable.
  void release_more() {
    for (std::size_t idle = 0; idle < parts_.size(); turn_ = (turn_ + 1) % parts_.size()) {
      auto& p = parts_[turn_];
      const auto before = planned_;
      if (p.next < p.states.size() && planned_ + run_.chunk <= seen_ + window_) {
        auto events = facts_of(
            domain::decide(domain::release_next{run_, run_.chunk, w_->time.wall(), {}}, p));
        for (const auto& e : events)
          if (const auto* r = std::get_if<targets_released>(&e)) planned_ += r->message_count;
        put(turn_, std::move(events));
      }
      idle = planned_ == before ? idle + 1 : 0;
    }
  }

  /// Decided facts are folded at once, as a host does; the position of a release follows from the
  /// log.
  void put(std::size_t k, std::vector<partition_event> facts) {
    auto& p = parts_[k];
    store::append_batch batch{stream_of(id_, p.number), p.version, {}};
    const measure::listed_amounts amounts{*list_, p.number};
    for (const auto& f : facts) {
      batch.events.push_back(encode_event(f));
      domain::fold(p, f, position{}, amounts);
    }
    batches_.push_back(std::move(batch));
    decided_.emplace_back(k, std::move(facts));
  }

  void flush() {
    const auto answers = must(w_->log->append_group(batches_, w_->time.wall()));
    ++commits_;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      auto at = must(answers[i]).first;
      auto& [k, facts] = decided_[i];
      for (auto& f : facts) {
        if (auto* r = std::get_if<targets_released>(&f)) plan(k, at, std::move(*r));
        ++at.value;
      }
    }
    batches_.clear();
    decided_.clear();
    left_ -= std::exchange(left_after_flush_, 0);
  }

  void plan(std::size_t k, position at, targets_released facts) {
    for (auto& open : parts_[k].open)
      if (open.at.value == 0) {
        open.at = at;
        break;
      }
    planned p{k, at, next_seq_, std::make_shared<const targets_released>(std::move(facts))};
    next_seq_ = p.last_seq() + 1;
    in_flight_.push_back(p);
    send_->give(std::move(p));
  }

  void follow(const std::stop_token& end) {
    std::mutex resting;
    std::condition_variable_any ended;
    const auto names = w_->views->names();
    while (!end.stop_requested()) {
      bool more = false;
      for (const auto& name : names) more |= !must(w_->views->step(name)).caught_up;
      if (more) continue;
      std::unique_lock lock{resting};
      ended.wait_for(lock, end, limits::projector_pause, [] { return false; });
    }
  }

  measure::world* w_;
  promotion_id id_;
  std::uint64_t window_;
  std::shared_ptr<const store::target_list> list_;
  run_started run_;
  std::vector<domain::partition> parts_;
  std::size_t turn_{0};
  std::uint64_t left_{0};  ///< Targets whose grants_published is not durable.
  std::uint64_t left_after_flush_{0};
  std::uint64_t planned_{0};   ///< Messages released.
  std::uint64_t next_seq_{1};  ///< Of the next durable release.
  std::uint64_t commits_{0};
  std::vector<store::append_batch> batches_;
  std::vector<std::pair<std::size_t, std::vector<partition_event>>> decided_;
  std::deque<planned> in_flight_;
  std::mutex mutex_;
  std::condition_variable moved_;
  std::uint64_t acked_{0};  ///< Guarded by mutex_.
  std::uint64_t seen_{0};
  std::unique_ptr<sender> send_;
};

}  // namespace

auto publish_bare(measure::world& w, promotion_id id, const std::string& stream, const std::string& topic,
                  std::uint64_t window) -> bare_result {
  const auto bus = must(bus::connect_nats(w.broker->client_options()));
  bus::stream_config config;
  config.name = stream;
  config.subjects = {topic + ".>"};
  must(bus->ensure_stream(config));
  bare_loop loop{w, id, *bus, topic, window};
  bare_result out;
  const stopwatch watch{w.server_pid()};
  out.commits = loop.run();
  out.took = watch.read();
  return out;
}

}  // namespace bestow::bench
