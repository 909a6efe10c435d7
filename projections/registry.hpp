// Every view of the program, one line each. A new view is its file pair and a line here; table,
// checkpoint, rebuild, lag and the generic tests come with it.
#pragma once

#include <array>

#include "projections/customer_grants.hpp"
#include "projections/partition_progress.hpp"
#include "projections/promotion_summary.hpp"
#include "projections/reconciliation.hpp"
#include "projections/target_status.hpp"
#include "projections/view.hpp"

namespace bestow::projections {

/// In the order in which names() and status() list them.
[[nodiscard]] inline auto registered_views() {
  return std::array{
      define<promotion_summary>(),
      define<partition_progress>(),
      define<target_status>(),
      define<reconciliation>(),
      define<customer_grants>(),
  };
}

}  // namespace bestow::projections
