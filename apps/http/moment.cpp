#include "apps/http/moment.hpp"

#include <fmt/format.h>

#include "apps/http/fresh.hpp"
#include "domain/target_row.hpp"
#include "events/limits.hpp"

namespace bestow::http {
namespace {

auto problem_of_past(const projections::refused_read& why) -> problem {
  using enum projections::read_refusal;
  if (const auto* f = std::get_if<fault>(&why)) return problem_of(*f);
  switch (std::get<projections::read_refusal>(why)) {
    case busy:
      return problem_of(
          request_error::as_of_busy,
          fmt::format("{} are being worked out, which is the limit", limits::as_of_folds_max));
    case takes_too_long:
      return problem_of(request_error::as_of_takes_too_long,
                        fmt::format("it was given up after {} ms", limits::as_of_within.count()));
    case stopping:
      break;
  }
  return problem_of(fault{fault_code::shutting_down, action_for(fault_code::shutting_down),
                          "past_views", "the server stops"});
}

/// When the log's first fact was recorded; nullopt: it is empty.
auto first_recorded(const store::event_log& log) -> result<std::optional<timestamp>> {
  std::optional<timestamp> first;
  const auto seen = log.read({}, {{}, 1}, [&](const store::stored_event& e) {
    first = e.recorded_at;
    return false;
  });
  if (!seen) return tl::unexpected{seen.error()};
  return first;
}

}  // namespace

auto read_as_of(const http_parts& parts, const request& in)
    -> checked_value<std::optional<past_time>> {
  if (!in.has_query("as_of")) return std::nullopt;
  const auto text = in.query_value("as_of");
  const auto time = domain::parse_time(text);
  if (!time)
    return tl::unexpected(problem_of(
        request_error::query_invalid,
        fmt::format("as_of is '{}'; allowed are RFC 3339 (2026-01-21T10:30:00+09:00; in a URL + is "
                    "%2B) and, meaning Asia/Seoul, yyyyMMddHHmmss, yyyy-MM-dd HH:mm:ss, "
                    "yyyy-MM-ddTHH:mm:ss",
                    shown(text)),
        "as_of"));
  const auto now = parts.time->wall();
  if (*time > now)
    return tl::unexpected(
        problem_of(request_error::as_of_in_the_future,
                   fmt::format("as_of is {}; now is {}", domain::to_rfc3339(*time),
                               domain::to_rfc3339(now)),
                   "as_of"));
  const auto at = projections::position_at(*parts.log, *time);
  if (!at) return tl::unexpected(problem_of(at.error()));
  if (at->value > 0) return past_time{*time, *at};
  const auto first = first_recorded(*parts.log);
  if (!first) return tl::unexpected(problem_of(first.error()));
  return tl::unexpected(problem_of(
      request_error::as_of_before_the_log,
      *first ? fmt::format("as_of is {}; the first fact was recorded at {}",
                           domain::to_rfc3339(*time), domain::to_rfc3339(**first))
             : "the log is empty",
      "as_of"));
}

auto past_moment(const http_parts& parts, const past_time& when, const needed_rows& rows)
    -> checked_value<moment> {
  auto found = parts.past->at({rows.views, rows.promotion, when.at},
                              [&] { return !parts.state->stopping.load(); });
  if (!found) return tl::unexpected(problem_of_past(found.error()));
  return moment{&(*found)->answers(), &(*found)->views(), when.time, std::move(*found)};
}

auto moment_of(const http_parts& parts, const request& in, const needed_rows& rows)
    -> checked_value<moment> {
  const auto when = read_as_of(parts, in);
  if (!when) return tl::unexpected(when.error());
  if (*when) return past_moment(parts, **when, rows);
  for (const auto& view : rows.views)
    if (auto p = wait_fresh(parts, in, view)) return tl::unexpected(std::move(*p));
  return moment{parts.answers, parts.views, {}, nullptr};
}

auto find_promotion(const moment& at, promotion_id id)
    -> checked_value<projections::answer<projections::promotion_row>> {
  auto found = at.answers->promotion(id);
  if (!found) return tl::unexpected(problem_of(found.error()));
  if (found->value)
    return projections::answer<projections::promotion_row>{std::move(*found->value), found->as_of};
  const auto detail =
      at.asked.value == 0
          ? fmt::format("there is no promotion {}", id.value)
          : fmt::format("there was no promotion {} at {}", id.value, domain::to_rfc3339(at.asked));
  return tl::unexpected(
      problem_of(domain::refusal{domain::rejection::promotion_not_found, detail}));
}

}  // namespace bestow::http
