// Identities and units every other folder speaks in.
//
// Promise: two quantities of different meaning never share a type, so the compiler refuses to
// mix them. All types are plain values: trivially copyable, totally ordered, thread-agnostic.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace bestow {

/// A number with a name. `Tag` only separates types; `Rep` is what is stored on disk.
template <class Tag, class Rep>
struct strong {
  using rep = Rep;
  Rep value{};
  auto operator<=>(const strong&) const = default;
};

/// A promotion, 1..2^53-1 when assigned by Bestow, 1..2^63-1 when given by another system.
using promotion_id = strong<struct promotion_id_tag, std::uint64_t>;
/// The paying system's id of one target, 1..2^63-1, unique inside its promotion.
using target_id = strong<struct target_id_tag, std::uint64_t>;
/// A customer as the caller's systems know it; pseudonymous.
using customer_uid = strong<struct customer_uid_tag, std::uint64_t>;
/// Partition of a promotion, 0..partition_count-1: the unit of order and of parallel work.
using partition_no = strong<struct partition_no_tag, std::uint16_t>;
/// Dense index of a target inside its partition, in list order (ascending target id).
using target_ordinal = strong<struct target_ordinal_tag, std::uint32_t>;
/// One fenced execution of a promotion, from 1; 0 means "never run".
using run_no = strong<struct run_no_tag, std::uint32_t>;
/// Which try of a target this is, from 1.
using attempt_no = strong<struct attempt_no_tag, std::uint16_t>;
/// One recall of a promotion, from 1; 0 means "none".
using recall_no = strong<struct recall_no_tag, std::uint32_t>;
/// Place of an event in the log, from 1, gapless; 0 means "before the first event".
using position = strong<struct position_tag, std::uint64_t>;
/// Number of events in one stream, from 1; 0 means "the stream does not exist".
using stream_version = strong<struct stream_version_tag, std::uint64_t>;
/// Money in minor units of the promotion's currency (KRW has exponent 0: 1 unit = 1 won).
using money_minor = strong<struct money_minor_tag, std::int64_t>;
/// Milliseconds since 1970-01-01T00:00:00Z, UTC. 0 in an optional field means "not given".
using timestamp = strong<struct timestamp_tag, std::int64_t>;

using sha256_digest = std::array<std::byte, 32>;

enum class promotion_type : std::uint8_t { voucher = 1, point = 2 };
enum class approval_policy : std::uint8_t { none = 1, four_eyes = 2 };
enum class grant_wire : std::uint8_t { single = 1, batch = 2 };
/// How a message's bytes are written. The single wire knows only json.
enum class grant_format : std::uint8_t { json = 1, msgpack = 2 };
enum class release_kind : std::uint8_t { grant = 1, retry = 2, recall = 3 };
/// What the paying service said of one attempt.
enum class process_status : std::uint8_t { success = 1, retrying = 2, failed = 3 };
enum class import_format : std::uint8_t { csv = 1, ndjson = 2 };
/// Which targets a run publishes again, besides those never published.
enum class retry_scope : std::uint8_t { none = 1, failed = 2, unknown = 3 };
/// What the paying service said of a recall.
enum class recall_status : std::uint8_t { recalled = 1, failed = 2 };

/// Names of the contract: VOUCHER, POINT, SUCCESS, four_eyes, batch, ... "" for a value outside the
/// enum, which is how the codec refuses one (events/names.cpp).
[[nodiscard]] auto name_of(promotion_type t) -> std::string_view;
[[nodiscard]] auto name_of(approval_policy p) -> std::string_view;
[[nodiscard]] auto name_of(grant_wire w) -> std::string_view;
[[nodiscard]] auto name_of(grant_format f) -> std::string_view;
[[nodiscard]] auto name_of(release_kind k) -> std::string_view;
[[nodiscard]] auto name_of(process_status s) -> std::string_view;
[[nodiscard]] auto name_of(import_format f) -> std::string_view;
[[nodiscard]] auto name_of(retry_scope s) -> std::string_view;
[[nodiscard]] auto name_of(recall_status s) -> std::string_view;

/// The aggregates that own streams. The enumerator's name is the subject token and docs heading.
enum class aggregate : std::uint8_t { promotion = 1, partition = 2, delivery = 3 };
[[nodiscard]] auto name_of(aggregate a) -> std::string_view;

/// Names one stream of the log. promotion: id. partition: id + part. delivery: id = promotion_type.
struct stream_id {
  aggregate kind{aggregate::promotion};
  std::uint64_t id{0};
  std::uint32_t part{0};
  auto operator<=>(const stream_id&) const = default;
};
[[nodiscard]] constexpr auto stream_of(promotion_id p) -> stream_id {
  return {aggregate::promotion, p.value, 0};
}
[[nodiscard]] constexpr auto stream_of(promotion_id p, partition_no k) -> stream_id {
  return {aggregate::partition, p.value, k.value};
}
[[nodiscard]] constexpr auto delivery_stream_of(promotion_type t) -> stream_id {
  return {aggregate::delivery, static_cast<std::uint64_t>(t), 0};
}
/// `promotion-12`, `partition-12-3`, `delivery-voucher`.
[[nodiscard]] auto to_string(const stream_id& s) -> std::string;
/// Reads what to_string writes; false leaves `out` untouched.
[[nodiscard]] auto parse_stream_id(std::string_view text, stream_id& out) -> bool;

[[nodiscard]] auto to_hex(const sha256_digest& d) -> std::string;
/// 64 lower- or upper-case hex digits; false otherwise.
[[nodiscard]] auto from_hex(std::string_view hex, sha256_digest& out) -> bool;

/// RFC 3339 in UTC with milliseconds: "2026-01-21T01:30:00.000Z". Outside the years 0000..9999,
/// which have no such text, the milliseconds as a decimal number.
[[nodiscard]] auto to_rfc3339(timestamp t) -> std::string;

}  // namespace bestow

template <class Tag, class Rep>
struct std::hash<bestow::strong<Tag, Rep>> {
  auto operator()(const bestow::strong<Tag, Rep>& s) const noexcept -> std::size_t {
    return std::hash<Rep>{}(s.value);
  }
};
template <>
struct std::hash<bestow::stream_id> {
  auto operator()(const bestow::stream_id& s) const noexcept -> std::size_t {
    return std::hash<std::uint64_t>{}(s.id * 0x9E3779B97F4A7C15ULL ^
                                      (std::uint64_t{s.part} << 8U) ^
                                      static_cast<std::uint64_t>(s.kind));
  }
};
