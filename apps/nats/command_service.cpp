#include "apps/nats/command_service.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "apps/nats/command_request.hpp"
#include "apps/nats/service_info.hpp"
#include "events/limits.hpp"

namespace bestow::commands {
namespace {

using std::chrono::nanoseconds;

/// What the client libraries ask for answers on; their default prefix.
constexpr std::string_view inbox_prefix = "_INBOX.";

struct job {
  bus::request_message message;
  nanoseconds came{};  ///< Steady.
};

class threaded_service final : public command_service {
 public:
  threaded_service(const http::http_parts& parts, service_identity who)
      : parts_{parts}, who_{std::move(who)}, stats_(command_table().size()) {
    threads_.reserve(limits::command_threads);
    for (std::size_t i = 0; i < limits::command_threads; ++i)
      threads_.emplace_back([this] { work(); });
    auto subjects = service_subjects();
    subjects.push_back({who_.prefix + ".>", std::string{queue_group}});
    responder_ = parts_.messages->respond(
        std::move(subjects), [this](bus::request_message m) { take(std::move(m)); });
  }
  ~threaded_service() override { stop(); }

  void stop() override {
    responder_.reset();
    {
      const std::lock_guard lock{mutex_};
      stopping_ = true;
    }
    changed_.notify_all();
    for (auto& t : threads_)
      if (t.joinable()) t.join();
  }

 private:
  [[nodiscard]] auto counters() const -> http::command_counters& { return parts_.state->commands; }

  /// On a thread of the bus.
  void take(bus::request_message message) {
    // Bestow may publish grants and facts: whoever asks must not choose such a subject for the answer.
    if (!message.reply_to.starts_with(inbox_prefix)) {
      counters().ignored.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    if (!message.subject.starts_with(who_.prefix + ".")) {
      if (auto text = service_answer(message.subject, who_, stats_))
        send(message.reply_to, {std::move(*text), {{"Content-Type", "application/json"}}});
      return;
    }
    if (enqueue(message)) return;
    turn_away(message);
  }

  /// False: there is no room; the message is untouched.
  auto enqueue(bus::request_message& message) -> bool {
    const auto bytes = message.payload.size();
    {
      const std::lock_guard lock{mutex_};
      const bool room = jobs_.size() < limits::command_queue_max &&
                        (jobs_.empty() || bytes_ + bytes <= limits::command_queue_bytes_max);
      if (!room || stopping_) return false;
      bytes_ += bytes;
      jobs_.push_back({std::move(message), parts_.time->steady()});
    }
    changed_.notify_one();
    return true;
  }

  void work() {
    for (;;) {
      std::unique_lock lock{mutex_};
      changed_.wait(lock, [this] { return !jobs_.empty() || stopping_; });
      if (jobs_.empty()) return;
      const auto next = std::move(jobs_.front());
      jobs_.pop_front();
      bytes_ -= next.message.payload.size();
      const bool late =
          stopping_ || parts_.time->steady() - next.came > nanoseconds{limits::command_wait_max};
      lock.unlock();
      if (late)
        turn_away(next.message);
      else
        execute(next.message);
    }
  }

  /// A bug or no memory ends the command, not the process.
  void execute(const bus::request_message& message) {
    try {
      answer(message);
    } catch (const std::exception& e) {
      spdlog::error("internal in {}: {}", message.subject, e.what());
      answer_with(message, http::problem_response(http::problem_of(fault{
                               fault_code::internal, fault_action::retry_later, "execute", "exception"})),
                  nullptr, nanoseconds{0});
    }
  }

  void answer(const bus::request_message& message) {
    const auto name = std::string_view{message.subject}.substr(who_.prefix.size() + 1);
    const auto* what = find_command(name);
    const auto begin = parts_.time->steady();
    auto answer = what == nullptr ? unknown_command(name) : answer_command(parts_, *what, message);
    const auto took = parts_.time->steady() - begin;
    answer_with(message, std::move(answer), what, took);
  }

  void turn_away(const bus::request_message& message) {
    counters().overloaded.fetch_add(1, std::memory_order_relaxed);
    const auto name = std::string_view{message.subject}.substr(who_.prefix.size() + 1);
    answer_with(message, overloaded(), find_command(name), nanoseconds{0});
  }

  void answer_with(const bus::request_message& message, http::response answer, const command* what,
                   nanoseconds took) {
    const auto status = answer.status;
    auto& c = counters();
    c.requests.fetch_add(1, std::memory_order_relaxed);
    if (status >= 500)
      c.failed.fetch_add(1, std::memory_order_relaxed);
    else if (status >= 400)
      c.refused.fetch_add(1, std::memory_order_relaxed);
    if (what != nullptr)
      stats_[static_cast<std::size_t>(what - command_table().data())].count(
          took, answer.code.empty() ? "" : fmt::format("{}:{}", status, answer.code));
    const auto most = parts_.messages->max_payload();
    constexpr auto headers = limits::command_answer_header_bytes;
    send(message.reply_to, reply_of(std::move(answer), most > headers ? most - headers : 0));
  }

  /// An answer that cannot be sent is asked for again: the command's repeat gets the first one.
  void send(const std::string& reply_to, const bus::reply_message& answer) {
    if (const auto sent = parts_.messages->reply(reply_to, answer); !sent)
      spdlog::warn("an answer over NATS is lost: {}", to_string(sent.error()));
  }

  const http::http_parts parts_;
  const service_identity who_;
  std::vector<endpoint_stats> stats_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<job> jobs_;
  std::size_t bytes_{0};
  bool stopping_{false};
  std::vector<std::thread> threads_;
  std::unique_ptr<bus::responder> responder_;
};

}  // namespace

auto command_service::start(const http::http_parts& parts, randomness& random)
    -> std::unique_ptr<command_service> {
  service_identity who;
  who.id = fmt::format("{:016x}", random.next());
  who.version = parts.version;
  who.prefix = parts.settings->nats.command_prefix;
  who.started = parts.time->wall();
  return std::make_unique<threaded_service>(parts, std::move(who));
}

}  // namespace bestow::commands
