#include "actors/courier.hpp"

#include "domain/rejection.hpp"
#include "events/limits.hpp"

namespace bestow::actors {

namespace {

void carry(caf::event_based_actor* self, const caf::actor& host, const carry_import& c) {
  self->request(host, limits::claim_timeout, import_request{c.chunk})
      .then([done = c.done](const import_reply& r) { done(r.answer); },
            [done = c.done](const caf::error& e) {
              done(tl::unexpected<trouble>{unknown_outcome(e, "import")});
            });
}

}  // namespace

auto run_courier(caf::event_based_actor* self, context_ptr context) -> caf::behavior {
  use_host_defaults(self);
  return {
      [=](const carry_import& c) {
        self->request(context->book.directory(), limits::request_timeout,
                      find_promotion{c.promotion})
            .then(
                [self, c](const found& f) {
                  if (f.host) return carry(self, f.host, c);
                  if (f.why) return c.done(tl::unexpected<trouble>{*f.why});
                  c.done(tl::unexpected<trouble>{domain::refusal{
                      domain::rejection::promotion_not_found,
                      "there is no promotion " + std::to_string(c.promotion.value)}});
                },
                [c](const caf::error& e) {
                  c.done(tl::unexpected<trouble>{unknown_outcome(e, "import")});
                });
      },
      [=](const shutdown&) { self->quit(); },
  };
}

}  // namespace bestow::actors
