// Requests to actors from threads that are none: sends one message and blocks for its answer.
//
// A box waits for the answer; boxes are used again. Beside caf::scoped_actor this makes no actor
// for each request and sets no timer in CAF's clock, which costs two wake-ups of a thread of its
// own: half of what a command took (docs/internals/performance.md).
// Threads: any; each call blocks its caller only.
#pragma once

#include <caf/all.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

#include "events/result.hpp"

namespace bestow::actors {

/// Takes the answer of one request after the other. An answer that comes too late is dropped.
class reply_box final : public caf::monitorable_actor {
 public:
  explicit reply_box(caf::actor_config& config) : caf::monitorable_actor{config} {}
  [[nodiscard]] auto name() const -> const char* override { return "reply_box"; }
  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit* on) override;

  /// The id of a request to send now.
  [[nodiscard]] auto open() -> caf::message_id;
  /// Blocks until its answer. nullopt: none came in time.
  [[nodiscard]] auto wait(std::chrono::milliseconds within) -> std::optional<caf::message>;

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  static constexpr caf::message_id none{~0ULL};
  caf::message_id awaited_{none};
  std::uint64_t requests_{0};
  std::optional<caf::message> answer_;
};

class asker {
 public:
  explicit asker(caf::actor_system& system) : system_{&system} {}
  asker(const asker&) = delete;
  auto operator=(const asker&) -> asker& = delete;

  /// @returns what `to` answered, or caf::sec::request_timeout, or caf::sec::request_receiver_down:
  /// it has ended and never looked at this message.
  template <class Reply, class Message>
  [[nodiscard]] auto ask(const caf::actor& to, std::chrono::milliseconds within, Message message)
      -> tl::expected<Reply, caf::error> {
    std::optional<caf::message> answer =
        send_and_wait(to, within, caf::make_message(std::move(message)));
    if (!answer) return tl::unexpected<caf::error>{caf::make_error(caf::sec::request_timeout)};
    if (answer->match_elements<Reply>()) return std::move(answer->get_mutable_as<Reply>(0));
    if (answer->match_elements<caf::error>())
      return tl::unexpected<caf::error>{answer->get_as<caf::error>(0)};
    return tl::unexpected<caf::error>{caf::make_error(caf::sec::unexpected_response)};
  }

 private:
  [[nodiscard]] auto send_and_wait(const caf::actor& to, std::chrono::milliseconds within,
                                   caf::message message) -> std::optional<caf::message>;

  caf::actor_system* system_;
  std::mutex mutex_;
  std::vector<caf::actor> idle_;  ///< Boxes; as many as have ever waited at once.
};

}  // namespace bestow::actors
