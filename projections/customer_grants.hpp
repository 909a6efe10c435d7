// In which sealed lists a customer stands. Answers `customer trace`.
//
// The customers themselves are not rows: each sealed list has one sorted, immutable, mapped run
// (store/customer_run.hpp), written when the view folds its list_sealed. What became of a target is
// looked up in its partition's facts. Key: 'p', promotion, big-endian. Value: what tells the run
// apart and which customers it spans.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "events/promotion.hpp"
#include "projections/view.hpp"
#include "store/customer_run.hpp"

namespace bestow::projections {

/// A sealed list.
struct customer_grants_row {
  promotion_id promotion{};
  position sealed_at{};
  std::uint64_t count{0};  ///< Targets.
  sha256_digest list_sha256{};
  std::uint64_t run_digest{0};  ///< Of every entry of the run.
  customer_uid lowest{};        ///< 0 when the list is empty.
  customer_uid highest{};
};

struct customer_grants {
  static constexpr std::string_view name = "customer_grants";
  static constexpr std::uint32_t version = 1;  ///< Bump when the row, the run or the fold change.
  using handles = event_list<list_sealed>;

  class fold {
   public:
    fold(store::view_writer& rows, const view_context& context) : rows_{&rows}, context_{context} {}
    /// Writes the list's run: about a second for 5 M targets.
    [[nodiscard]] auto apply(const fact_head& head, const list_sealed& e) -> result<void>;
    [[nodiscard]] auto finish() -> result<void> { return {}; }
    [[nodiscard]] auto load() const -> batch_load { return {targets_, 0}; }

   private:
    store::view_writer* rows_;
    view_context context_;
    std::uint64_t targets_{0};
  };

  /// Visits the lists by ascending promotion above `after` until the visitor returns false.
  /// @fault view_poisoned  a row is damaged
  [[nodiscard]] static auto visit(const store::view_reader& rows, promotion_id after,
                                  const std::function<bool(const customer_grants_row&)>& visitor)
      -> result<void>;
};

}  // namespace bestow::projections
