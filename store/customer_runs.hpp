// The runs of sealed customers under one directory, mapped when first asked for. Private to store/.
//
// Threads: any; one build at a time.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "events/result.hpp"
#include "events/types.hpp"
#include "store/customer_run.hpp"
#include "store/event_log.hpp"

namespace bestow::store {

class customer_runs {
 public:
  /// <directory>/<promotion>/customers; "" = anonymous memory. When `cancelled` becomes true every
  /// build ends with shutting_down.
  customer_runs(const std::string& directory, const std::atomic<bool>& cancelled)
      : directory_{directory}, cancelled_{&cancelled} {}

  /// Faults as customer_run::build.
  [[nodiscard]] auto build(const event_log& log, promotion_id promotion)
      -> result<std::shared_ptr<const customer_run>>;
  /// From the cache, the file, or built anew.
  [[nodiscard]] auto open(const event_log& log, promotion_id promotion,
                          const sha256_digest& list_sha256)
      -> result<std::shared_ptr<const customer_run>>;

 private:
  struct entry {
    std::shared_ptr<const customer_run> run;
    std::uint64_t used{0};
  };
  [[nodiscard]] auto path_of(promotion_id promotion) const -> std::string;
  [[nodiscard]] auto kept(promotion_id promotion, const sha256_digest& list_sha256)
      -> std::shared_ptr<const customer_run>;
  void keep(promotion_id promotion, std::shared_ptr<const customer_run> run);

  std::string directory_;
  const std::atomic<bool>* cancelled_;
  std::mutex building_;
  std::mutex mutex_;  ///< Guards what follows.
  std::map<promotion_id, entry> kept_;
  std::uint64_t uses_{0};
};

}  // namespace bestow::store
