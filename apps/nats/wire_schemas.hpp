// The messages of the grant streams as JSON Schema, for AsyncAPI. Private to apps/nats.
#pragma once

#include <nlohmann/json.hpp>

namespace bestow::commands {

using nlohmann::ordered_json;

/// Schemas by name: VoucherGrant, PointGrant, VoucherRecall, PointRecall, VoucherResult,
/// PointResult, StreamIdentity, DeadLetter, ServicePing, ServiceInfo, ServiceStats.
[[nodiscard]] auto wire_schemas() -> ordered_json;

}  // namespace bestow::commands
