#include "apps/http/route.hpp"

#include <algorithm>
#include <array>

#include "apps/http/handlers.hpp"

namespace bestow::http {
namespace {

constexpr std::string_view api = "/api/v1";

constexpr auto rows = std::to_array<route>({
    {"POST", "/api/v1/promotions", access::operate, body_kind::json_required, "",
     "Create a promotion. The Idempotency-Key header makes a repeat safe.", "PromotionCreate",
     "Receipt", create_promotion},
    {"GET", "/api/v1/promotions", access::viewer, body_kind::none, "status after limit stale as_of",
     "List promotions by ascending id.", "", "PromotionPage", list_promotions},
    {"GET", "/api/v1/promotions/{id}", access::viewer, body_kind::none, "stale as_of",
     "One promotion with its summary.", "", "Promotion", show_promotion},
    {"POST", "/api/v1/promotions/{id}/targets", access::operate, body_kind::rows,
     "batch format encoding strict dry_run",
     "Import targets: CSV or NDJSON, streamed. Sending a batch again goes on where it stopped. With "
     "strict=1 one bad row voids the batch; with dry_run=1 nothing is kept and the answer is a "
     "DryRun.",
     "text/csv", "ImportResult", import_targets},
    {"GET", "/api/v1/promotions/{id}/batches/{batch}/rejects", access::operate, body_kind::none,
     "after limit",
     "The refused rows of a batch: line, field, code, detail, the original columns. With after or "
     "limit a RejectPage in JSON, without the original columns.", "",
     "text/csv", read_rejects},
    {"DELETE", "/api/v1/promotions/{id}/batches/{batch}", access::operate, body_kind::none,
     "reason", "Give up an open batch: none of its rows count.", "", "Receipt", abandon_batch},
    {"POST", "/api/v1/promotions/{id}/seal", access::operate, body_kind::json, "",
     "Fix the list: count, sum and content.", "Empty", "Receipt", seal_promotion},
    {"POST", "/api/v1/promotions/{id}/approve", access::approver, body_kind::json, "",
     "Approve the sealed list.", "Empty", "Receipt", approve_promotion},
    {"POST", "/api/v1/promotions/{id}/start", access::operate, body_kind::json, "",
     "Start the run.", "Start", "Receipt", start_promotion},
    {"POST", "/api/v1/promotions/{id}/stop", access::operate, body_kind::json, "",
     "Stop: answered when every released message is on the stream.", "Stop", "Receipt",
     stop_promotion},
    {"POST", "/api/v1/promotions/{id}/resume", access::operate, body_kind::json, "",
     "Go on from the exact target.", "Empty", "Receipt", resume_promotion},
    {"POST", "/api/v1/promotions/{id}/schedule", access::operate, body_kind::json, "",
     "Let the approved promotion start itself, also after downtime.", "Schedule", "Receipt",
     schedule_promotion},
    {"POST", "/api/v1/promotions/{id}/cancel", access::operate, body_kind::json, "",
     "Give the promotion up before its first run.", "Reason", "Receipt", cancel_promotion},
    {"POST", "/api/v1/promotions/{id}/close", access::operate, body_kind::json, "",
     "End it for good: what is unpublished is abandoned, no more retry or recall.", "Reason",
     "Receipt", close_promotion},
    {"POST", "/api/v1/promotions/{id}/retry", access::operate, body_kind::json, "",
     "Publish failed (or unknown) targets again, as their next attempts.", "Retry", "Receipt",
     retry_promotion},
    {"POST", "/api/v1/promotions/{id}/recall", access::operate, body_kind::json, "",
     "Take granted targets back by compensating messages.", "Recall", "Receipt",
     recall_promotion},
    {"GET", "/api/v1/promotions/{id}/partitions", access::viewer, body_kind::none, "stale as_of",
     "Progress of each partition.", "", "PartitionList", list_partitions},
    {"GET", "/api/v1/promotions/{id}/targets", access::viewer, body_kind::none,
     "status partition after limit stale as_of", "Targets by ascending id.", "", "TargetPage",
     list_targets},
    {"GET", "/api/v1/promotions/{id}/targets/{target_id}", access::viewer, body_kind::none,
     "stale as_of", "One target with its history.", "", "Target", show_target},
    {"GET", "/api/v1/customers/{uid}/history", access::viewer, body_kind::none, "after limit stale as_of",
     "Every fact that touched one customer, over all sealed lists, in log order.", "",
     "CustomerHistory", trace_customer},
    {"GET", "/api/v1/promotions/{id}/reconciliation", access::viewer, body_kind::none, "",
     "Compare sealed list, published stream and results.", "", "Reconciliation", reconcile_results},
    {"POST", "/api/v1/promotions/{id}/reconciliation", access::viewer, body_kind::ledger, "",
     "Compare sealed list, published stream and the payer's ledger (CSV target_id,amount).",
     "text/csv", "Reconciliation", reconcile_ledger},
    {"POST", "/api/v1/promotions/{id}/results", access::operate, body_kind::rows, "format",
     "Record results from a table: CSV or NDJSON, streamed. Repeats are counted and ignored.",
     "text/csv", "ResultImport", import_results},
    {"GET", "/api/v1/results/dead", access::viewer, body_kind::none, "after limit open",
     "Results that could not be used, oldest first; open=1: those never tried again.", "",
     "DeadLetterPage", list_dead_letters},
    {"GET", "/api/v1/results/dead/{number}", access::operate, body_kind::none, "",
     "One dead letter with its message.", "", "DeadLetter", show_dead_letter},
    {"POST", "/api/v1/results/dead/{number}/retry", access::operate, body_kind::json, "",
     "Try a dead letter's message again. A repeat gets the first answer.", "Empty",
     "DeadLetterRetry", retry_dead_letter},
    {"GET", "/api/v1/log", access::viewer, body_kind::none, "from limit stream",
     "Facts from a position on; with stream, of one stream from a version on.", "", "LogPage",
     read_log},
    {"GET", "/api/v1/log/stat", access::viewer, body_kind::none, "", "Sizes and ages of the log.",
     "", "LogStat", stat_log},
    {"GET", "/api/v1/log/verify", access::admin, body_kind::none, "",
     "Walk the whole hash chain in a process of its own.", "", "VerifyReport", verify_log},
    {"GET", "/api/v1/log/export", access::admin, body_kind::none, "from to format",
     "The log as NDJSON with every frame's bytes, to check the hash chain elsewhere. The last line "
     "has the kind end: without it the export is not whole.",
     "", "application/x-ndjson", export_log},
    {"GET", "/api/v1/promotions/{id}/targets/{target_id}/proof", access::admin, body_kind::none,
     "chain",
     "What the log says of one target, with the frames that say it (NDJSON). chain=facts leaves out "
     "the frames in between.",
     "", "application/x-ndjson", prove_target},
    {"POST", "/api/v1/backups", access::admin, body_kind::json_required, "",
     "Make a verified copy of the log and of the refused rows in a new directory on the server's "
     "machine.",
     "BackupCreate", "Backup", create_backup},
    {"GET", "/api/v1/debug/bundle", access::admin, body_kind::none, "",
     "What a bug report needs: version, settings without secrets, health, figures, streams, the "
     "program's last log lines. No customer data.",
     "", "application/json", debug_bundle},
    {"GET", "/api/v1/views", access::viewer, body_kind::none, "",
     "Every view, its position and its lag.", "", "ViewList", list_views},
    {"GET", "/api/v1/views/{name}/export", access::viewer, body_kind::none,
     "format promotion stale as_of",
     "Every row of a view at one log position, streamed: format=csv or ndjson. Headers name the "
     "position, its frame hash and the log.",
     "", "text/csv", export_view},
    {"POST", "/api/v1/views/{name}/rebuild", access::admin, body_kind::json, "",
     "Build a view again beside the serving one.", "Empty", "View", rebuild_view},
    {"GET", "/api/v1/streams", access::viewer, body_kind::none, "",
     "The JetStream streams that grants and facts are published to, and how they stand.", "", "StreamList",
     list_streams},
    {"POST", "/api/v1/streams/{name}/rebuild", access::admin, body_kind::json, "",
     "Make a damaged stream anew and publish everything planned again, as a new generation; of the "
     "event stream: every fact.",
     "Empty", "StreamRebuild", rebuild_stream},
    {"POST", "/api/v1/streams/{name}/adopt", access::admin, body_kind::json, "",
     "Take grants into the log that the stream holds and the log has lost.", "Empty",
     "StreamAdoption", adopt_stream},
    {"GET", "/api/v1/stream", access::viewer, body_kind::none, "promotion kind",
     "Server-Sent Events: promotions as they change and facts. Last-Event-ID resumes.", "",
     "text/event-stream", stream_events},
    {"GET", "/healthz", access::open, body_kind::none, "", "The process is alive.", "", "Health",
     healthz},
    {"GET", "/readyz", access::open, body_kind::none, "", "The service can do its work.", "",
     "Health", readyz},
    {"GET", "/metrics", access::viewer, body_kind::none, "", "Prometheus metrics.", "",
     "text/plain", metrics},
    {"GET", "/openapi.json", access::viewer, body_kind::none, "", "This description.", "",
     "application/json", openapi},
    {"GET", "/", access::viewer, body_kind::none, "", "Status page.", "", "text/html", status_page},
});
static_assert(rows[0].pattern.starts_with(api));

auto next_segment(std::string_view& path) -> std::string_view {
  path.remove_prefix(1);  // The slash.
  const auto segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

auto hex_digit(char c) -> int {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Percent-decoded (RFC 3986); what is no %XX stays as it is.
auto decoded(std::string_view segment) -> std::string {
  std::string out;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    const bool escape = segment[i] == '%' && i + 2 < segment.size();
    const auto high = escape ? hex_digit(segment[i + 1]) : -1;
    const auto low = escape ? hex_digit(segment[i + 2]) : -1;
    const bool good = high >= 0 && low >= 0;
    out += good ? static_cast<char>(high * 16 + low) : segment[i];
    if (good) i += 2;
  }
  return out;
}

auto fits(std::string_view pattern, std::string_view path, std::vector<std::string>& params)
    -> bool {
  params.clear();
  while (!pattern.empty() && !path.empty()) {
    if (path.front() != '/') return false;
    const auto wanted = next_segment(pattern);
    auto given = decoded(next_segment(path));
    if (wanted.starts_with('{')) {
      if (given.empty()) return false;
      params.push_back(std::move(given));
    } else if (wanted != given) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

}  // namespace

auto route_table() -> std::span<const route> {
  return rows;
}

auto match(std::string_view method, std::string_view path)
    -> std::variant<route_match, std::vector<std::string>> {
  const auto wanted = method == "HEAD" ? "GET" : method;
  std::vector<std::string> methods;
  std::vector<std::string> params;
  for (const auto& r : rows) {
    if (!fits(r.pattern, path, params)) continue;
    if (r.method == wanted) return route_match{&r, std::move(params)};
    if (std::find(methods.begin(), methods.end(), r.method) == methods.end())
      methods.emplace_back(r.method);
  }
  return methods;
}

auto param_names(std::string_view pattern) -> std::vector<std::string> {
  std::vector<std::string> names;
  while (!pattern.empty()) {
    const auto segment = next_segment(pattern);
    if (segment.starts_with('{')) names.emplace_back(segment.substr(1, segment.size() - 2));
  }
  return names;
}

}  // namespace bestow::http
