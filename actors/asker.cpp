#include "actors/asker.hpp"

namespace bestow::actors {

void reply_box::enqueue(caf::mailbox_element_ptr what, caf::execution_unit* /*on*/) {
  {
    const std::lock_guard lock{mutex_};
    if (answer_ || what->mid != awaited_) return;
    answer_ = what->move_content_to_message();
  }
  arrived_.notify_one();
}

auto reply_box::open() -> caf::message_id {
  const std::lock_guard lock{mutex_};
  const auto request = caf::make_message_id(++requests_);
  awaited_ = request.response_id();
  answer_.reset();
  return request;
}

auto reply_box::wait(std::chrono::milliseconds within) -> std::optional<caf::message> {
  std::unique_lock lock{mutex_};
  arrived_.wait_for(lock, within, [&] { return answer_.has_value(); });
  awaited_ = none;
  return std::exchange(answer_, std::nullopt);
}

auto asker::send_and_wait(const caf::actor& to, std::chrono::milliseconds within,
                          caf::message message) -> std::optional<caf::message> {
  caf::actor box;
  {
    const std::lock_guard lock{mutex_};
    if (!idle_.empty()) {
      box = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!box) {
    caf::actor_config config;
    box = caf::make_actor<reply_box, caf::actor>(system_->next_actor_id(), system_->node(),
                                                 system_, config);
  }
  auto& waiting = static_cast<reply_box&>(*caf::actor_cast<caf::abstract_actor*>(box));
  const auto id = waiting.open();
  caf::actor_cast<caf::abstract_actor*>(to)->enqueue(
      caf::make_mailbox_element(caf::actor_cast<caf::strong_actor_ptr>(box), id, {},
                                std::move(message)),
      nullptr);
  auto answer = waiting.wait(within);
  const std::lock_guard lock{mutex_};
  idle_.push_back(std::move(box));
  return answer;
}

}  // namespace bestow::actors
