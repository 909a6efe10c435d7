// What a partition is told by the paying service, and what fits into a message to it.
#include <algorithm>
#include <memory>

#include "actors/grant_content.hpp"
#include "actors/partition_host.hpp"
#include "events/limits.hpp"

namespace bestow::actors {

namespace {

/// Why a result cannot belong to this partition's list; "" when it does.
auto contradiction(const partition_state& s, const bus::decoded_result& r,
                   std::optional<target_ordinal> ordinal) -> std::string {
  if (r.type != s.key.type) return "the promotion grants " + std::string{name_of(s.key.type)};
  if (!ordinal) return "no such target in partition " + std::to_string(s.key.number.value);
  if (s.list->row(s.key.number, *ordinal).customer != r.customer)
    return "customerUid is not the target's";
  if (!domain::was_released(s.facts, *ordinal)) return "the target was never released";
  if (r.recalled && !domain::was_recalled(s.facts, *ordinal)) return "the target was never recalled";
  return {};
}

}  // namespace

auto record_answers(partition_actor_host* self, const results_request& r) -> caf::result<results_reply> {
  auto& s = self->state;
  auto promise = self->make_response_promise();
  auto reply = std::make_shared<results_reply>();
  domain::record_results command;
  domain::record_recalls recalls;
  command.rows.reserve(r.rows.size());
  for (const auto i : r.rows) {
    const auto& row = (*r.results)[i];
    const auto ordinal = s.list->find(s.key.number, row.id);
    if (auto why = contradiction(s, row, ordinal); !why.empty()) {
      reply->dead.emplace_back(i, std::move(why));
      continue;
    }
    if (row.recalled) {
      recalls.rows.push_back({*ordinal, *row.recalled, row.recall, row.at, row.transaction_key,
                              row.error_message});
      continue;
    }
    command.rows.push_back({*ordinal, row.status, row.attempt, row.at, row.transaction_key,
                            row.error_message});
  }
  s.described_since_snapshot += command.rows.size() + recalls.rows.size();
  auto events = events_of(domain::decide(command, s.facts));
  for (auto& e : events_of(domain::decide(recalls, s.facts))) events.push_back(std::move(e));
  if (events.empty()) {
    reply->durable = s.last;
    promise.deliver(std::move(*reply));
    return promise;
  }
  s.results_waiting.push_back(promise);
  append_partition(self, std::move(events), [self, reply](const store::append_receipt& receipt) {
    reply->durable = receipt.last;
    self->state.results_waiting.front().deliver(std::move(*reply));
    self->state.results_waiting.pop_front();
  });
  return promise;
}

auto too_large_ones(const partition_state& s, std::uint32_t first, std::uint64_t end)
    -> std::vector<std::uint32_t> {
  const auto max_payload = s.context->parts.messages->max_payload();
  std::vector<std::uint32_t> out;
  if (max_payload == 0 || max_payload >= limits::grant_bytes_max) return out;
  targets_released probe;
  probe.promotion = s.key.promotion;
  probe.type = s.key.type;
  probe.partition = s.key.number;
  probe.topic = s.run.topic;
  probe.extra_fields = s.run.extra_fields;
  const bus::grant_encoder encoder{probe};
  std::string text;
  for (std::uint32_t i = first; i < std::min<std::uint64_t>(s.facts.states.size(), end); ++i) {
    text.clear();
    encoder.append(text, fields_of(*s.list, s.key.number, target_ordinal{i}));
    if (text.size() > max_payload) out.push_back(i);
  }
  return out;
}

}  // namespace bestow::actors
