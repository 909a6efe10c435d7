// What the writers and readers of grants share: the payload's names in the order of the wire, and
// the readers of each format. Private to bus/. Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bus/grant_wire.hpp"
#include "events/types.hpp"

namespace bestow::bus {

/// `version` of every envelope.
inline constexpr std::uint64_t envelope_version = 20231010;

[[nodiscard]] inline auto target_field(promotion_type type) -> std::string_view {
  return type == promotion_type::voucher ? "voucherEventTargetId" : "pointEventTargetId";
}

/// Which fields a payload has.
struct payload_shape {
  promotion_type type{promotion_type::point};
  bool extra_fields{false};
  bool recall{false};
};

inline constexpr std::array<std::string_view, 11> voucher_field_names{
    "eventId",      "voucherEventTargetId", "customerUid", "voucherNumber",
    "merchantCode", "merchantBrandCode",    "amount",      "isWithdrawal",
    "validUntil",   "reason",               "partitionKey"};
inline constexpr std::array<std::string_view, 7> point_field_names{
    "eventId", "pointEventTargetId", "customerUid", "amount", "expiryAt", "reason", "partitionKey"};

/// In the order of the wire. A recall names the grant by its key and has no attempt of its own.
[[nodiscard]] inline auto payload_names(const payload_shape& shape)
    -> std::vector<std::string_view> {
  std::vector<std::string_view> names;
  if (shape.type == promotion_type::voucher)
    names.assign(voucher_field_names.begin(), voucher_field_names.end());
  else
    names.assign(point_field_names.begin(), point_field_names.end());
  if (shape.recall) names.insert(names.end(), {"recallReason", "recallId"});
  if (shape.extra_fields) names.push_back("idempotencyKey");
  if (shape.extra_fields && !shape.recall) names.push_back("attempt");
  return names;
}

/// The topic of a release's envelope and, with a partition, of its subject.
[[nodiscard]] auto topic_of(const targets_released& release) -> std::string;

/// The digits without their point, when `text` is `[0-9]+(\.[0-9]+)?` and fits 63 bits.
[[nodiscard]] auto minor_units(std::string_view text) -> std::optional<money_minor>;

/// Both wires in JSON. @returns as decode_grants; `out` may hold some of the grants after a refusal
[[nodiscard]] auto decode_json_grants(std::string_view json, std::vector<decoded_grant>& out)
    -> std::string;
/// The batch wire in msgpack, the same way.
[[nodiscard]] auto decode_packed_grants(std::string_view bytes, std::vector<decoded_grant>& out)
    -> std::string;

}  // namespace bestow::bus
