#include "store/target_list.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <utility>

#include "events/limits.hpp"
#include "store/customer_run.hpp"
#include "store/customer_runs.hpp"
#include "store/mapped_file.hpp"
#include "store/target_list_builder.hpp"
#include "store/target_list_file.hpp"
#include "store/target_list_source.hpp"

namespace bestow::store {
namespace {

class cached_target_lists final : public target_lists {
 public:
  explicit cached_target_lists(std::string directory)
      : directory_{std::move(directory)}, customers_{directory_, cancelled_} {}

  auto build(const event_log& log, promotion_id promotion) -> result<list_totals_result> override {
    auto scope = read_scope(log, promotion);
    if (!scope) return tl::unexpected{std::move(scope).error()};
    auto built = build_and_keep(log, *scope);
    if (!built) return tl::unexpected{std::move(built).error()};
    return std::move(built->totals);
  }

  auto open(const event_log& log, promotion_id promotion)
      -> result<std::shared_ptr<const target_list>> override {
    if (auto kept = find_kept(promotion, nullptr)) return kept;
    const auto scope = read_scope(log, promotion);
    if (!scope) return tl::unexpected{scope.error()};
    if (scope->sealed) {
      if (auto kept = find_kept(promotion, &*scope->sealed)) return kept;
      if (auto stored = open_file(promotion); stored && (*stored)->totals() == *scope->sealed) {
        keep(promotion, *stored, true);
        return std::move(*stored);
      }
    }
    auto built = build_and_keep(log, *scope);
    if (!built) return tl::unexpected{std::move(built).error()};
    if (!built->list)
      return fail(fault_code::log_corrupt, "open list",
                  to_string(stream_of(promotion)) + ": the sum of the list overflows");
    if (scope->sealed && !find_kept(promotion, &*scope->sealed))
      return fail(fault_code::log_corrupt, "open list",
                  to_string(stream_of(promotion)) + ": the facts give list_sha256 " +
                      to_hex(built->list->totals().list_sha256) + ", sealed was " +
                      to_hex(scope->sealed->list_sha256));
    return std::move(built->list);
  }

  auto build_customers(const event_log& log, promotion_id promotion)
      -> result<std::shared_ptr<const customer_run>> override {
    return customers_.build(log, promotion);
  }
  auto customers(const event_log& log, promotion_id promotion, const sha256_digest& list_sha256)
      -> result<std::shared_ptr<const customer_run>> override {
    return customers_.open(log, promotion, list_sha256);
  }

  void cancel_builds() override { cancelled_ = true; }

 private:
  struct entry {
    std::shared_ptr<const target_list> list;
    bool equals_sealed{false};  ///< Compared with the list_sealed fact; until then not answered.
    std::uint64_t used{0};
  };

  [[nodiscard]] auto folder_of(promotion_id promotion) const -> std::string {
    return directory_ + "/" + std::to_string(promotion.value);
  }
  [[nodiscard]] auto path_of(promotion_id promotion) const -> std::string {
    return directory_.empty() ? std::string{} : folder_of(promotion) + "/list";
  }

  /// The kept list when it is known to be the sealed one, or now shown to be by `sealed`.
  auto find_kept(promotion_id promotion, const list_sealed* sealed)
      -> std::shared_ptr<const target_list> {
    const std::scoped_lock lock{mutex_};
    const auto at = kept_.find(promotion);
    if (at == kept_.end()) return nullptr;
    auto& e = at->second;
    if (!e.equals_sealed && sealed != nullptr) e.equals_sealed = e.list->totals() == *sealed;
    if (!e.equals_sealed) return nullptr;
    e.used = ++uses_;
    return e.list;
  }

  void keep(promotion_id promotion, std::shared_ptr<const target_list> list, bool equals_sealed) {
    const std::scoped_lock lock{mutex_};
    kept_[promotion] = {std::move(list), equals_sealed, ++uses_};
    if (kept_.size() <= limits::live_promotions_max) return;
    auto oldest = kept_.begin();
    for (auto e = kept_.begin(); e != kept_.end(); ++e)
      if (e->second.used < oldest->second.used) oldest = e;
    kept_.erase(oldest);
  }

  auto open_file(promotion_id promotion) const -> result<std::shared_ptr<const target_list>> {
    if (directory_.empty())
      return fail(fault_code::file_io_failed, "open list", "lists are kept in memory");
    auto file = mapped_file::open(path_of(promotion), mapped_file::access::read_only);
    if (!file) return tl::unexpected{std::move(file).error()};
    return open_list(std::move(*file), promotion, false);
  }

  auto build_and_keep(const event_log& log, list_scope scope) -> result<built_list> {
    scope.cancelled = &cancelled_;
    // One build at a time: each wants the disk and a core for itself, and scratch names are fixed.
    const std::scoped_lock lock{building_};
    const auto promotion = scope.created.promotion;
    if (!directory_.empty())
      if (auto made = make_directories(folder_of(promotion)); !made)
        return tl::unexpected{std::move(made).error()};
    auto built = build_list(log, scope, path_of(promotion));
    if (built && built->list) keep(promotion, built->list, false);
    return built;
  }

  std::string directory_;
  std::atomic<bool> cancelled_{false};
  customer_runs customers_;
  std::mutex building_;
  std::mutex mutex_;  ///< Guards what follows.
  std::map<promotion_id, entry> kept_;
  std::uint64_t uses_{0};
};

}  // namespace

auto make_target_lists(std::string directory) -> result<std::unique_ptr<target_lists>> {
  if (!directory.empty())
    if (auto made = make_directories(directory); !made)
      return tl::unexpected{std::move(made).error()};
  return std::make_unique<cached_target_lists>(std::move(directory));
}

}  // namespace bestow::store
