#include "actors/voucher_registry.hpp"

#include "events/limits.hpp"

namespace bestow::actors {

namespace {

using registry = voucher_registry_host;

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

/// Compares with the text that stands where the tag was found. A fact that cannot be read back is a
/// fault: "not equal" would be a guess.
class comparison {
 public:
  comparison(voucher_registry_state& s, std::string_view number) : s_{&s}, number_{number} {}

  [[nodiscard]] auto with_fact() {
    return [this](const store::voucher_claim& c) {
      const auto* facts = read_fact(*s_, c.fact);
      readable_ = facts != nullptr && c.row < facts->voucher_numbers.size();
      equal_ = readable_ && facts->voucher_numbers[c.row] == number_;
      return readable_ && !equal_;
    };
  }
  [[nodiscard]] auto with_claim() {
    return [this](const store::voucher_claim& c) {
      const auto it = s_->claims->open.find(c.fact.value);
      equal_ = it != s_->claims->open.end() && it->second.numbers[c.row] == number_;
      return !equal_;
    };
  }
  [[nodiscard]] auto decided() const -> bool { return equal_ || !readable_; }
  [[nodiscard]] auto answer() const -> result<bool> {
    if (!readable_)
      return fail(fault_code::log_io_failed, "claim_vouchers", "a fact is unreadable");
    return equal_;
  }

 private:
  voucher_registry_state* s_;
  std::string_view number_;
  bool equal_{false};
  bool readable_{true};
};

/// Whether anybody holds this number. `in_file`: some file's filter lets its tag pass.
auto taken(voucher_registry_state& s, std::string_view number, std::uint64_t tag, bool in_file)
    -> result<bool> {
  comparison with{s, number};
  s.in_flight->find(tag, with.with_claim());
  if (!with.decided()) s.open->find(tag, with.with_fact());
  if (in_file)
    for (auto it = s.files.begin(); it != s.files.end() && !with.decided(); ++it)
      it->second->find(tag, with.with_fact());
  return with.answer();
}

/// Which rows' tags pass some file's filter. File by file, so that the cache lines of many rows are
/// fetched at once.
auto pass_filters(const voucher_registry_state& s, const std::vector<std::uint64_t>& tags)
    -> std::vector<bool> {
  constexpr std::size_t ahead = 16;
  std::vector<bool> passes(tags.size(), false);
  for (const auto& [promotion, file] : s.files) {
    for (std::size_t i = 0; i < tags.size(); ++i) {
      if (i + ahead < tags.size()) file->prefetch(tags[i + ahead]);
      if (file->may_hold(tags[i])) passes[i] = true;
    }
  }
  return passes;
}

void drop_claim(voucher_registry_state& s, std::uint64_t id) {
  const auto it = s.claims->open.find(id);
  if (it == s.claims->open.end()) return;
  const auto& tags = it->second.tags;
  for (std::uint32_t i = 0; i < tags.size(); ++i) s.in_flight->erase(tags[i], {position{id}, i});
  s.claims->open.erase(it);
}

/// Claims row by row; the second of two equal numbers of one chunk is refused too.
auto claim_rows(voucher_registry_state& s, std::uint64_t id, const targets_imported& facts)
    -> result<std::vector<std::uint32_t>> {
  constexpr std::size_t ahead = 8;
  auto& claim = s.claims->open[id];
  const auto count = facts.voucher_numbers.size();
  std::vector<std::uint64_t> tags;
  tags.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    tags.push_back(store::voucher_tag(facts.voucher_numbers[i], s.seed));
  const auto passes = pass_filters(s, tags);
  claim.tags.reserve(count);
  std::vector<std::uint32_t> refused;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (i + ahead < count) s.open->prefetch(tags[i + ahead]);
    const auto number = facts.voucher_numbers[i];
    const auto elsewhere = taken(s, number, tags[i], passes[i]);
    if (!elsewhere) return tl::unexpected{elsewhere.error()};
    if (*elsewhere) {
      refused.push_back(i);
      continue;
    }
    const auto row = static_cast<std::uint32_t>(claim.tags.size());
    if (auto in = s.in_flight->insert(tags[i], {position{id}, row}); !in)
      return tl::unexpected{in.error()};
    claim.numbers.push_back(number);
    claim.tags.push_back(tags[i]);
  }
  return refused;
}

/// Which rows' numbers somebody holds already. Claims nothing.
auto taken_numbers(voucher_registry_state& s, const import_chunk& chunk)
    -> result<std::vector<std::uint32_t>> {
  if (auto filled = fill_registry(s); !filled) return tl::unexpected{filled.error()};
  const auto& numbers = chunk.facts.voucher_numbers;
  std::vector<std::uint64_t> tags;
  tags.reserve(numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i)
    tags.push_back(store::voucher_tag(numbers[i], s.seed));
  const auto passes = pass_filters(s, tags);
  std::vector<std::uint32_t> rows;
  for (std::uint32_t i = 0; i < numbers.size(); ++i) {
    const auto held = taken(s, numbers[i], tags[i], passes[i]);
    if (!held) return tl::unexpected{held.error()};
    if (*held) rows.push_back(i);
  }
  return rows;
}

auto claim_numbers(registry* self, const claim_request& r) -> claim_reply {
  auto& s = self->state;
  if (auto filled = fill_registry(s); !filled) return {0, tl::unexpected{filled.error()}};
  const auto id = s.claims->next++;
  const auto& facts = r.chunk->facts;
  auto& claim = s.claims->open[id];
  claim.promotion = r.promotion;
  claim.batch = facts.batch;
  claim.first_row = facts.first_row;
  claim.fill = s.fills;
  claim.holder = caf::actor_cast<caf::actor_addr>(self->current_sender());
  if (s.watched.insert(claim.holder).second) self->monitor(self->current_sender());
  auto refused = claim_rows(s, id, facts);
  if (refused) return {id, std::move(refused)};
  drop_claim(s, id);
  return {0, std::move(refused)};
}

/// The claim's numbers stand in this fact.
void settle(voucher_registry_state& s, std::uint64_t id, position fact) {
  const auto it = s.claims->open.find(id);
  if (it == s.claims->open.end()) return;
  const auto& tags = it->second.tags;
  // Filled since then: the fact may have been read from the log already.
  const bool maybe_there = it->second.fill != s.fills;
  // Not filled: filled from the log when next needed; the fact stands there.
  for (std::uint32_t i = 0; s.filled && i < tags.size(); ++i) {
    if (maybe_there) s.open->erase(tags[i], {fact, i});
    if (!s.open->insert(tags[i], {fact, i})) s.filled = false;
  }
  drop_claim(s, id);
}

/// Where the durable fact of this claim stands; 0: it became none.
auto find_fact(const voucher_registry_state& s, const voucher_claims::claim& claim)
    -> result<position> {
  position durable{};
  const auto read = store::visit_uncovered(
      *s.context->parts.log, claim.promotion, nullptr,
      [&](const targets_imported& facts, position at) -> result<void> {
        if (facts.batch == claim.batch && facts.first_row == claim.first_row) durable = at;
        return {};
      });
  if (!read) return tl::unexpected{read.error()};
  return durable;
}

/// A host ended with claims in flight: what became a fact is settled, the rest is free again.
void resolve(voucher_registry_state& s, const caf::actor_addr& holder) {
  std::vector<std::uint64_t> open;
  for (const auto& [id, claim] : s.claims->open)
    if (claim.holder == holder) open.push_back(id);
  for (const auto id : open) {
    const auto durable = find_fact(s, s.claims->open[id]);
    if (!durable) {
      // Filled anew from the log by the next claim, which then knows.
      s.filled = false;
      drop_claim(s, id);
    } else if (durable->value != 0) {
      settle(s, id, *durable);
    } else {
      drop_claim(s, id);
    }
  }
}

/// An abandoned batch was never closed, so its numbers stand in the open table.
void release_batch(voucher_registry_state& s, promotion_id promotion, const std::string& batch) {
  if (!s.filled) return;  // The log says that it is abandoned.
  store::read_options options;
  options.types = {event_type::targets_imported};
  bool readable = true;
  const auto seen = s.context->parts.log->read_stream(
      stream_of(promotion), stream_version{}, options, [&](const store::stored_event& stored) {
        const auto facts = decode_event<targets_imported>(stored.payload);
        readable = facts.has_value();
        if (!readable || facts->batch != batch) return readable;
        for (std::uint32_t i = 0; i < facts->voucher_numbers.size(); ++i)
          s.open->erase(store::voucher_tag(facts->voucher_numbers[i], s.seed), {stored.at, i});
        return true;
      });
  if (!seen || !readable) s.filled = false;
}

void release(voucher_registry_state& s, const claims_released& r) {
  if (r.claim != 0) return drop_claim(s, r.claim);
  if (!r.batch.empty()) return release_batch(s, r.promotion, r.batch);
  if (s.filled && !forget_promotion(s, r.promotion)) s.filled = false;
}

}  // namespace

auto run_voucher_registry(registry* self, context_ptr context,
                          std::shared_ptr<voucher_claims> claims) -> caf::behavior {
  use_host_defaults(self);
  self->state.context = std::move(context);
  self->state.claims = std::move(claims);
  self->set_down_handler([self](caf::down_msg& down) {
    const auto holder = down.source;
    self->state.watched.erase(holder);
    // Appends of the ended host may still be queued: look only behind them.
    self->request(self->state.context->book.log_writer(), limits::append_timeout,
                  barrier_request{})
        .await([self, holder](const barrier_reply&) { resolve(self->state, holder); },
               [self](const caf::error&) { self->state.filled = false; });
  });
  // Claims of a registry before this one: whoever has ended meanwhile is reported at once.
  for (const auto& [id, claim] : self->state.claims->open) {
    if (!self->state.watched.insert(claim.holder).second) continue;
    if (const auto holder = caf::actor_cast<caf::strong_actor_ptr>(claim.holder))
      self->monitor(holder);
    else
      self->send(self, caf::down_msg{claim.holder, caf::exit_reason::unknown});
  }
  return {
      [=](const claim_request& r) { return claim_numbers(self, r); },
      [=](const taken_request& r) { return taken_reply{taken_numbers(self->state, *r.chunk)}; },
      [=](const claim_settled& c) { settle(self->state, c.claim, c.fact); },
      [=](const claims_released& r) { release(self->state, r); },
      [=](const vouchers_counted& c) {
        self->state.to_build.insert(c.promotion.value);
        build_next(self);
      },
      [=](const move_vouchers&) { move_some_out(self); },
      [=](const shutdown&) { self->quit(); },
  };
}

}  // namespace bestow::actors
