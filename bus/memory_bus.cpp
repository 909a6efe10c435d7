#include "bus/memory_bus.hpp"

#include <algorithm>
#include <utility>

#include "bus/broker_errors.hpp"
#include "bus/memory_session.hpp"
#include "events/assert.hpp"

namespace bestow::bus {
namespace {

constexpr std::size_t scan_step_messages = 1'000;

class memory_consumer final : public consumer {
 public:
  memory_consumer(std::shared_ptr<memory_bus::session> session, std::shared_ptr<consumer_link> link)
      : session_{std::move(session)}, link_{std::move(link)} {}

  ~memory_consumer() override {
    const std::scoped_lock lock{link_->delivering, session_->mutex};
    link_->open = false;
    link_->hand_back(*session_->broker);
    std::erase(session_->links, link_);
  }

  void grant_credit(unsigned batches) override {
    const std::lock_guard lock{session_->mutex};
    link_->credit += batches;
  }

  void ack(std::uint64_t token) override {
    const std::lock_guard lock{session_->mutex};
    if (!session_->connected) return;  // Lost with the link: the broker sends the batch again.
    auto& unacked = link_->unacked;
    for (auto it = unacked.begin(); it != unacked.end() && it->first <= token;) {
      session_->broker->acknowledge(link_->config, it->second);
      it = unacked.erase(it);
    }
  }

 private:
  std::shared_ptr<memory_bus::session> session_;
  std::shared_ptr<consumer_link> link_;
};

}  // namespace

memory_bus::memory_bus(std::shared_ptr<memory_broker> broker, memory_bus_options options)
    : session_{std::make_shared<session>()} {
  session_->broker = std::move(broker);
  session_->options = std::move(options);
}

memory_bus::~memory_bus() {
  const std::lock_guard lock{session_->mutex};
  session_->connected = false;
  for (const auto& link : session_->links) link->hand_back(*session_->broker);
  session_->broker->adopt_orphans(std::exchange(session_->flights, {}));
}

void memory_bus::on_link(std::function<void(link_state)> handler) {
  const std::lock_guard lock{session_->mutex};
  session_->link_handler = std::move(handler);
}

auto memory_bus::connected() const -> bool {
  const std::lock_guard lock{session_->mutex};
  return session_->connected;
}

auto memory_bus::max_payload() const -> std::size_t {
  return session_->options.max_payload;
}

auto memory_bus::server_version() const -> std::string {
  return session_->options.server_version;
}

auto memory_bus::ensure_stream(const stream_config& config) -> result<stream_state> {
  return session_->begin_call("ensure_stream").and_then([&] {
    return session_->broker->ensure_stream(config);
  });
}

auto memory_bus::inspect(const stream_config& config) -> result<stream_inspection> {
  return session_->begin_call("inspect").map([&] { return session_->broker->inspect(config); });
}

auto memory_bus::remove_stream(const std::string& stream) -> result<void> {
  return session_->begin_call("remove_stream").map([&] {
    session_->broker->remove_stream(stream);
  });
}

auto memory_bus::remove_consumer(const std::string& stream, const std::string& durable)
    -> result<void> {
  return session_->begin_call("remove_consumer").map([&] {
    session_->broker->remove_consumer(stream, durable);
  });
}

auto memory_bus::consumers_beyond(const std::string& stream, std::uint64_t last_seq)
    -> result<std::vector<std::string>> {
  return session_->begin_call("consumers_beyond").and_then([&] {
    return session_->broker->consumers_beyond(stream, last_seq);
  });
}

auto memory_bus::state_of(const std::string& stream) -> result<stream_state> {
  return session_->begin_call("state_of").and_then([&] {
    return session_->broker->state_of(stream);
  });
}

auto memory_bus::read(const std::string& stream, std::uint64_t seq)
    -> result<std::optional<stored_message>> {
  return session_->begin_call("read").and_then([&] { return session_->broker->read(stream, seq); });
}

auto memory_bus::scan(const std::string& stream, std::uint64_t from, std::uint64_t to,
                      const std::function<bool(const stored_message&)>& visit) -> result<void> {
  if (auto ready = session_->begin_call("scan"); !ready) return ready;
  while (from <= to) {
    const auto some = session_->broker->read_range(stream, from, to, scan_step_messages);
    if (!some) return tl::unexpected<fault>{some.error()};
    for (const auto& m : *some) {
      if (!visit(m)) return {};
    }
    if (some->size() < scan_step_messages) return {};
    from = some->back().seq + 1;
  }
  return {};
}

auto memory_bus::publish_chunk(const outgoing_chunk& chunk, std::size_t first,
                               std::uint64_t expected_last, std::uint64_t token,
                               const writer_fence& fence) -> result<void> {
  BESTOW_ASSERT(first < chunk.size());
  const auto copy = std::make_shared<const outgoing_chunk>(chunk);
  const std::lock_guard lock{session_->mutex};
  if (!session_->connected) {
    return fail(fault_code::broker_unavailable, "publish_chunk", "not connected");
  }
  for (std::size_t i = first; i < copy->size(); ++i) {
    auto from_us = fence;  // Behind the first, every message follows one of this writer's.
    from_us.chained = !fence.writer.empty() && (fence.chained || i > first);
    session_->flights.push_back({copy, i, expected_last + (i - first), token, from_us});
  }
  session_->unheard.push_back(token);
  return {};
}

void memory_bus::on_chunk_ack(std::function<void(const chunk_ack&)> handler) {
  const std::lock_guard lock{session_->mutex};
  session_->ack_handler = std::move(handler);
}

auto memory_bus::publish(const std::string& subject, std::string_view payload,
                         std::optional<std::uint64_t> expected_last,
                         const std::string& /*event_type*/, const writer_fence& fence)
    -> result<std::uint64_t> {
  if (auto ready = session_->begin_call("publish"); !ready) {
    return tl::unexpected<fault>{std::move(ready.error())};
  }
  const std::lock_guard lock{session_->mutex};
  while (!session_->flights.empty()) session_->land_one();
  const auto stored = session_->broker->store(subject, payload, expected_last, fence);
  if (session_->publish_acks_to_lose > 0) {
    --session_->publish_acks_to_lose;
    return fail(fault_code::outcome_unknown, "publish", "no answer in time");
  }
  if (stored.error_code != 0) return publish_fault(stored.error_code, stored.error);
  return stored.seq;
}

auto memory_bus::publish_all(std::span<const simple_message> messages) -> result<void> {
  for (const auto& m : messages) {
    auto stored = publish(m.subject, m.payload, std::nullopt, {}, {});
    if (!stored) return tl::unexpected<fault>{std::move(stored.error())};
  }
  return {};
}

auto memory_bus::consume(const consumer_config& config, std::function<void(incoming_batch)> sink)
    -> result<std::unique_ptr<consumer>> {
  if (auto ready = session_->begin_call("consume"); !ready) {
    return tl::unexpected<fault>{std::move(ready.error())};
  }
  if (auto opened = session_->broker->open_consumer(config); !opened) {
    return tl::unexpected<fault>{std::move(opened.error())};
  }
  auto link = std::make_shared<consumer_link>();
  link->config = config;
  link->sink = std::move(sink);
  const std::lock_guard lock{session_->mutex};
  session_->links.push_back(link);
  return std::make_unique<memory_consumer>(session_, link);
}

auto memory_bus::pending() const -> pending_work {
  const std::lock_guard lock{session_->mutex};
  pending_work out{session_->flights.size(), session_->acks.size(), 0};
  if (!session_->connected) return out;
  for (const auto& link : session_->links) {
    if (link->credit > 0 && session_->broker->can_fetch(link->config)) ++out.batches;
  }
  return out;
}

auto memory_bus::deliver_messages(std::size_t count) -> std::size_t {
  const std::lock_guard lock{session_->mutex};
  std::size_t done = 0;
  for (; done < count && !session_->flights.empty(); ++done) session_->land_one();
  return done;
}

auto memory_bus::deliver_acks(std::size_t count) -> std::size_t {
  std::size_t done = 0;
  for (; done < count; ++done) {
    std::unique_lock lock{session_->mutex};
    if (session_->acks.empty()) break;
    const chunk_ack ack = std::move(session_->acks.front());
    session_->acks.pop_front();
    const auto heard = std::find(session_->unheard.begin(), session_->unheard.end(), ack.token);
    if (heard != session_->unheard.end()) session_->unheard.erase(heard);
    const auto handler = session_->ack_handler;
    lock.unlock();
    if (handler) handler(ack);
  }
  return done;
}

auto memory_bus::deliver_batches(std::size_t count) -> std::size_t {
  std::size_t done = 0;
  for (bool any = true; any && done < count;) {
    any = false;
    std::unique_lock lock{session_->mutex};
    const auto links = session_->links;  // A sink may open or close consumers.
    lock.unlock();
    for (const auto& link : links) {
      if (done == count) break;
      const std::lock_guard delivering{link->delivering};
      lock.lock();
      incoming_batch batch;
      if (session_->connected && link->open && link->credit > 0) {
        const bool reorder = session_->batches_to_reorder > 0;
        batch.messages = session_->broker->fetch(link->config, reorder);
        if (reorder && !batch.messages.empty()) --session_->batches_to_reorder;
      }
      if (!batch.messages.empty()) {
        --link->credit;
        batch.token = link->next_token++;
        auto& seqs = link->unacked[batch.token];
        for (const auto& m : batch.messages) seqs.push_back(m.stream_seq);
      }
      lock.unlock();
      if (batch.messages.empty()) continue;
      link->sink(std::move(batch));
      any = true;
      ++done;
    }
  }
  return done;
}

auto memory_bus::deliver(std::size_t count) -> std::size_t {
  std::size_t done = 0;
  while (done < count) {
    if (deliver_messages(1) == 0 && deliver_acks(1) == 0 && deliver_batches(1) == 0) break;
    ++done;
  }
  return done;
}

auto memory_bus::deliver_all() -> std::size_t {
  std::size_t done = 0;
  for (std::size_t step = 1; step != 0; done += step) {
    step = deliver_messages(SIZE_MAX);
    step += deliver_acks(SIZE_MAX);
    step += deliver_batches(SIZE_MAX);
  }
  return done;
}

void memory_bus::drop_next_acks(std::size_t count) {
  const std::lock_guard lock{session_->mutex};
  session_->acks_to_drop += count;
}

void memory_bus::fail_next_calls(std::size_t count) {
  const std::lock_guard lock{session_->mutex};
  session_->calls_to_fail += count;
}

void memory_bus::lose_next_publish_acks(std::size_t count) {
  const std::lock_guard lock{session_->mutex};
  session_->publish_acks_to_lose += count;
}

void memory_bus::disconnect(std::size_t landing) {
  std::unique_lock lock{session_->mutex};
  if (!session_->connected) return;
  session_->connected = false;
  for (; landing > 0 && !session_->flights.empty(); --landing) session_->land_one();
  session_->flights.clear();
  session_->acks.clear();
  const auto unheard = std::exchange(session_->unheard, {});
  for (const auto& link : session_->links) link->hand_back(*session_->broker);
  const auto ack_handler = session_->ack_handler;
  const auto link_handler = session_->link_handler;
  lock.unlock();
  for (const std::uint64_t token : unheard) {
    if (ack_handler) ack_handler({token, 0, ack_lost, "the connection was lost"});
  }
  if (link_handler) link_handler(link_state::disconnected);
}

void memory_bus::reconnect() {
  std::unique_lock lock{session_->mutex};
  if (session_->connected) return;
  session_->connected = true;
  const auto handler = session_->link_handler;
  lock.unlock();
  if (handler) handler(link_state::connected);
}

void memory_bus::reorder_next_batches(std::size_t count) {
  const std::lock_guard lock{session_->mutex};
  session_->batches_to_reorder += count;
}

void memory_bus::redeliver_unacked() {
  const std::lock_guard lock{session_->mutex};
  for (const auto& link : session_->links) link->hand_back(*session_->broker);
}

}  // namespace bestow::bus
