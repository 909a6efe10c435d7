#include "actors/directory.hpp"
#include "actors/event_feed.hpp"
#include "actors/projector.hpp"
#include "actors/publisher.hpp"
#include "actors/result_intake.hpp"
#include "actors/voucher_registry.hpp"

namespace bestow::actors {

namespace {

/// On a thread of its own, except in the simulator, where one scheduler runs everything.
template <class Fn, class... Args>
auto spawn_blocking(directory_host* self, Fn fn, Args... args) -> caf::actor {
  if (self->state.context->detach) return self->spawn<caf::detached + caf::linked>(fn, args...);
  return self->spawn<caf::linked>(fn, args...);
}

}  // namespace

void list_singletons(directory_host* self) {
  auto& s = self->state;
  const auto context = s.context;
  const auto add = [&](std::string name, std::function<caf::actor()> spawn) {
    s.singletons.push_back({std::move(name), std::move(spawn), {}, false});
  };
  add("registry", [=, claims = std::make_shared<voucher_claims>()] {
    auto a = spawn_blocking(self, run_voucher_registry, context, claims);
    context->book.set(address_book::entry::registry, a);
    return a;
  });
  for (const auto type : {promotion_type::voucher, promotion_type::point}) {
    const auto entry = type == promotion_type::voucher ? address_book::entry::voucher_publisher
                                                       : address_book::entry::point_publisher;
    add("publisher", [=] {
      auto a = spawn_blocking(self, run_publisher, context, type);
      context->book.set(entry, a);
      return a;
    });
  }
  for (const auto& view : context->parts.views->names())
    add("projector", [=] { return spawn_blocking(self, run_projector, context, view); });
  if (context->parts.messages != nullptr && context->options.grants.publish_events)
    add("event_feed", [=] {
      auto a = spawn_blocking(self, run_event_feed, context);
      context->book.set(address_book::entry::event_feed, a);
      return a;
    });
  if (context->parts.messages != nullptr)
    add("intake", [=] {
      auto a = spawn_blocking(self, run_result_intake, context);
      context->book.set(address_book::entry::intake, a);
      return a;
    });
}

}  // namespace bestow::actors
