// The log over HTTP: facts, figures, and verification in a process of its own.
#include <algorithm>

#include <fmt/format.h>

#include "apps/http/fact_json.hpp"
#include "apps/http/handlers.hpp"
#include "apps/http/input.hpp"
#include "apps/http/json_writer.hpp"
#include "apps/system/data_layout.hpp"
#include "events/limits.hpp"
#include "store/verify_child.hpp"

namespace bestow::http {
namespace {

auto read_positions(const http_parts& parts, std::uint64_t from, std::size_t limit) -> answer {
  json_writer w;
  w.begin_object().key("facts").begin_array();
  store::read_options options;
  options.events_max = limit;
  const auto seen = parts.log->read({from - 1}, options, [&](const store::stored_event& e) {
    write_fact(w, e);
    return true;
  });
  if (!seen) return tl::unexpected(problem_of(seen.error()));
  const auto head = parts.log->head().last;
  w.end_array();
  if (*seen < head)
    w.count("next", seen->value + 1);
  else
    w.key("next").null();
  w.count("as_of_position", head.value).end_object();
  return json_response(w.take());
}

auto read_one_stream(const http_parts& parts, const stream_id& stream, std::uint64_t from,
                     std::size_t limit) -> answer {
  json_writer w;
  w.begin_object().key("facts").begin_array();
  store::read_options options;
  options.events_max = limit;
  const auto seen =
      parts.log->read_stream(stream, {from - 1}, options, [&](const store::stored_event& e) {
        write_fact(w, e);
        return true;
      });
  if (!seen) return tl::unexpected(problem_of(seen.error()));
  const auto version = parts.log->version_of(stream);
  if (!version) return tl::unexpected(problem_of(version.error()));
  w.end_array();
  if (*seen < *version)
    w.count("next", seen->value + 1);
  else
    w.key("next").null();
  w.count("as_of_position", parts.log->head().last.value).end_object();
  return json_response(w.take());
}

}  // namespace

auto read_log(const http_parts& parts, const request& in) -> answer {
  auto limit = page_limit(in);
  if (!limit) return tl::unexpected(std::move(limit.error()));
  auto from = query_number(in, "from", 1, {1, ~0ULL});
  if (!from) return tl::unexpected(std::move(from.error()));
  if (!in.has_query("stream")) return read_positions(parts, *from, *limit);
  stream_id stream;
  if (parse_stream_id(in.query_value("stream"), stream))
    return read_one_stream(parts, stream, *from, *limit);
  return tl::unexpected(problem_of(
      request_error::query_invalid,
      fmt::format("stream is '{}'; allowed are promotion-ID, partition-ID-K, delivery-voucher, "
                  "delivery-point",
                  shown(in.query_value("stream"))),
      "stream"));
}

auto stat_log(const http_parts& parts, const request&) -> answer {
  const auto stat = store::stat_of(*parts.log);
  if (!stat) return tl::unexpected(problem_of(stat.error()));
  return json_response(log_stat_json(*stat));
}

auto verify_log(const http_parts& parts, const request&) -> answer {
  if (parts.state->verifying.exchange(true))
    return tl::unexpected(problem_of(request_error::verify_running, "it is under way"));
  // Damage can crash the reader inside LMDB: a child takes that blow, not the service.
  const auto report =
      store::verify_in_child(apps::data_layout{parts.settings->data.dir}.log, [](std::uint64_t) {});
  parts.state->verifying = false;
  if (!report) return tl::unexpected(problem_of(report.error()));
  return json_response(verify_json(*report));
}

}  // namespace bestow::http
