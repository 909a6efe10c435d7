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

/// How a release of that kind would be encoded.
auto encoder_of(const partition_state& s, release_kind kind, const run_started& run)
    -> bus::grant_encoder {
  targets_released probe;
  probe.kind = kind;
  probe.promotion = s.key.promotion;
  probe.type = s.key.type;
  probe.partition = s.key.number;
  probe.topic = run.topic;
  probe.extra_fields = run.extra_fields;
  probe.wire = run.wire;
  probe.format = run.format;
  if (kind == release_kind::recall) {
    probe.recall = s.recall.recall.recall;
    probe.recall_reason = s.recall.recall.reason;
  }
  return bus::grant_encoder{probe};
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
  for (const auto& e : events)
    if (const auto* recorded = std::get_if<results_recorded>(&e))
      reply->duplicates += recorded->duplicate_count;
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
  const auto encoder = encoder_of(s, release_kind::grant, s.run);
  std::string text;
  for (std::uint32_t i = first; i < std::min<std::uint64_t>(s.facts.states.size(), end); ++i) {
    text.clear();
    const auto fields = fields_of(*s.list, s.key.number, target_ordinal{i});
    encoder.append_message(text, 1, [&](std::uint32_t) { return fields; });
    if (text.size() > max_payload) out.push_back(i);
  }
  return out;
}

auto room_of(const partition_state& s, release_kind kind, const run_started& run)
    -> domain::message_room {
  if (run.wire == grant_wire::single) return {};
  const auto most = s.context->parts.messages->max_payload();
  const auto bytes = most == 0 ? limits::grant_message_bytes_max
                               : std::min(most, limits::grant_message_bytes_max);
  const auto encoder = std::make_shared<const bus::grant_encoder>(encoder_of(s, kind, run));
  const auto around = encoder->envelope_bytes_max();
  return {bytes > around ? bytes - around : 1, [&s, encoder](target_ordinal o) -> std::uint64_t {
            return encoder->grant_bytes_max(fields_of(*s.list, s.key.number, o));
          }};
}

}  // namespace bestow::actors
