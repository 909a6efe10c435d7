// What the engine asks of its actors: each request has an end, and one that its callee never saw is
// told from one whose outcome is unknown. Private to actors/.
// Threads: any; each call blocks its caller.
#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "actors/asker.hpp"
#include "actors/host.hpp"

namespace bestow::actors {

[[nodiscard]] inline auto not_found(promotion_id id) -> trouble {
  return domain::refusal{domain::rejection::promotion_not_found,
                         "there is no promotion " + std::to_string(id.value)};
}

class engine_requests {
 protected:
  /// One request with an end; a lost callee or a timeout is an unknown outcome.
  template <class Reply, class Message>
  auto request(const caf::actor& to, std::chrono::milliseconds within, Message message)
      -> result<Reply> {
    result<Reply> answer = fail(fault_code::shutting_down, "request", "the engine has stopped");
    if (!to || stopped_) return answer;
    auto reply = asker_->ask<Reply>(to, within, std::move(message));
    if (reply) return std::move(*reply);
    return tl::unexpected{unknown_outcome(reply.error(), "request")};
  }
  template <class Reply, class Message>
  auto reply_of(const caf::actor& to, std::chrono::milliseconds within, Message message)
      -> decltype(Reply::answer) {
    auto reply = request<Reply>(to, within, std::move(message));
    if (!reply) return tl::unexpected<trouble>{reply.error()};
    return std::move(reply->answer);
  }
  template <class Reply, class Message>
  auto ask(promotion_id id, std::chrono::milliseconds within, Message message)
      -> decltype(Reply::answer) {
    if (auto awake = context_->awake.find(id); awake && !stopped_) {
      auto reply = asker_->ask<Reply>(awake, within, message);
      if (reply) return std::move(reply->answer);
      if (reply.error() != caf::sec::request_receiver_down)
        return tl::unexpected<trouble>{unknown_outcome(reply.error(), "request")};
    }
    auto host = request<found>(context_->book.directory(), limits::request_timeout,
                               find_promotion{id});
    if (!host) return tl::unexpected<trouble>{host.error()};
    if (host->why) return tl::unexpected<trouble>{*host->why};
    if (!host->host) return tl::unexpected<trouble>{not_found(id)};
    return reply_of<Reply>(host->host, within, std::move(message));
  }

  context_ptr context_ = std::make_shared<engine_context>();
  std::optional<asker> asker_;  ///< Of the actor system, once there is one.
  std::atomic<bool> stopped_{false};
};

}  // namespace bestow::actors
