// Ids, query parameters and bodies as handlers need them; problems name what is wrong.
// Pure; thread-agnostic.
#pragma once

#include <cstdint>
#include <string_view>

#include "apps/http/field_reader.hpp"
#include "apps/http/http_types.hpp"

namespace bestow::http {

template <class T>
using checked_value = tl::expected<T, problem>;

/// Path parameter `index` as 1..2^63-1.
[[nodiscard]] auto path_id(const request& in, std::size_t index) -> checked_value<std::uint64_t>;
/// Path parameter `index` as a customer_uid, 1..2^64-1.
[[nodiscard]] auto path_uid(const request& in, std::size_t index) -> checked_value<customer_uid>;
/// What a number may be, both ends included.
struct number_range {
  std::uint64_t low;
  std::uint64_t high;
};
/// A query parameter as a number in `range`; `fallback` when absent.
[[nodiscard]] auto query_number(const request& in, std::string_view name, std::uint64_t fallback,
                                number_range range) -> checked_value<std::uint64_t>;
/// `limit`, 1..limits::page_limit_max.
[[nodiscard]] auto page_limit(const request& in) -> checked_value<std::size_t>;
/// The JSON body's fields; none when there is no body.
[[nodiscard]] auto body_fields(const request& in) -> checked_value<field_reader>;
/// Who asks, with Idempotency-Key and the body's hash.
[[nodiscard]] auto caller_of(const request& in) -> checked_value<actors::caller>;
/// First of `text`, cut and cleaned for showing back in a problem.
[[nodiscard]] auto shown(std::string_view text) -> std::string;

}  // namespace bestow::http
