// Requests and answers between the clients of a memory_broker.
//
// Promise: as core NATS: every listener without a queue group gets a request, of each group one,
// in turn; the first answer counts. Threads: every call from any thread; no lock is held while a
// sink runs, but the listener's own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "bus/responder.hpp"

namespace bestow::bus {

class memory_requests {
 public:
  struct listener {
    std::vector<request_subject> subjects;
    request_sink sink;
    std::function<bool()> connected;
    std::shared_mutex delivering;  ///< Shared by sinks that run; closing waits for them.
    bool open{true};
  };

  void add(const std::shared_ptr<listener>& who);
  /// The listener's sink does not run after it returns.
  void remove(const std::shared_ptr<listener>& who);
  /// @fault broker_unavailable (no responders), outcome_unknown
  [[nodiscard]] auto ask(const std::string& subject, const reply_message& question,
                         std::chrono::milliseconds within) -> result<reply_message>;
  /// A message on `subject` without a reply subject.
  void post(const std::string& subject, const reply_message& what, const std::string& reply_to = "");
  /// Dropped when nobody waits at `inbox` any more.
  void answer(const std::string& inbox, const reply_message& what);

 private:
  static void hand_over(const std::vector<std::shared_ptr<listener>>& to,
                        const request_message& what);
  [[nodiscard]] auto listeners_for(const std::string& subject)
      -> std::vector<std::shared_ptr<listener>>;

  std::mutex mutex_;
  std::condition_variable answered_;
  std::vector<std::shared_ptr<listener>> listeners_;
  std::map<std::string, std::optional<reply_message>> inboxes_;  ///< Of those who wait.
  std::uint64_t turn_{0};  ///< Of the groups' members.
  std::uint64_t next_inbox_{1};
};

}  // namespace bestow::bus
