#include "apps/http/problem.hpp"

#include <array>

#include <spdlog/spdlog.h>

#include "apps/http/json_writer.hpp"
#include "events/fault_table.hpp"

namespace bestow::http {
namespace {

using enum request_error;

constexpr auto rows = std::to_array<request_error_row>({
    {route_unknown, "route_unknown", 404, "There is nothing at this path.",
     "See /openapi.json for every path."},
    {method_not_allowed, "method_not_allowed", 405, "The path exists, but not with this method.",
     "Use a method that the Allow header names."},
    {token_missing, "token_missing", 401, "The server wants a token and the request has none.",
     "Send Authorization: Bearer TOKEN; on the command line --token or BESTOW_TOKEN."},
    {token_unknown, "token_unknown", 401, "The token is not one of the configured ones.",
     "Check the token, and its SHA-256 under [[http.tokens]]."},
    {role_insufficient, "role_insufficient", 403, "The token's role does not allow this.",
     "Use a token whose role does; the detail names it."},
    {origin_refused, "origin_refused", 403,
     "The request comes from a web page of another origin, or names a host that is not this one.",
     "Call the API from a program, or from the server's own pages."},
    {media_type_unsupported, "media_type_unsupported", 415,
     "The body's Content-Type is not one that this path takes.",
     "Send application/json; for imports text/csv or application/x-ndjson."},
    {body_too_large, "body_too_large", 413, "The body is larger than [http] body_max.",
     "Send less at once, or raise body_max. Imported files have no limit."},
    {body_missing, "body_missing", 400, "The path wants a body and there is none.",
     "Send the body with its Content-Length or chunked."},
    {body_interrupted, "body_interrupted", 400, "The body ended before it was complete.",
     "Send the request again; an import goes on where it stopped."},
    {json_malformed, "json_malformed", 400, "The body is not valid JSON in UTF-8.",
     "Mend it at the line and column that the detail names."},
    {json_not_an_object, "json_not_an_object", 400, "The body is JSON, but not one object.",
     "Send {...} with the fields of the path."},
    {field_unknown, "field_unknown", 400, "The body has a field that this path does not know.",
     "Remove it, or use one of the names in the detail."},
    {field_repeated, "field_repeated", 400, "The body names a field twice.",
     "Give each field once."},
    {field_wrong_type, "field_wrong_type", 400, "A field's value has the wrong type.",
     "Ids and money are strings of digits or integers, never fractions; times are text."},
    {field_out_of_range, "field_out_of_range", 400, "A field's value is outside what is allowed.",
     "Use a value that the detail allows."},
    {field_required, "field_required", 400, "A field that must be there is not.", "Add it."},
    {query_unknown, "query_unknown", 400, "A query parameter that this path does not know.",
     "Remove it, or use one of the names in the detail."},
    {query_invalid, "query_invalid", 400, "A query parameter's value is not allowed.",
     "Use a value that the detail allows."},
    {id_invalid, "id_invalid", 400, "An id in the path is not a number from 1 to 2^63-1.",
     "Use the id as `bestow promotion list` shows it."},
    {idempotency_key_invalid, "idempotency_key_invalid", 400,
     "The Idempotency-Key is empty, too long or not printable ASCII.",
     "Send 1 to 255 printable characters, new for each new wish."},
    {uri_too_long, "uri_too_long", 414, "The path and query are too long.",
     "Stay below 2,048 characters."},
    {header_too_large, "header_too_large", 431,
     "A header field is longer than 8,192 bytes, or the header did not arrive whole in time.",
     "Send shorter header fields, within [http] read_timeout."},
    {request_malformed, "request_malformed", 400, "The request is not valid HTTP.",
     "Check the client; a proxy in between may have damaged the request."},
    {target_not_found, "target_not_found", 404, "The promotion has no target with this id.",
     "List its targets with `bestow target list PROMOTION`. Targets are visible from seal on."},
    {view_not_found, "view_not_found", 404, "There is no view with this name.",
     "See `bestow view list`."},
    {stream_not_found, "stream_not_found", 404, "Bestow publishes to no stream of this name.",
     "See `bestow nats list`."},
    {rejects_not_found, "rejects_not_found", 404, "There is no rejects file of this batch.",
     "A batch has one when it was imported to its end, or strict, and had bad rows. Sending the "
     "batch again writes it anew."},
    {letter_not_found, "letter_not_found", 404, "There is no dead letter with this number.",
     "See `bestow result dead list`."},
    {letter_still_dead, "letter_still_dead", 409,
     "The letter was tried again and its result still cannot be used.",
     "The detail says why, and the letter that now stands for it: mend it, then retry that one."},
    {too_many_viewers, "too_many_viewers", 503, "The stream has as many viewers as it can serve.",
     "Close one, or try again later."},
    {verify_running, "verify_running", 503, "The log is already being verified.",
     "Wait for it to end and ask again."},
    {reconcile_running, "reconcile_running", 503, "Another reconciliation is running.",
     "Wait for it to end and ask again."},
    {ledger_malformed, "ledger_malformed", 400, "The payer's ledger cannot be read.",
     "Send CSV with the header target_id,amount and one line for each payment."},
    {not_sealed_yet, "not_sealed_yet", 409, "There is no sealed list to compare with.",
     "Seal the promotion first."},
    {command_unknown, "command_unknown", 404, "There is no command on this NATS subject.",
     "See docs/reference/commands.md for every command."},
    {answer_too_large, "answer_too_large", 413,
     "The answer does not fit into one message of the broker.",
     "Ask for a smaller page with limit, or over HTTP."},
    {backup_running, "backup_running", 503, "Another backup is being made.",
     "Wait for it to end and ask again."},
    {backup_directory_taken, "backup_directory_taken", 409,
     "The directory is not empty, is no directory, or lies inside the data directory: a backup "
     "overwrites nothing and is no part of what it copies.",
     "Name a directory outside of it that does not exist yet, for example with today's date."},
    {customer_not_found, "customer_not_found", 404,
     "No sealed list of any promotion has this customer.",
     "Check the customer_uid. A customer of an unsealed list is found once it is sealed."},
    {customer_has_too_many_targets, "customer_has_too_many_targets", 409,
     "The customer has more targets than one trace follows.",
     "Look at one promotion: `bestow view export target_status`, or `bestow target show`."},
    {as_of_in_the_future, "as_of_in_the_future", 400, "as_of names a time that is yet to come.",
     "Use an earlier time, or leave as_of out for what stands now."},
    {as_of_before_the_log, "as_of_before_the_log", 400,
     "as_of names a time before the log's first fact: nothing had happened.",
     "Use a time from the first fact on; the detail names it."},
    {as_of_busy, "as_of_busy", 503,
     "As many answers of earlier moments are being worked out as the server allows.",
     "Ask again in a few seconds."},
    {as_of_takes_too_long, "as_of_takes_too_long", 503,
     "The answer of the earlier moment could not be worked out in the time that it may take.",
     "Ask about one promotion, or ask again when the server has less to do."},
    {exports_busy, "exports_busy", 503, "As many exports are under way as the server allows.",
     "Ask again when one has ended."},
    {trace_takes_too_long, "trace_takes_too_long", 503,
     "The customer's trace could not be put together in the time that it may take.",
     "Ask again when the server has less to do, or look at one promotion: `bestow target show`."},
});

auto meaning_of(fault_code c) -> std::string_view {
  for (const auto& row : fault_table())
    if (row.code == c) return row.meaning;
  return "";
}

}  // namespace

auto request_error_table() -> std::span<const request_error_row> {
  return rows;
}

auto name_of(request_error e) -> std::string_view {
  return rows[static_cast<std::size_t>(e)].name;
}

auto to_json(const problem& p) -> std::string {
  json_writer w;
  w.begin_object()
      .field("type", "urn:bestow:problem:" + p.code)
      .field("title", p.title)
      .count("status", p.status)
      .field("code", p.code)
      .field("detail", p.detail);
  if (!p.field.empty()) w.field("field", p.field);
  if (p.line) w.count("line", *p.line);
  if (!p.open_batch.empty()) w.field("open_batch", p.open_batch);
  if (!p.import.empty()) w.key("import").raw(p.import);
  if (p.as_of) w.count("as_of_position", p.as_of->value);
  w.end_object();
  return w.take();
}

auto problem_of(request_error e, std::string detail, std::string field) -> problem {
  const auto& row = rows[static_cast<std::size_t>(e)];
  problem p;
  p.status = row.http_status;
  p.code = std::string{row.name};
  p.title = std::string{row.meaning};
  p.detail = std::move(detail);
  p.field = std::move(field);
  return p;
}

auto problem_of(const domain::refusal& r) -> problem {
  problem p;
  p.status = 409;
  p.code = std::string{domain::name_of(r.why)};
  for (const auto& row : domain::rejection_table()) {
    if (row.code != r.why) continue;
    p.status = row.http_status;
    p.title = std::string{row.meaning};
  }
  p.detail = r.detail;
  return p;
}

auto http_status_of(fault_code c) -> std::uint16_t {
  switch (c) {
    case fault_code::outcome_unknown:
      return 504;
    case fault_code::overloaded:
    case fault_code::view_behind:
    case fault_code::shutting_down:
    case fault_code::broker_unavailable:
    case fault_code::broker_stream_behind:
      return 503;
    case fault_code::log_full:
    case fault_code::broker_stream_full:
      return 507;
    case fault_code::version_conflict:
      return 409;
    case fault_code::broker_stream_foreign:
    case fault_code::broker_stream_ahead:
    case fault_code::broker_stream_damaged:
    case fault_code::broker_stream_missing:
    case fault_code::broker_stream_purged:
    case fault_code::broker_stream_differs:
    case fault_code::broker_stream_misconfigured:
    case fault_code::broker_access_refused:
    case fault_code::broker_version_unsupported:
    case fault_code::log_io_failed:
    case fault_code::log_corrupt:
    case fault_code::log_rolled_back:
    case fault_code::log_locked:
    case fault_code::log_version_unknown:
    case fault_code::file_io_failed:
    case fault_code::view_poisoned:
    case fault_code::bad_config:
    case fault_code::internal:
      return 500;
  }
  return 500;
}

auto problem_of(const fault& f) -> problem {
  spdlog::warn("answering {}", to_string(f));
  problem p;
  p.status = http_status_of(f.code);
  p.code = std::string{name_of(f.code)};
  p.title = std::string{meaning_of(f.code)};
  for (const auto& row : fault_table())
    if (row.code == f.code) p.detail = std::string{row.remedy};
  return p;
}

auto problem_of(const actors::trouble& t) -> problem {
  return std::visit([](const auto& what) { return problem_of(what); }, t);
}

}  // namespace bestow::http
