#include "store/read_fact.hpp"

namespace bestow::store {

auto read_fact(const event_log& log, position at,
               const std::function<void(const stored_event&)>& visit) -> result<bool> {
  if (at.value == 0) return false;
  bool found = false;
  const auto seen = log.read({at.value - 1}, {{}, 1}, [&](const stored_event& e) {
    found = e.at == at;
    if (found) visit(e);
    return false;
  });
  if (!seen) return tl::unexpected{seen.error()};
  return found;
}

}  // namespace bestow::store
