// Requests and answers of a memory_bus.
#include "bus/memory_session.hpp"

namespace bestow::bus {
namespace {

class memory_responder final : public responder {
 public:
  memory_responder(std::shared_ptr<memory_bus::session> session,
                   std::shared_ptr<memory_requests::listener> listener)
      : session_{std::move(session)}, listener_{std::move(listener)} {
    session_->broker->requests().add(listener_);
  }
  ~memory_responder() override { session_->broker->requests().remove(listener_); }

 private:
  const std::shared_ptr<memory_bus::session> session_;
  const std::shared_ptr<memory_requests::listener> listener_;
};

}  // namespace

auto memory_bus::respond(std::vector<request_subject> subjects, request_sink sink)
    -> std::unique_ptr<responder> {
  auto listener = std::make_shared<memory_requests::listener>();
  listener->subjects = std::move(subjects);
  listener->sink = std::move(sink);
  listener->connected = [session = std::weak_ptr{session_}] {
    const auto alive = session.lock();
    if (!alive) return false;
    const std::lock_guard lock{alive->mutex};
    return alive->connected;
  };
  return std::make_unique<memory_responder>(session_, std::move(listener));
}

auto memory_bus::reply(const std::string& reply_to, const reply_message& answer) -> result<void> {
  if (auto ready = session_->begin_call("reply"); !ready) return ready;
  if (answer.payload.size() > session_->options.max_payload)
    return fail(fault_code::broker_unavailable, "reply", "larger than max_payload");
  session_->broker->requests().answer(reply_to, answer);
  return {};
}

auto memory_bus::request(const std::string& subject, const reply_message& question,
                         std::chrono::milliseconds within) -> result<reply_message> {
  return session_->begin_call("request").and_then([&] {
    return session_->broker->requests().ask(subject, question, within);
  });
}

}  // namespace bestow::bus
