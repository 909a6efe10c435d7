// The import path of a promotion: batches, uniqueness, the seal.
#include <type_traits>

#include "actors/promotion_host.hpp"
#include "domain/target_row.hpp"
#include "events/limits.hpp"

namespace bestow::actors {

namespace {

using host = promotion_actor_host;
using refused_rows = std::vector<chunk_receipt::refused_row>;

auto batch_receipt_of(const promotion_host_state& s, const std::string& batch, position at)
    -> batch_receipt {
  batch_receipt r;
  const auto it = s.facts.batches.find(batch);
  if (it != s.facts.batches.end()) r.batch = it->second;
  r.type = s.facts.created.type;
  r.partition_count = s.facts.created.partition_count;
  r.currency = s.facts.created.currency;
  r.at = at;
  return r;
}

template <class Command>
auto answer_batch(host* self, const Command& command, const std::string& batch, const caller& by)
    -> caf::result<batch_reply> {
  auto promise = self->make_response_promise();
  auto decided = domain::decide(command, self->state.facts);
  std::vector<promotion_event> events;
  std::optional<domain::refusal> refusal;
  if (auto* no = std::get_if<domain::refusal>(&decided))
    refusal = std::move(*no);
  else
    events = std::move(std::get<std::vector<promotion_event>>(decided));
  append_promotion(
      self, std::move(events), metadata_of(by),
      [self, promise, refusal, batch](const store::append_receipt& r) mutable {
        if (refusal) {
          promise.deliver(batch_reply{tl::unexpected<trouble>{*refusal}});
          return;
        }
        auto& s = self->state;
        if (std::is_same_v<Command, domain::close_batch> &&
            s.facts.created.type == promotion_type::voucher)
          self->send(s.context->book.registry(), vouchers_counted{s.id});
        promise.deliver(batch_reply{batch_receipt_of(s, batch, r.last)});
      },
      [promise](const fault& f) mutable {
        promise.deliver(batch_reply{tl::unexpected<trouble>{f}});
      });
  return promise;
}

void finish_front(host* self, const import_reply& reply) {
  auto& s = self->state;
  s.imports.front().reply.deliver(reply);
  s.imports.pop_front();
  s.import_busy = false;
  next_import(self);
}

/// Its rows stand in the log, or are on their way: answered behind them.
void answer_repeated_chunk(host* self, caf::response_promise promise, targets_imported facts) {
  append_promotion(
      self, {}, {},
      [self, promise, facts = std::move(facts)](const store::append_receipt& r) mutable {
        auto receipt = receipt_of_repeat(self->state, facts, r.last);
        if (receipt)
          promise.deliver(import_reply{*std::move(receipt)});
        else
          promise.deliver(import_reply{tl::unexpected<trouble>{receipt.error()}});
      },
      [promise](const fault& f) mutable {
        promise.deliver(import_reply{tl::unexpected<trouble>{f}});
      });
}

/// Decides the front chunk, whose rows are unique by now, and appends it.
void decide_front(host* self, std::shared_ptr<refused_rows> refused, std::uint64_t claim) {
  auto& s = self->state;
  auto waiting = std::move(s.imports.front());
  s.imports.pop_front();
  s.import_busy = false;
  note_refused(waiting.chunk->facts, *refused);
  domain::import_targets command;
  command.facts = std::move(waiting.chunk->facts);
  auto decided = domain::decide(command, s.facts);
  auto promise = waiting.reply;
  if (auto* no = std::get_if<domain::refusal>(&decided)) {
    // The tables hold claims that became no fact: build them anew when next needed.
    s.customers.reset();
    if (claim != 0) self->send(s.context->book.registry(), claims_released{claim, s.id, {}});
    promise.deliver(import_reply{tl::unexpected<trouble>{*no}});
    return next_import(self);
  }
  auto events = std::move(std::get<std::vector<promotion_event>>(decided));
  if (events.empty()) {
    if (claim != 0) self->send(s.context->book.registry(), claims_released{claim, s.id, {}});
    answer_repeated_chunk(self, promise, std::move(command.facts));
    return next_import(self);
  }
  const auto accepted = command.facts.customer_uids.size();
  append_promotion(
      self, std::move(events), {},
      [self, promise, refused, accepted, claim](const store::append_receipt& r) mutable {
        if (claim != 0)
          self->send(self->state.context->book.registry(), claim_settled{claim, r.first});
        promise.deliver(import_reply{chunk_receipt{accepted, std::move(*refused), r.last}});
      },
      [promise](const fault& f) mutable {
        promise.deliver(import_reply{tl::unexpected<trouble>{f}});
      });
  next_import(self);
}

/// Voucher numbers are unique over all promotions: the registry claims them before the append.
void claim_vouchers(host* self, std::shared_ptr<refused_rows> refused) {
  auto& s = self->state;
  s.import_busy = true;
  auto chunk = s.imports.front().chunk;
  self->request(s.context->book.registry(), limits::claim_timeout, claim_request{s.id, chunk})
      .then(
          [self, chunk, refused](const claim_reply& c) {
            if (!c.refused) {
              self->state.customers.reset();  // Holds rows of this chunk that became no fact.
              return finish_front(self, import_reply{tl::unexpected<trouble>{c.refused.error()}});
            }
            release_rows(self->state, *chunk, *c.refused);
            refuse_rows(*chunk, *c.refused, domain::row_field::voucher_number,
                        domain::row_rejection::voucher_number_duplicate, *refused);
            decide_front(self, refused, c.claim);
          },
          [self](const caf::error& e) {
            end_for_replay(self, unknown_outcome(e, "claim_vouchers"));
          });
}

/// True when the chunk continues its open batch, so that uniqueness may be asked.
auto continues(const promotion_host_state& s, const targets_imported& f) -> bool {
  const auto it = s.facts.batches.find(f.batch);
  return s.facts.state == domain::promotion_state::draft && it != s.facts.batches.end() &&
         it->second.state == domain::batch_state::life::open &&
         f.first_row == it->second.rows + 1;
}

}  // namespace

void next_import(host* self) {
  auto& s = self->state;
  while (!s.imports.empty() && !s.import_busy) {
    // Tables are built from the log: everything appended must stand there first.
    if (!s.customers && !s.appends.empty()) return;
    auto& chunk = *s.imports.front().chunk;
    auto refused = std::make_shared<refused_rows>();
    if (!continues(s, chunk.facts)) {
      decide_front(self, refused, 0);  // The decision says what is wrong, or that it is done.
      return;
    }
    auto ready = prepare_tables(s);
    auto claims = ready ? claim_rows(s, chunk.facts) : result<claimed_rows>{tl::unexpected{ready.error()}};
    if (!claims) {
      s.customers.reset();
      finish_front(self, import_reply{tl::unexpected<trouble>{claims.error()}});
      return;
    }
    refuse_duplicates(chunk, *claims, *refused);
    if (s.facts.created.type == promotion_type::voucher) return claim_vouchers(self, refused);
    return decide_front(self, refused, 0);
  }
}

namespace {

void sealed(host* self, const list_built& built) {
  auto& s = self->state;
  auto [promise, metadata, built_from] = *s.sealing;
  s.sealing.reset();
  const auto refuse = [&promise = promise](trouble why) {
    promise.deliver(command_reply{tl::unexpected<trouble>{std::move(why)}});
  };
  if (!built.totals) return refuse(built.totals.error());
  if (s.facts.version != built_from)
    return refuse(fault{fault_code::overloaded, fault_action::retry_later, "seal",
                        "targets arrived while the list was built; seal again"});
  auto decided = domain::decide(
      domain::seal_list{built.totals->totals, built.totals->total_overflows}, s.facts);
  if (auto* no = std::get_if<domain::refusal>(&decided)) return refuse(*no);
  auto events = std::move(std::get<std::vector<promotion_event>>(decided));
  const bool repeated = events.empty();
  append_promotion(
      self, std::move(events), metadata,
      [self, promise = promise, repeated](const store::append_receipt& r) mutable {
        self->state.customers.reset();  // No more imports: the tables' files go.
        self->state.ids.reset();
        promise.deliver(command_reply{receipt_of(self->state, r.last, repeated)});
      },
      [promise = promise](const fault& f) mutable {
        promise.deliver(command_reply{tl::unexpected<trouble>{f}});
      });
}

void answer_repeated(host* self, caf::response_promise promise) {
  append_promotion(
      self, {}, {},
      [self, promise](const store::append_receipt& r) mutable {
        promise.deliver(command_reply{receipt_of(self->state, r.last, true)});
      },
      [promise](const fault& f) mutable {
        promise.deliver(command_reply{tl::unexpected<trouble>{f}});
      });
}

auto run_list_builder(caf::event_based_actor* self, context_ptr context) -> caf::behavior {
  use_host_defaults(self);
  return {[self, context](const build_list& b) {
    self->quit();
    return list_built{context->parts.lists->build(*context->parts.log, b.promotion)};
  }};
}

void start_seal(host* self, const seal_request& r, caf::response_promise promise) {
  auto& s = self->state;
  s.sealing = {promise, metadata_of(r.by), s.facts.version};
  auto builder = s.context->detach ? self->spawn<caf::detached>(run_list_builder, s.context)
                                   : self->spawn(run_list_builder, s.context);
  self->request(builder, limits::seal_timeout, build_list{s.id})
      .then([self](const list_built& built) { sealed(self, built); },
            [self](const caf::error& e) {
              std::get<0>(*self->state.sealing).deliver(
                  command_reply{tl::unexpected<trouble>{unknown_outcome(e, "seal")}});
              self->state.sealing.reset();
            });
}

}  // namespace

auto table_path(const engine_context& context, const std::string& file) -> std::string {
  return context.parts.directory.empty() ? std::string{} : context.parts.directory + "/" + file;
}

auto open_batch(host* self, const open_batch_request& r) -> caf::result<batch_reply> {
  return answer_batch(self, r.command, r.command.batch, r.by);
}

auto import_rows(host* self, const import_request& r) -> caf::result<import_reply> {
  auto& s = self->state;
  auto promise = self->make_response_promise();
  if (s.imports.size() >= limits::import_chunks_in_flight * limits::open_batches_max) {
    promise.deliver(import_reply{tl::unexpected<trouble>{
        fail(fault_code::overloaded, "import", "too many chunks are waiting").value()}});
    return promise;
  }
  ++s.activity;
  s.imports.push_back({r.chunk, promise});
  next_import(self);
  return promise;
}

auto close_batch(host* self, const close_batch_request& r) -> caf::result<batch_reply> {
  return answer_batch(self, r.command, r.command.batch, r.by);
}

auto abandon_batch(host* self, const abandon_batch_request& r) -> caf::result<command_reply> {
  auto promise = self->make_response_promise();
  auto& s = self->state;
  auto decided = domain::decide(r.command, s.facts);
  if (auto* no = std::get_if<domain::refusal>(&decided)) {
    promise.deliver(command_reply{tl::unexpected<trouble>{*no}});
    return promise;
  }
  auto events = std::move(std::get<std::vector<promotion_event>>(decided));
  const bool repeated = events.empty();
  append_promotion(
      self, std::move(events), metadata_of(r.by),
      [self, promise, repeated, batch = r.command.batch](const store::append_receipt& receipt) mutable {
        auto& state = self->state;
        state.customers.reset();  // Built anew without the batch when next needed.
        if (state.facts.created.type == promotion_type::voucher)
          self->send(state.context->book.registry(), claims_released{0, state.id, batch});
        promise.deliver(command_reply{receipt_of(state, receipt.last, repeated)});
      },
      [promise](const fault& f) mutable {
        promise.deliver(command_reply{tl::unexpected<trouble>{f}});
      });
  return promise;
}

auto seal(host* self, const seal_request& r) -> caf::result<command_reply> {
  auto& s = self->state;
  auto promise = self->make_response_promise();
  if (s.sealing) {
    promise.deliver(command_reply{tl::unexpected<trouble>{fault{
        fault_code::overloaded, fault_action::retry_later, "seal", "a seal is under way"}}});
    return promise;
  }
  if (s.facts.state != domain::promotion_state::draft) {
    // Sealed already: the decision answers, with the totals that stand.
    auto decided = domain::decide(
        domain::seal_list{s.facts.list.value_or(list_sealed{}), false}, s.facts);
    if (auto* no = std::get_if<domain::refusal>(&decided))
      promise.deliver(command_reply{tl::unexpected<trouble>{*no}});
    else
      answer_repeated(self, promise);
    return promise;
  }
  if (auto no = domain::may_seal(s.facts)) {
    promise.deliver(command_reply{tl::unexpected<trouble>{*no}});
    return promise;
  }
  if (!s.appends.empty()) {
    // The list is built from the log: everything answered so far must stand there first.
    append_promotion(
        self, {}, {}, [self, r, promise](const store::append_receipt&) { start_seal(self, r, promise); },
        [promise](const fault& f) mutable {
          promise.deliver(command_reply{tl::unexpected<trouble>{f}});
        });
    return promise;
  }
  start_seal(self, r, promise);
  return promise;
}

}  // namespace bestow::actors
