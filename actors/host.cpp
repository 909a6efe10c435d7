#include "actors/host.hpp"

namespace bestow::actors {

auto unknown_outcome(const caf::error& why, std::string_view operation) -> fault {
  return {fault_code::outcome_unknown, action_for(fault_code::outcome_unknown), operation,
          caf::to_string(why)};
}

void address_book::set(entry e, caf::actor address) {
  const std::lock_guard lock{mutex_};
  addresses_[static_cast<std::size_t>(e)] = std::move(address);
}

auto address_book::get(entry e) const -> caf::actor {
  const std::lock_guard lock{mutex_};
  return addresses_[static_cast<std::size_t>(e)];
}

void address_book::clear() {
  const std::lock_guard lock{mutex_};
  addresses_ = {};
}

void awake_book::set(promotion_id id, caf::actor host) {
  const std::lock_guard lock{mutex_};
  hosts_[id.value] = std::move(host);
}

void awake_book::erase(promotion_id id) {
  const std::lock_guard lock{mutex_};
  hosts_.erase(id.value);
}

auto awake_book::find(promotion_id id) const -> caf::actor {
  const std::lock_guard lock{mutex_};
  const auto it = hosts_.find(id.value);
  return it == hosts_.end() ? caf::actor{} : it->second;
}

void awake_book::clear() {
  const std::lock_guard lock{mutex_};
  hosts_.clear();
}

void fault_book::note(const stream_id& host, const fault& why, std::chrono::nanoseconds now) {
  const std::lock_guard lock{mutex_};
  auto& e = entries_.try_emplace(host, entry{why, now}).first->second;
  e.why = why;
}

void fault_book::clear(const stream_id& host) {
  const std::lock_guard lock{mutex_};
  entries_.erase(host);
}

auto fault_book::find(const stream_id& host) const -> std::optional<entry> {
  const std::lock_guard lock{mutex_};
  const auto it = entries_.find(host);
  return it == entries_.end() ? std::nullopt : std::optional{it->second};
}

auto fault_book::size() const -> std::size_t {
  const std::lock_guard lock{mutex_};
  return entries_.size();
}

auto fault_book::list(std::size_t count_max) const -> std::vector<std::pair<stream_id, entry>> {
  const std::lock_guard lock{mutex_};
  std::vector<std::pair<stream_id, entry>> out;
  for (auto it = entries_.begin(); it != entries_.end() && out.size() < count_max; ++it)
    out.emplace_back(*it);
  return out;
}

void end_process_with(const context_ptr& context, const caf::actor& one, std::string name) {
  caf::actor_cast<caf::abstract_actor*>(one)->attach_functor(
      [context, name = std::move(name)](const caf::error& why) {
        if (context->stopping || !context->options.on_fatal) return;
        context->options.on_fatal({fault_code::internal, fault_action::stop_process, "supervise",
                                   name + " ended: " + caf::to_string(why)});
      });
}

}  // namespace bestow::actors
