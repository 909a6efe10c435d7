#include "actors/voucher_registry.hpp"

#include <algorithm>
#include <set>
#include <xxhash.h>

#include "actors/promotion_host.hpp"
#include "events/limits.hpp"

namespace bestow::actors {

namespace {

using registry = caf::stateful_actor<voucher_registry_state>;
/// Marks a claim in flight: the low bits are the claim's number, not a log position. The highest
/// bit a table keeps of a position; the log would need 4 * 10^12 events to reach it.
constexpr std::uint64_t in_flight = 1ULL << 42U;

auto hash_of(std::string_view number) -> std::uint64_t {
  return XXH3_64bits(number.data(), number.size());
}

auto read_fact(voucher_registry_state& s, position at) -> const targets_imported* {
  if (s.cached && s.cached_at == at) return &*s.cached;
  store::read_options one;
  one.events_max = 1;
  s.cached.reset();
  const auto seen = s.context->parts.log->read(
      position{at.value - 1}, one, [&](const store::stored_event& stored) {
        if (auto facts = decode_event<targets_imported>(stored.payload)) {
          s.cached = std::move(*facts);
          s.cached_at = at;
        }
        return false;
      });
  return seen && s.cached ? &*s.cached : nullptr;
}

auto number_at(voucher_registry_state& s, const store::voucher_claim& c) -> std::string_view {
  if ((c.fact.value & in_flight) != 0) {
    const auto it = s.claims.find(c.fact.value & ~in_flight);
    return it == s.claims.end() ? std::string_view{} : it->second.numbers[c.row];
  }
  const auto* facts = read_fact(s, c.fact);
  return facts == nullptr ? std::string_view{} : facts->voucher_numbers[c.row];
}

/// A fact that cannot be read back is a fault: "not equal" would be a guess.
auto taken(voucher_registry_state& s, std::string_view number, std::uint64_t hash)
    -> result<bool> {
  bool found = false;
  bool readable = true;
  s.table->find(hash, [&](const store::voucher_claim& c) {
    const auto other = number_at(s, c);
    readable = !other.empty();
    found = other == number;
    return readable && !found;
  });
  if (!readable) return fail(fault_code::log_io_failed, "claim_vouchers", "a fact is unreadable");
  return found;
}

auto add_fact(voucher_registry_state& s, const targets_imported& facts, position at)
    -> result<void> {
  for (std::uint32_t i = 0; i < facts.voucher_numbers.size(); ++i)
    if (auto in = s.table->insert(hash_of(facts.voucher_numbers[i]), {at, i}); !in) return in;
  return {};
}

void remove_fact(voucher_registry_state& s, const targets_imported& facts, position at) {
  for (std::uint32_t i = 0; i < facts.voucher_numbers.size(); ++i)
    s.table->erase(hash_of(facts.voucher_numbers[i]), {at, i});
}

/// Visits the durable facts of one batch.
auto for_each_fact(const voucher_registry_state& s, promotion_id promotion,
                   const std::function<bool(const targets_imported&, position)>& visit)
    -> result<void> {
  store::read_options options;
  options.types = {event_type::targets_imported};
  result<void> outcome{};
  const auto seen = s.context->parts.log->read_stream(
      stream_of(promotion), stream_version{}, options, [&](const store::stored_event& stored) {
        auto facts = decode_event<targets_imported>(stored.payload);
        if (!facts) {
          outcome = tl::unexpected{facts.error()};
          return false;
        }
        return visit(*facts, stored.at);
      });
  if (!seen) return tl::unexpected{seen.error()};
  return outcome;
}

/// Everything behind the table's checkpoint, in log order. Abandoned batches claim nothing.
auto fill(voucher_registry_state& s) -> result<void> {
  auto opened = store::open_voucher_table(table_path(*s.context, "vouchers"));
  if (!opened) return tl::unexpected{opened.error()};
  s.table = std::move(*opened);
  auto& log = *s.context->parts.log;
  const auto from = s.table->checkpoint();
  if (from.value != 0) {
    const auto hash = log.frame_hash_at(from);
    if (!hash || *hash != s.table->checkpoint_hash()) s.table->clear();
  }
  std::set<std::pair<std::uint64_t, std::string>> abandoned;
  std::vector<std::pair<promotion_id, std::string>> abandoned_since;  // Behind the checkpoint.
  result<void> outcome{};
  store::read_options options;
  // Batch ids are never empty: "" stands for all of a cancelled promotion.
  const auto visit_abandoned = [&](const store::stored_event& stored) {
    std::string batch;
    if (stored.type == event_type::batch_abandoned) {
      auto facts = decode_event<batch_abandoned>(stored.payload);
      if (!facts) return true;
      batch = std::move(facts->batch);
    }
    if (stored.at > s.table->checkpoint())
      abandoned_since.emplace_back(promotion_id{stored.stream.id}, batch);
    abandoned.emplace(stored.stream.id, std::move(batch));
    return true;
  };
  options.types = {event_type::batch_abandoned, event_type::promotion_cancelled};
  if (auto seen = log.read(position{}, options, visit_abandoned); !seen)
    return tl::unexpected{seen.error()};
  options.types = {event_type::targets_imported};
  const auto after = s.table->checkpoint();
  for (const auto& [promotion, batch] : abandoned_since) {
    if (after.value == 0) break;  // An empty table holds nothing of them.
    auto released = for_each_fact(
        s, promotion, [&, name = batch](const targets_imported& facts, position at) {
          if ((name.empty() || facts.batch == name) && at <= after) remove_fact(s, facts, at);
          return true;
        });
    if (!released) return released;
  }
  const auto seen = log.read(after, options, [&](const store::stored_event& stored) {
    auto facts = decode_event<targets_imported>(stored.payload);
    if (!facts) {
      outcome = tl::unexpected{facts.error()};
      return false;
    }
    if (facts->voucher_numbers.empty() || abandoned.contains({stored.stream.id, facts->batch}) ||
        abandoned.contains({stored.stream.id, std::string{}}))
      return true;
    outcome = add_fact(s, *facts, stored.at);
    return outcome.has_value();
  });
  if (!seen) outcome = tl::unexpected{seen.error()};
  // Claims in flight are not in the log yet.
  for (const auto& [id, claim] : s.claims)
    for (std::uint32_t i = 0; outcome && i < claim.numbers.size(); ++i)
      outcome = s.table->insert(hash_of(claim.numbers[i]), {position{in_flight | id}, i});
  if (!outcome) s.table.reset();
  return outcome;
}

void drop_claim(voucher_registry_state& s, std::uint64_t id) {
  const auto it = s.claims.find(id);
  if (it == s.claims.end()) return;
  for (std::uint32_t i = 0; s.table && i < it->second.numbers.size(); ++i)
    s.table->erase(hash_of(it->second.numbers[i]), {position{in_flight | id}, i});
  s.claims.erase(it);
}

auto claim_numbers(registry* self, const claim_request& r) -> claim_reply {
  auto& s = self->state;
  if (!s.table) {
    if (auto filled = fill(s); !filled) return {0, tl::unexpected{filled.error()}};
  }
  const auto id = s.next_claim++;
  const auto& facts = r.chunk->facts;
  auto& claim = s.claims[id];
  claim.promotion = r.promotion;
  claim.batch = facts.batch;
  claim.first_row = facts.first_row;
  claim.holder = caf::actor_cast<caf::actor_addr>(self->current_sender());
  if (s.watched.insert(claim.holder).second) self->monitor(self->current_sender());
  claim.numbers.reserve(facts.voucher_numbers.size());
  std::vector<std::uint32_t> refused;
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < facts.voucher_numbers.size(); ++i) {
    const auto number = facts.voucher_numbers[i];
    const auto hash = hash_of(number);
    const auto elsewhere = taken(s, number, hash);
    if (!elsewhere) {
      drop_claim(s, id);
      return {0, tl::unexpected{elsewhere.error()}};
    }
    if (*elsewhere) {
      refused.push_back(i);
      continue;
    }
    claim.numbers.emplace_back(number);
    if (auto in = s.table->insert(hash, {position{in_flight | id}, kept++}); !in) {
      drop_claim(s, id);
      return {0, tl::unexpected{in.error()}};
    }
  }
  return {id, std::move(refused)};
}

void settle(registry* self, std::uint64_t id, position fact) {
  auto& s = self->state;
  const auto it = s.claims.find(id);
  if (it == s.claims.end()) return;
  const auto numbers = it->second.numbers;
  drop_claim(s, id);
  if (!s.table) return;  // Filled from the log when next needed; the fact stands there.
  for (std::uint32_t i = 0; i < numbers.size(); ++i) {
    if (auto in = s.table->insert(hash_of(numbers[i]), {fact, i}); !in) {
      s.table.reset();  // Filled anew from the log by the next claim.
      return;
    }
  }
}

/// A host ended with claims in flight: what became a fact is settled, the rest is free again.
void resolve(registry* self, const caf::actor_addr& holder) {
  auto& s = self->state;
  std::vector<std::uint64_t> open;
  for (const auto& [id, claim] : s.claims)
    if (claim.holder == holder) open.push_back(id);
  for (const auto id : open) {
    const auto claim = s.claims[id];
    position durable{};
    const auto read = for_each_fact(
        s, claim.promotion, [&](const targets_imported& facts, position at) {
          if (facts.batch == claim.batch && facts.first_row == claim.first_row) durable = at;
          return durable.value == 0;
        });
    if (!read) {
      s.table.reset();
      return;
    }
    if (durable.value != 0)
      settle(self, id, durable);
    else
      drop_claim(s, id);
  }
}

void release(registry* self, const claims_released& r) {
  auto& s = self->state;
  if (r.claim != 0) return drop_claim(s, r.claim);
  if (!s.table) {
    // A table that was saved before still holds them: filling it takes them out.
    static_cast<void>(fill(s));
    return;
  }
  const auto read =
      for_each_fact(s, r.promotion, [&](const targets_imported& facts, position at) {
        if (facts.batch == r.batch) remove_fact(s, facts, at);
        return true;
      });
  if (!read) s.table.reset();
}

void save(voucher_registry_state& s) {
  if (!s.table || !s.claims.empty()) return;
  const auto head = s.context->parts.log->head();
  // Best effort: without it the next start fills the table from the log.
  static_cast<void>(s.table->save_checkpoint(head.last, head.frame_hash));
}

}  // namespace

auto run_voucher_registry(registry* self, context_ptr context) -> caf::behavior {
  use_host_defaults(self);
  self->state.context = std::move(context);
  self->set_down_handler([self](caf::down_msg& down) {
    const auto holder = down.source;
    self->state.watched.erase(holder);
    // Appends of the ended host may still be queued: look only behind them.
    self->request(self->state.context->book.log_writer(), limits::append_timeout,
                  barrier_request{})
        .await([self, holder](const barrier_reply&) { resolve(self, holder); },
               [self](const caf::error&) { self->state.table.reset(); });
  });
  return {
      [=](const claim_request& r) { return claim_numbers(self, r); },
      [=](const claim_settled& c) { settle(self, c.claim, c.fact); },
      [=](const claims_released& r) { release(self, r); },
      [=](const shutdown&) {
        save(self->state);
        self->quit();
      },
  };
}

}  // namespace bestow::actors
