// The sealed list of a promotion as memory-mapped columns per partition, in list order (ascending
// target id). Built from the log's targets_imported facts of closed batches; immutable; can be
// rebuilt at any time and is never the truth.
//
// Threads: reading from any thread. Anonymous memory: a few pages; the columns are file-backed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "events/promotion.hpp"
#include "events/result.hpp"
#include "events/types.hpp"
#include "store/event_log.hpp"

namespace bestow::store {

/// One target with its defaults resolved. Views live as long as the list.
struct list_row {
  target_id id{};
  customer_uid customer{};
  partition_no partition{};
  money_minor amount{};
  timestamp expiry{};
  std::string_view reason;
  std::string_view voucher_number;
  std::string_view merchant_code;
  std::string_view merchant_brand_code;
  bool is_withdrawal{false};
};

class target_list {
 public:
  target_list() = default;
  target_list(const target_list&) = delete;
  auto operator=(const target_list&) -> target_list& = delete;
  virtual ~target_list() = default;
  [[nodiscard]] virtual auto totals() const -> const list_sealed& = 0;
  [[nodiscard]] virtual auto partition_count() const -> std::uint32_t = 0;
  /// ISO 4217 currency code of the promotion.
  [[nodiscard]] virtual auto currency() const -> std::string_view = 0;
  [[nodiscard]] virtual auto size(partition_no k) const -> std::uint32_t = 0;
  /// Precondition: ordinal < size(k).
  [[nodiscard]] virtual auto row(partition_no k, target_ordinal ordinal) const -> list_row = 0;
  /// Only the amount column is touched.
  [[nodiscard]] virtual auto amount(partition_no k, target_ordinal ordinal) const
      -> money_minor = 0;
  /// Binary search in the partition's ids. nullopt: no such target there.
  [[nodiscard]] virtual auto find(partition_no k, target_id id) const
      -> std::optional<target_ordinal> = 0;
  /// The first ordinal of the partition whose id is not below `id`; size(k) when there is none.
  [[nodiscard]] virtual auto lower_bound(partition_no k, target_id id) const -> target_ordinal = 0;
};

/// Why a build gave no list: a sum above int64, or a row without a value and without a default.
struct list_totals_result {
  list_sealed totals;
  bool total_overflows{false};
};

class customer_run;  // store/customer_run.hpp

class target_lists {
 public:
  target_lists() = default;
  target_lists(const target_lists&) = delete;
  auto operator=(const target_lists&) -> target_lists& = delete;
  virtual ~target_lists() = default;
  /// Reads the promotion's stream, orders the accepted rows of closed batches by target id, writes
  /// the columns aside and renames them into place. Idempotent. Blocks: about a second per 2 M
  /// targets; call off the actor threads that must stay responsive.
  [[nodiscard]] virtual auto build(const event_log& log, promotion_id promotion)
      -> result<list_totals_result> = 0;
  /// The built list, from a cache when already mapped; builds it when its files are missing or
  /// damaged. @fault log_corrupt  the rebuilt hash differs from the sealed one.
  [[nodiscard]] virtual auto open(const event_log& log, promotion_id promotion)
      -> result<std::shared_ptr<const target_list>> = 0;
  /// Every build under way ends at its next fact, and none begins any more: @fault shutting_down.
  /// A sort that has begun is ended first (a second per 10^7 rows). From any thread.
  virtual void cancel_builds() = 0;
  /// Writes the customers of the sealed list as a sorted run, in place of any older one: about a
  /// second per 5 M targets. @fault log_corrupt  the list is not sealed.
  [[nodiscard]] virtual auto build_customers(const event_log& log, promotion_id promotion)
      -> result<std::shared_ptr<const customer_run>> = 0;
  /// The built run of the list with this hash, from a cache when already mapped; builds it when its
  /// file is missing, damaged or of another list. Faults as build_customers.
  [[nodiscard]] virtual auto customers(const event_log& log, promotion_id promotion,
                                       const sha256_digest& list_sha256)
      -> result<std::shared_ptr<const customer_run>> = 0;
};

/// Files under <directory>/<promotion>/. With an empty directory the columns live in anonymous
/// memory (tests, simulator).
[[nodiscard]] auto make_target_lists(std::string directory)
    -> result<std::unique_ptr<target_lists>>;

}  // namespace bestow::store
