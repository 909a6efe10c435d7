#include "bus/memory_requests.hpp"

#include <algorithm>

#include "bus/subject.hpp"

namespace bestow::bus {

void memory_requests::add(const std::shared_ptr<listener>& who) {
  const std::lock_guard lock{mutex_};
  listeners_.push_back(who);
}

void memory_requests::remove(const std::shared_ptr<listener>& who) {
  {
    const std::lock_guard lock{mutex_};
    std::erase(listeners_, who);
  }
  const std::lock_guard lock{who->delivering};
  who->open = false;
}

auto memory_requests::listeners_for(const std::string& subject)
    -> std::vector<std::shared_ptr<listener>> {
  const std::lock_guard lock{mutex_};
  std::vector<std::shared_ptr<listener>> out;
  std::map<std::string, std::vector<std::shared_ptr<listener>>> groups;
  for (const auto& l : listeners_) {
    if (!l->connected()) continue;
    for (const auto& s : l->subjects) {
      if (!subject_matches(s.subject, subject)) continue;
      (s.queue_group.empty() ? out : groups[s.queue_group]).push_back(l);
    }
  }
  ++turn_;
  for (const auto& [name, members] : groups) out.push_back(members[turn_ % members.size()]);
  return out;
}

void memory_requests::hand_over(const std::vector<std::shared_ptr<listener>>& to,
                                const request_message& what) {
  for (const auto& l : to) {
    const std::shared_lock delivering{l->delivering};
    if (l->open) l->sink(what);
  }
}

void memory_requests::post(const std::string& subject, const reply_message& what,
                           const std::string& reply_to) {
  hand_over(listeners_for(subject), {subject, what.payload, what.headers, reply_to});
}

auto memory_requests::ask(const std::string& subject, const reply_message& question,
                          std::chrono::milliseconds within) -> result<reply_message> {
  const auto to = listeners_for(subject);
  if (to.empty()) return fail(fault_code::broker_unavailable, "request", "no responders");
  std::string inbox;
  {
    const std::lock_guard lock{mutex_};
    inbox = "_INBOX.memory." + std::to_string(next_inbox_++);
    inboxes_.emplace(inbox, std::nullopt);
  }
  hand_over(to, {subject, question.payload, question.headers, inbox});
  std::unique_lock lock{mutex_};
  answered_.wait_for(lock, within, [&] { return inboxes_[inbox].has_value(); });
  auto found = inboxes_.extract(inbox);
  if (!found.mapped())
    return fail(fault_code::outcome_unknown, "request", "no answer in time");
  return std::move(*found.mapped());
}

void memory_requests::answer(const std::string& inbox, const reply_message& what) {
  const std::lock_guard lock{mutex_};
  const auto it = inboxes_.find(inbox);
  if (it == inboxes_.end() || it->second) return;
  it->second = what;
  answered_.notify_all();
}

}  // namespace bestow::bus
