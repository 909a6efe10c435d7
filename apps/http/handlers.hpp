// Every handler of the route table, by file. Each answers or says why not; none throws.
// Threads: any.
#pragma once

#include "apps/http/http_types.hpp"

namespace bestow::http {

// promotions.cpp: commands
[[nodiscard]] auto create_promotion(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto seal_promotion(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto approve_promotion(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto start_promotion(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto stop_promotion(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto resume_promotion(const http_parts& parts, const request& in) -> answer;

// promotion_life.cpp: what surrounds the runs
[[nodiscard]] auto schedule_promotion(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto cancel_promotion(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto close_promotion(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto retry_promotion(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto recall_promotion(const http_parts& parts, const request& in) -> answer;

// reads.cpp: questions about promotions and targets
[[nodiscard]] auto list_promotions(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto show_promotion(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto list_partitions(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto list_targets(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto show_target(const http_parts& parts, const request& in) -> answer;

// customers.cpp
[[nodiscard]] auto trace_customer(const http_parts& parts, const request& in) -> answer;

// imports.cpp
[[nodiscard]] auto import_targets(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto read_rejects(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto abandon_batch(const http_parts& parts, const request& in) -> answer;

// results.cpp: dead letters
[[nodiscard]] auto list_dead_letters(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto show_dead_letter(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto retry_dead_letter(const http_parts& parts, const request& in) -> answer;

// result_imports.cpp
[[nodiscard]] auto import_results(const http_parts& parts, const request& in) -> answer;

// reconcile.cpp
[[nodiscard]] auto reconcile_results(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto reconcile_ledger(const http_parts& parts, const request& in) -> answer;

// logs.cpp
[[nodiscard]] auto read_log(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto stat_log(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto verify_log(const http_parts& parts, const request& in) -> answer;

// evidence.cpp
[[nodiscard]] auto export_log(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto prove_target(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto create_backup(const http_parts& parts, const request& in) -> answer;

// bundle.cpp
[[nodiscard]] auto debug_bundle(const http_parts& parts, const request& in) -> answer;

// views.cpp
[[nodiscard]] auto list_views(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto rebuild_view(const http_parts& parts, const request& in) -> answer;

// exports.cpp
[[nodiscard]] auto export_view(const http_parts& parts, const request& in) -> answer;

// streams.cpp: the broker's streams
[[nodiscard]] auto list_streams(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto adopt_stream(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto rebuild_stream(const http_parts& parts, const request& in) -> answer;

// stream.cpp
[[nodiscard]] auto stream_events(const http_parts& parts, const request& in) -> answer;

// health.cpp, metrics.cpp, openapi.cpp, status_page.cpp
[[nodiscard]] auto healthz(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto readyz(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto metrics(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto openapi(const http_parts& parts, const request& in) -> answer;
[[nodiscard]] auto status_page(const http_parts& parts, const request& in) -> answer;

}  // namespace bestow::http
