// The courier: carries asynchronous imports from foreign threads to promotions, in order.
#pragma once

#include <caf/all.hpp>

#include "actors/host.hpp"

namespace bestow::actors {

/// Bound: the caller's own limits::import_chunks_in_flight.
struct carry_import {
  promotion_id promotion{};
  std::shared_ptr<import_chunk> chunk;
  std::function<void(outcome<chunk_receipt>)> done;
};

[[nodiscard]] auto run_courier(caf::event_based_actor* self, context_ptr context) -> caf::behavior;

}  // namespace bestow::actors
BESTOW_LOCAL_MESSAGE(carry_import)
