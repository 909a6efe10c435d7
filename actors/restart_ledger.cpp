#include "actors/restart_ledger.hpp"

#include <algorithm>

#include "events/limits.hpp"

namespace bestow::actors {

void restart_ledger::started(const std::string& who, instant now) {
  records_[who].started = now;
}

auto restart_ledger::ended(const std::string& who, instant now, ending how)
    -> std::optional<std::chrono::milliseconds> {
  using std::chrono::milliseconds;
  auto& r = records_[who];
  // Reading what cannot be read may take long: that is no sign of health.
  if (how != ending::faulted && now - r.started >= limits::restart_window)
    r.backoff = milliseconds{0};
  const milliseconds longest =
      how == ending::faulted ? limits::fault_backoff_max : limits::restart_backoff_max;
  r.backoff = std::clamp<milliseconds>(r.backoff * 2, limits::restart_backoff_min, longest);
  if (how != ending::failed) return r.backoff;
  r.failures.push_back(now);
  while (now - r.failures.front() > limits::restart_window) r.failures.pop_front();
  if (r.failures.size() > limits::restarts_max) return std::nullopt;
  return r.backoff;
}

}  // namespace bestow::actors
