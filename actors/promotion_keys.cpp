// Idempotency keys of one promotion's commands. They stand in the facts' metadata, so what is known of
// them is a fold, rebuilt by replay.
#include "actors/promotion_host.hpp"

namespace bestow::actors {

namespace {

/// What a command's first fact says that was asked for.
auto verb_of(const promotion_event& e) -> std::string_view {
  if (std::holds_alternative<promotion_approved>(e)) return "approve";
  if (std::holds_alternative<promotion_scheduled>(e)) return "schedule";
  if (std::holds_alternative<promotion_cancelled>(e)) return "cancel";
  if (std::holds_alternative<promotion_closed>(e)) return "close";
  if (std::holds_alternative<recall_started>(e)) return "recall";
  if (std::holds_alternative<run_stopping>(e)) return "stop";
  if (const auto* run = std::get_if<run_started>(&e)) {
    // A retry that is resumed keeps its scope: the run it began with tells them apart.
    if (run->retry != retry_scope::none && run->retry_run == run->run) return "retry";
    return run->resumed ? "resume" : "start";
  }
  return {};
}

}  // namespace

void remember_key(promotion_host_state& s, const promotion_event& first,
                  const event_metadata& metadata) {
  const auto verb = verb_of(first);
  if (metadata.idempotency_key.empty() || verb.empty()) return;
  const std::pair key{metadata.principal, metadata.idempotency_key};
  if (!s.keys.try_emplace(key, std::string{verb}, metadata.request_hash).second) return;
  s.key_order.push_back(key);
  if (s.key_order.size() <= limits::idempotency_keys_max) return;
  s.keys.erase(s.key_order.front());
  s.key_order.pop_front();
}

auto known_key(const promotion_host_state& s, std::string_view verb, const caller& by)
    -> std::optional<std::variant<bool, domain::refusal>> {
  if (by.idempotency_key.empty()) return std::nullopt;
  const auto it = s.keys.find({by.principal, by.idempotency_key});
  if (it == s.keys.end()) return std::nullopt;
  if (it->second.verb == verb && it->second.request_hash == by.request_hash) return true;
  return domain::refusal{domain::rejection::idempotency_key_reused,
                         "the key came before with another request: " + it->second.verb};
}

}  // namespace bestow::actors
