// A dry run's question to a promotion: which of these rows would it refuse as taken?
#include <algorithm>

#include "actors/promotion_host.hpp"
#include "domain/promotion.hpp"
#include "events/limits.hpp"

namespace bestow::actors {

namespace {

using host = promotion_actor_host;

auto taken_rows(promotion_host_state& s, const targets_imported& f) -> result<probe_receipt> {
  if (auto ready = prepare_tables(s); !ready) return tl::unexpected{ready.error()};
  probe_receipt taken;
  const bool one_each = !s.facts.created.allow_multiple_per_customer;
  for (std::uint32_t i = 0; i < f.customer_uids.size(); ++i) {
    if (f.ids_given && s.ids->contains(f.target_ids[i])) taken.ids.push_back(i);
    if (one_each && s.customers->contains(f.customer_uids[i])) taken.customers.push_back(i);
  }
  return taken;
}

void answer(host* self, const probe_request& r, caf::response_promise promise) {
  auto& s = self->state;
  auto deliver = [promise](outcome<probe_receipt> with) mutable {
    promise.deliver(probe_reply{std::move(with)});
  };
  if (auto no = domain::may_import(r.chunk->facts, s.facts))
    return deliver(tl::unexpected<trouble>{*std::move(no)});
  auto taken = taken_rows(s, r.chunk->facts);
  if (!taken) {
    s.customers.reset();
    return deliver(tl::unexpected<trouble>{taken.error()});
  }
  if (s.facts.created.type != promotion_type::voucher) return deliver(*std::move(taken));
  self->request(s.context->book.registry(), limits::claim_timeout, taken_request{r.chunk})
      .then(
          [deliver, found = *std::move(taken)](const taken_reply& t) mutable {
            if (!t.rows) return deliver(tl::unexpected<trouble>{t.rows.error()});
            found.vouchers = *t.rows;
            deliver(std::move(found));
          },
          [deliver](const caf::error& e) mutable {
            deliver(tl::unexpected<trouble>{unknown_outcome(e, "probe")});
          });
}

}  // namespace

auto probe_rows(host* self, const probe_request& r) -> caf::result<probe_reply> {
  auto promise = self->make_response_promise();
  // Tables are built from the log: everything answered so far must stand there first.
  append_promotion(
      self, {}, {}, [self, r, promise](const store::append_receipt&) { answer(self, r, promise); },
      [promise](const fault& f) mutable {
        promise.deliver(probe_reply{tl::unexpected<trouble>{f}});
      });
  return promise;
}

}  // namespace bestow::actors
