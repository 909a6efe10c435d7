#include "store/customer_runs.hpp"

#include <utility>

#include "events/limits.hpp"
#include "store/target_list_source.hpp"

namespace bestow::store {

auto customer_runs::path_of(promotion_id promotion) const -> std::string {
  if (directory_.empty()) return {};
  return directory_ + "/" + std::to_string(promotion.value) + "/customers";
}

auto customer_runs::kept(promotion_id promotion, const sha256_digest& list_sha256)
    -> std::shared_ptr<const customer_run> {
  const std::scoped_lock lock{mutex_};
  const auto at = kept_.find(promotion);
  if (at == kept_.end() || at->second.run->list_sha256() != list_sha256) return nullptr;
  at->second.used = ++uses_;
  return at->second.run;
}

void customer_runs::keep(promotion_id promotion, std::shared_ptr<const customer_run> run) {
  const std::scoped_lock lock{mutex_};
  kept_[promotion] = {std::move(run), ++uses_};
  if (kept_.size() <= limits::customer_runs_open_max) return;
  auto oldest = kept_.begin();
  for (auto e = kept_.begin(); e != kept_.end(); ++e)
    if (e->second.used < oldest->second.used) oldest = e;
  kept_.erase(oldest);
}

auto customer_runs::build(const event_log& log, promotion_id promotion)
    -> result<std::shared_ptr<const customer_run>> {
  // One build at a time: each wants the disk and a core for itself, and scratch names are fixed.
  const std::scoped_lock lock{building_};
  auto scope = read_scope(log, promotion);
  if (!scope) return tl::unexpected{std::move(scope).error()};
  scope->cancelled = cancelled_;
  const auto path = path_of(promotion);
  if (auto made = make_parent_directories(path); !made)
    return tl::unexpected{std::move(made).error()};
  auto built = customer_run::build(log, *scope, path);
  if (built) keep(promotion, *built);
  return built;
}

auto customer_runs::open(const event_log& log, promotion_id promotion,
                         const sha256_digest& list_sha256)
    -> result<std::shared_ptr<const customer_run>> {
  if (auto run = kept(promotion, list_sha256)) return run;
  if (const auto path = path_of(promotion); !path.empty()) {
    auto stored = customer_run::open(path, promotion);
    if (stored && (*stored)->list_sha256() == list_sha256) {
      keep(promotion, *stored);
      return stored;
    }
  }
  auto built = build(log, promotion);
  if (built && (*built)->list_sha256() != list_sha256)
    return fail(fault_code::log_corrupt, "open customers",
                to_string(stream_of(promotion)) + " was sealed with another list");
  return built;
}

}  // namespace bestow::store
