// What every actor of the engine shares: the parts it stands on and how it ends when something is
// wrong. Private to actors/.
#pragma once

#include <array>
#include <atomic>
#include <caf/all.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "actors/interfaces.hpp"

namespace bestow::actors {

/// The fault of the latest append; empty while appends succeed. Thread-safe.
class trouble_note {
 public:
  /// True when this differs in kind from what stood: worth telling.
  auto set(std::optional<fault> why) -> bool {
    const std::lock_guard lock{mutex_};
    const bool news = why.has_value() != why_.has_value() || (why && why->code != why_->code);
    why_ = std::move(why);
    return news;
  }
  [[nodiscard]] auto get() const -> std::optional<fault> {
    const std::lock_guard lock{mutex_};
    return why_;
  }

 private:
  mutable std::mutex mutex_;
  std::optional<fault> why_;
};

/// Figures shown by status(); written by actors, read by any thread.
struct engine_counters {
  std::atomic<std::uint64_t> appends{0};
  std::atomic<std::uint64_t> commits{0};
  std::atomic<std::uint64_t> restarts{0};
  std::atomic<std::uint64_t> live_promotions{0};
  std::atomic<std::uint64_t> results_received{0};
  std::atomic<std::uint64_t> results_dead{0};
  std::atomic<bool> log_ready{true};
  trouble_note log_trouble;
  /// By promotion_type: the stream holds grants that the log does not know.
  std::array<std::atomic<bool>, 2> ahead{};
};

/// Where the singletons are now. A restarted one gets a new address, so it is looked up at each
/// use. Thread-safe.
class address_book {
 public:
  enum class entry : std::uint8_t { log_writer, directory, voucher_publisher, point_publisher, registry, event_feed, intake };
  void set(entry e, caf::actor address);
  [[nodiscard]] auto log_writer() const -> caf::actor { return get(entry::log_writer); }
  [[nodiscard]] auto directory() const -> caf::actor { return get(entry::directory); }
  [[nodiscard]] auto registry() const -> caf::actor { return get(entry::registry); }
  [[nodiscard]] auto event_feed() const -> caf::actor { return get(entry::event_feed); }
  [[nodiscard]] auto intake() const -> caf::actor { return get(entry::intake); }
  [[nodiscard]] auto publisher(promotion_type t) const -> caf::actor {
    return get(t == promotion_type::voucher ? entry::voucher_publisher : entry::point_publisher);
  }
  /// Drops every address, so that no actor is kept alive by the book.
  void clear();

 private:
  [[nodiscard]] auto get(entry e) const -> caf::actor;
  mutable std::mutex mutex_;
  std::array<caf::actor, 7> addresses_;
};

/// The hosts of promotions that are awake, as the directory knows them: who asks one that is here
/// spares the question to the directory. One that has just ended may still stand here: it answers
/// nothing, and the directory is asked. Thread-safe.
class awake_book {
 public:
  void set(promotion_id id, caf::actor host);
  void erase(promotion_id id);
  /// Null: ask the directory.
  [[nodiscard]] auto find(promotion_id id) const -> caf::actor;
  void clear();

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, caf::actor> hosts_;  ///< At most limits::live_promotions_max.
};

/// Hosts that could not be started because their facts or their list cannot be read: what /readyz
/// names, and what the intake asks before it waits for one. Thread-safe.
class fault_book {
 public:
  struct entry {
    fault why;
    std::chrono::nanoseconds since{0};  ///< Of the first attempt that failed; steady clock.
  };
  void note(const stream_id& host, const fault& why, std::chrono::nanoseconds now);
  /// The host has read all it needs.
  void clear(const stream_id& host);
  [[nodiscard]] auto find(const stream_id& host) const -> std::optional<entry>;
  [[nodiscard]] auto size() const -> std::size_t;
  /// The first `count_max`, by name.
  [[nodiscard]] auto list(std::size_t count_max) const -> std::vector<std::pair<stream_id, entry>>;

 private:
  mutable std::mutex mutex_;
  std::map<stream_id, entry> entries_;
};

/// Shared by all actors of one engine; outlives them.
struct engine_context {
  engine_parts parts;
  engine_options options;
  engine_counters counters;
  address_book book;
  awake_book awake;
  fault_book faults;
  std::atomic<bool> stopping{false};  ///< Whatever ends from now on ends on purpose.
  [[nodiscard]] auto ahead(promotion_type t) -> std::atomic<bool>& {
    return counters.ahead[t == promotion_type::voucher ? 0 : 1];
  }
  bool detach{true};  ///< False in the simulator: every actor runs on its one scheduler.
};
using context_ptr = std::shared_ptr<engine_context>;

/// Exit reason of a host whose memory may be ahead of the log: it is started again from the log.
inline const caf::error replay_needed = caf::make_error(caf::sec::runtime_error, "replay");

/// An unknown message or an escaped exception is a bug or a broken promise: end, restart, be counted.
template <class Actor>
void use_host_defaults(Actor* self) {
  self->set_default_handler([](caf::scheduled_actor* me, caf::message_view&) -> caf::result<caf::message> {
    me->quit(caf::make_error(caf::sec::unexpected_message));
    return caf::sec::unexpected_message;
  });
  self->set_exception_handler([](std::exception_ptr&) -> caf::error {
    return caf::make_error(caf::sec::runtime_error, "exception in a handler");
  });
}

/// For an actor that nobody can start again: when it ends before the engine stops, the process must
/// stop, with a fault that says which one it was.
void end_process_with(const context_ptr& context, const caf::actor& one, std::string name);

/// A machine failure that reached a request: the callee is gone or did not answer in time.
[[nodiscard]] auto unknown_outcome(const caf::error& why, std::string_view operation) -> fault;

/// An append for `stream`, ready for the log writer.
template <class Events>
[[nodiscard]] auto make_append(const stream_id& stream, stream_version expected,
                               const Events& events, const event_metadata& metadata = {})
    -> append_request {
  auto batch = std::make_shared<store::append_batch>();
  batch->stream = stream;
  batch->expected = expected;
  batch->events.reserve(events.size());
  for (const auto& e : events) batch->events.push_back(encode_event(e, metadata));
  return append_request{std::move(batch)};
}

[[nodiscard]] inline auto metadata_of(const caller& by) -> event_metadata {
  return {by.principal, by.idempotency_key, by.request_hash};
}

}  // namespace bestow::actors
