// Problem documents (RFC 9457): every "no" and every failure of the HTTP surface, one shape.
//
// `code` is the name of a rejection, of a fault, or of a request error below; all three stand in
// `bestow explain`. Details speak of the caller's input only: never of paths, hosts or customers.
// Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "actors/engine.hpp"
#include "domain/rejection.hpp"
#include "events/result.hpp"

namespace bestow::http {

/// What can be wrong with a request before any rule of the domain is asked.
enum class request_error : std::uint8_t {
  route_unknown,
  method_not_allowed,
  token_missing,
  token_unknown,
  role_insufficient,
  origin_refused,
  media_type_unsupported,
  body_too_large,
  body_missing,
  body_interrupted,
  json_malformed,
  json_not_an_object,
  field_unknown,
  field_repeated,
  field_wrong_type,
  field_out_of_range,
  field_required,
  query_unknown,
  query_invalid,
  id_invalid,
  idempotency_key_invalid,
  uri_too_long,
  header_too_large,
  request_malformed,
  target_not_found,
  view_not_found,
  stream_not_found,
  rejects_not_found,
  letter_not_found,
  letter_still_dead,
  too_many_viewers,
  verify_running,
  reconcile_running,
  ledger_malformed,
  not_sealed_yet,
  command_unknown,
  answer_too_large,
  backup_running,
  backup_directory_taken,
  customer_not_found,
  customer_has_too_many_targets,
  as_of_in_the_future,
  as_of_before_the_log,
  as_of_busy,
  as_of_takes_too_long,
  exports_busy,
  trace_takes_too_long,
};
struct request_error_row {
  request_error code;
  std::string_view name;
  std::uint16_t http_status;
  std::string_view meaning;
  std::string_view remedy;
};
/// In enum order.
[[nodiscard]] auto request_error_table() -> std::span<const request_error_row>;
[[nodiscard]] auto name_of(request_error e) -> std::string_view;

struct problem {
  std::uint16_t status{500};
  std::string code;
  std::string title;   ///< The code's meaning: the same text every time.
  std::string detail;  ///< What was wrong this time.
  std::string field;   ///< "" = none.
  std::optional<std::uint64_t> line;
  std::optional<position> as_of;
  std::string allow;  ///< For 405: the header's value.
  std::string open_batch;  ///< An import that can be gone on with or given up; "" = none.
  std::string import;      ///< JSON of what a refused strict import found; "" = none.
};
[[nodiscard]] auto to_json(const problem& p) -> std::string;

[[nodiscard]] auto problem_of(request_error e, std::string detail, std::string field = {})
    -> problem;
[[nodiscard]] auto problem_of(const domain::refusal& r) -> problem;
/// The fault's own detail may name paths and hosts: it goes to the program's log, not into the
/// answer.
[[nodiscard]] auto problem_of(const fault& f) -> problem;
[[nodiscard]] auto problem_of(const actors::trouble& t) -> problem;
[[nodiscard]] auto http_status_of(fault_code c) -> std::uint16_t;

}  // namespace bestow::http
