// Taking releases into a partition that the stream holds and the log has lost.
#include <variant>

#include "actors/partition_host.hpp"

namespace bestow::actors {

auto adopt_releases(partition_actor_host* self, const adopt_request& r)
    -> caf::result<adopt_reply> {
  auto& s = self->state;
  auto promise = self->make_response_promise();
  const list_amounts amounts{*s.list, s.key.number};
  auto copy = s.facts;
  std::vector<partition_event> events;
  for (const auto& release : *r.releases) {
    auto decided = domain::decide(domain::adopt_release{release}, copy);
    if (const auto* no = std::get_if<domain::refusal>(&decided)) {
      promise.deliver(adopt_reply{tl::unexpected<trouble>{*no}});
      return promise;
    }
    for (auto& e : std::get<std::vector<partition_event>>(decided)) {
      domain::fold(copy, e, position{}, amounts);
      events.push_back(std::move(e));
    }
  }
  if (r.dry) {
    promise.deliver(adopt_reply{s.last});
    return promise;
  }
  // The publisher says that they are published once the stream and the log agree.
  append_partition(self, std::move(events),
                   [self, promise](const store::append_receipt& receipt) mutable {
                     auto at = receipt.first.value;
                     for (auto& open : self->state.facts.open)
                       if (open.at.value == 0) open.at = position{at++};
                     promise.deliver(adopt_reply{receipt.last});
                   });
  return promise;
}

}  // namespace bestow::actors
