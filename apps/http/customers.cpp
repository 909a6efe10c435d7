// What is known of one customer.
#include <charconv>
#include <chrono>
#include <variant>

#include <fmt/format.h>

#include "apps/http/fresh.hpp"
#include "apps/http/handlers.hpp"
#include "apps/http/input.hpp"
#include "apps/http/json_writer.hpp"
#include "apps/http/moment.hpp"
#include "events/limits.hpp"
#include "projections/customer_grants.hpp"
#include "projections/customer_trace.hpp"

namespace bestow::http {
namespace {

/// POSITION, or POSITION.LINES where a page ended inside a fact that touched several targets.
auto read_mark(const request& in) -> checked_value<projections::trace_mark> {
  projections::trace_mark mark;
  const auto text = in.query_value("after");
  if (!in.has_query("after")) return mark;
  const auto* const end = text.data() + text.size();
  auto read = std::from_chars(text.data(), end, mark.at.value);
  if (read.ec == std::errc{} && read.ptr != end && *read.ptr == '.')
    read = std::from_chars(read.ptr + 1, end, mark.lines);
  if (!text.empty() && read.ec == std::errc{} && read.ptr == end) return mark;
  return tl::unexpected(problem_of(
      request_error::query_invalid,
      fmt::format("after is '{}'; give a log position, or the page's next", shown(text)), "after"));
}

auto text_of(const projections::trace_mark& mark) -> std::string {
  if (mark.lines == projections::trace_mark{}.lines) return fmt::to_string(mark.at.value);
  return fmt::format("{}.{}", mark.at.value, mark.lines);
}

auto count_or_null(json_writer& w, std::string_view name, std::uint64_t value) -> json_writer& {
  return value == 0 ? w.key(name).null() : w.count(name, value);
}

void write_line(json_writer& w, const projections::trace_line& line) {
  const auto& fact = line.fact;
  w.begin_object()
      .count("position", fact.at.value)
      .time("recorded_at", fact.recorded_at)
      .id("promotion_id", line.promotion.value)
      .field("promotion_type", name_of(line.type))
      .id("target_id", line.target.value)
      .money("amount", line.amount)
      .field("currency", line.currency)
      .field("event", fact.what)
      .field("detail", fact.detail)
      .text_or_null("batch", line.batch);
  count_or_null(w, "row", line.row);
  count_or_null(w, "run_no", fact.run.value);
  count_or_null(w, "attempt", fact.attempt.value);
  count_or_null(w, "stream_seq", fact.stream_seq);
  w.text_or_null("result", fact.status)
      .text_or_null("transaction_key", fact.transaction_key)
      .text_or_null("error_message", fact.error_message)
      .time("said_at", fact.said_at)
      .end_object();
}

auto problem_of_trace(const projections::refused_read& why) -> problem {
  if (const auto* f = std::get_if<fault>(&why)) return problem_of(*f);
  if (std::get<projections::read_refusal>(why) == projections::read_refusal::takes_too_long)
    return problem_of(request_error::trace_takes_too_long,
                      fmt::format("it was given up after {} ms", limits::as_of_within.count()));
  return problem_of(fault{fault_code::shutting_down, action_for(fault_code::shutting_down),
                          "trace customer", "the server stops"});
}

}  // namespace

auto trace_customer(const http_parts& parts, const request& in) -> answer {
  const auto uid = path_uid(in, 0);
  if (!uid) return tl::unexpected(uid.error());
  const auto limit = page_limit(in);
  if (!limit) return tl::unexpected(limit.error());
  const auto after = read_mark(in);
  if (!after) return tl::unexpected(after.error());
  const auto asked = read_as_of(parts, in);
  if (!asked) return tl::unexpected(asked.error());
  if (auto p = wait_fresh(parts, in, projections::customer_grants::name))
    return tl::unexpected(std::move(*p));
  // Runs of sealed lists never change, so an earlier moment costs no fold.
  const auto until = *asked ? std::optional{(*asked)->at} : std::nullopt;
  const projections::patience time{std::chrono::steady_clock::now() + limits::as_of_within,
                                   [&] { return !parts.state->stopping.load(); }};
  const auto found = projections::trace_customer(*parts.views, *parts.log, *parts.lists,
                                                 {*uid, *after, *limit, until}, time);
  if (!found) return tl::unexpected(problem_of_trace(found.error()));
  const auto& page = found->value;
  if (page.promotions == 0)
    return tl::unexpected(problem_of(request_error::customer_not_found,
                                     fmt::format("no sealed list {} customer {}",
                                                 *asked ? "had by then" : "has", uid->value)));
  if (page.too_many)
    return tl::unexpected(
        problem_of(request_error::customer_has_too_many_targets,
                   fmt::format("customer {} has more than {} targets", uid->value,
                               limits::trace_targets_max)));
  json_writer w;
  w.begin_object()
      .id("customer_uid", uid->value)
      .count("promotion_count", page.promotions)
      .count("target_count", page.targets)
      .key("facts")
      .begin_array();
  for (const auto& line : page.lines) write_line(w, line);
  w.end_array();
  w.text_or_null("next", page.next ? text_of(*page.next) : "");
  w.count("as_of_position", found->as_of.value)
      .time("as_of", *asked ? (*asked)->time : timestamp{})
      .end_object();
  return json_response(w.take());
}

}  // namespace bestow::http
