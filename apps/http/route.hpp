// The HTTP surface as data: dispatch, roles, 404 and 405, OpenAPI and the tests read one table.
// Thread-safe: constant data.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "apps/http/http_types.hpp"

namespace bestow::http {

enum class body_kind : std::uint8_t {
  none,
  json,  ///< May be left out.
  json_required,
  rows,    ///< CSV or NDJSON, streamed.
  ledger,  ///< CSV, streamed.
};
/// Who may call: a role, or anyone even where tokens are configured.
enum class access : std::uint8_t { open, viewer, operate, approver, admin };

using handler = answer (*)(const http_parts&, const request&);

struct route {
  std::string_view method;
  std::string_view pattern;  ///< {x} stands for one path segment.
  access needs{access::viewer};
  body_kind body{body_kind::none};
  std::string_view query;  ///< Allowed parameters, separated by spaces.
  std::string_view summary;
  std::string_view takes;  ///< Schema of the body; "" = none.
  std::string_view gives;  ///< Schema of the answer, or a media type.
  handler run{nullptr};
};
[[nodiscard]] auto route_table() -> std::span<const route>;

struct route_match {
  const route* to{nullptr};
  std::vector<std::string> params;
};
/// The route; or the methods the path has (405); or an empty list (404). HEAD matches GET.
[[nodiscard]] auto match(std::string_view method, std::string_view path)
    -> std::variant<route_match, std::vector<std::string>>;
/// Names in braces, in order.
[[nodiscard]] auto param_names(std::string_view pattern) -> std::vector<std::string>;

/// Answers any request: finds the route, checks origin, token, role, query and body, runs the
/// handler. Never throws.
[[nodiscard]] auto dispatch(const http_parts& parts, request& in) -> response;
/// As dispatch, without counting it among the HTTP requests.
[[nodiscard]] auto answer_request(const http_parts& parts, request& in) -> response;
/// The part of dispatch that needs no body: nullopt = go on. For refusing before a body is sent.
[[nodiscard]] auto refuse_early(const http_parts& parts, const request& in)
    -> std::optional<problem>;

}  // namespace bestow::http
