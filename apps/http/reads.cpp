// Questions about promotions, partitions and targets.
#include <array>

#include <fmt/format.h>

#include "apps/http/handlers.hpp"
#include "apps/http/input.hpp"
#include "apps/http/moment.hpp"
#include "apps/http/render.hpp"
#include "events/limits.hpp"

namespace bestow::http {
namespace {

using domain::promotion_state;
using domain::target_state;

constexpr std::array states{promotion_state::draft,    promotion_state::sealed,
                            promotion_state::approved, promotion_state::running,
                            promotion_state::stopping, promotion_state::stopped,
                            promotion_state::completed, promotion_state::scheduled,
                            promotion_state::failed,    promotion_state::cancelled};
constexpr std::array target_states{
    target_state::pending,        target_state::released, target_state::published,
    target_state::retrying,       target_state::success,  target_state::failed,
    target_state::publish_failed, target_state::unknown,  target_state::abandoned};

/// Which promotions ?status= selects: a state (draft) or a status of the original (READY).
struct status_filter {
  std::string wanted;
  [[nodiscard]] auto takes(promotion_state s) const -> bool {
    return wanted.empty() || wanted == domain::name_of(s) ||
           wanted == domain::promotion_status_of(s);
  }
};

auto read_status(const request& in) -> checked_value<status_filter> {
  status_filter filter{std::string{in.query_value("status")}};
  std::vector<std::string_view> allowed{"READY", "IN_PROGRESS", "COMPLETED", "STOPPED", "FAILED"};
  for (const auto s : states) allowed.push_back(domain::name_of(s));
  if (!in.has_query("status")) return filter;
  for (const auto word : allowed)
    if (filter.wanted == word) return filter;
  return tl::unexpected(problem_of(
      request_error::query_invalid,
      fmt::format("status is '{}'; allowed are {}", shown(filter.wanted), fmt::join(allowed, ", ")),
      "status"));
}

/// Pages through the view until `limit` rows pass the filter.
auto collect_promotions(const projections::queries& ask, promotion_id after, std::size_t limit,
                        const status_filter& filter)
    -> result<projections::answer<std::vector<projections::promotion_row>>> {
  projections::answer<std::vector<projections::promotion_row>> out;
  for (;;) {
    auto page = ask.promotions(after, limits::page_limit_max, std::nullopt);
    if (!page) return page;
    out.as_of = page->as_of;
    for (auto& row : page->value) {
      after = row.created.promotion;
      if (!filter.takes(row.state)) continue;
      out.value.push_back(std::move(row));
      if (out.value.size() == limit) return out;
    }
    if (page->value.size() < limits::page_limit_max) return out;
  }
}

auto read_target_filter(const request& in) -> checked_value<projections::target_filter> {
  projections::target_filter filter;
  auto limit = page_limit(in);
  if (!limit) return tl::unexpected(std::move(limit.error()));
  filter.limit = *limit;
  auto after = query_number(in, "after", 0, {0, limits::id_max});
  if (!after) return tl::unexpected(std::move(after.error()));
  filter.after = {*after};
  if (in.has_query("partition")) {
    auto k = query_number(in, "partition", 0, {0, limits::partition_count_max - 1});
    if (!k) return tl::unexpected(std::move(k.error()));
    filter.partition = partition_no{static_cast<std::uint16_t>(*k)};
  }
  if (!in.has_query("status")) return filter;
  std::vector<std::string_view> allowed;
  for (const auto s : target_states) {
    allowed.push_back(domain::name_of(s));
    if (in.query_value("status") == domain::name_of(s)) filter.state = s;
  }
  if (filter.state) return filter;
  return tl::unexpected(
      problem_of(request_error::query_invalid,
                 fmt::format("status is '{}'; allowed are {}", shown(in.query_value("status")),
                             fmt::join(allowed, ", ")),
                 "status"));
}

void write_next(json_writer& w, bool more, std::uint64_t last) {
  if (more)
    w.id("next", last);
  else
    w.key("next").null();
}

}  // namespace

auto list_promotions(const http_parts& parts, const request& in) -> answer {
  auto limit = page_limit(in);
  if (!limit) return tl::unexpected(std::move(limit.error()));
  auto after = query_number(in, "after", 0, {0, limits::id_max});
  if (!after) return tl::unexpected(std::move(after.error()));
  auto filter = read_status(in);
  if (!filter) return tl::unexpected(std::move(filter.error()));
  const auto at = moment_of(parts, in, {{"promotion_summary"}, std::nullopt});
  if (!at) return tl::unexpected(at.error());
  auto rows = collect_promotions(*at->answers, {*after}, *limit + 1, *filter);
  if (!rows) return tl::unexpected(problem_of(rows.error()));
  const bool more = rows->value.size() > *limit;
  if (more) rows->value.pop_back();
  json_writer w;
  w.begin_object().key("promotions").begin_array();
  for (const auto& row : rows->value) {
    w.begin_object();
    write_promotion(w, row, rows->as_of, at->asked);
    w.end_object();
  }
  w.end_array();
  write_next(w, more, rows->value.empty() ? 0 : rows->value.back().created.promotion.value);
  w.count("as_of_position", rows->as_of.value).time("as_of", at->asked).end_object();
  return json_response(w.take());
}

auto show_promotion(const http_parts& parts, const request& in) -> answer {
  auto id = path_id(in, 0);
  if (!id) return tl::unexpected(std::move(id.error()));
  const auto at = moment_of(parts, in, {{"promotion_summary"}, promotion_id{*id}});
  if (!at) return tl::unexpected(at.error());
  auto row = find_promotion(*at, {*id});
  if (!row) return tl::unexpected(std::move(row.error()));
  json_writer w;
  w.begin_object();
  write_promotion(w, row->value, row->as_of, at->asked);
  w.end_object();
  return json_response(w.take());
}

auto list_partitions(const http_parts& parts, const request& in) -> answer {
  auto id = path_id(in, 0);
  if (!id) return tl::unexpected(std::move(id.error()));
  const auto at =
      moment_of(parts, in, {{"promotion_summary", "partition_progress"}, promotion_id{*id}});
  if (!at) return tl::unexpected(at.error());
  auto found = find_promotion(*at, {*id});
  if (!found) return tl::unexpected(std::move(found.error()));
  const auto rows = at->answers->partitions({*id});
  if (!rows) return tl::unexpected(problem_of(rows.error()));
  json_writer w;
  w.begin_object().id("promotion_id", *id).key("partitions").begin_array();
  for (const auto& row : rows->value) write_partition(w, row);
  w.end_array().count("as_of_position", rows->as_of.value).time("as_of", at->asked).end_object();
  return json_response(w.take());
}

auto list_targets(const http_parts& parts, const request& in) -> answer {
  auto id = path_id(in, 0);
  if (!id) return tl::unexpected(std::move(id.error()));
  auto filter = read_target_filter(in);
  if (!filter) return tl::unexpected(std::move(filter.error()));
  const auto at =
      moment_of(parts, in, {{"promotion_summary", "target_status"}, promotion_id{*id}});
  if (!at) return tl::unexpected(at.error());
  auto found = find_promotion(*at, {*id});
  if (!found) return tl::unexpected(std::move(found.error()));
  const auto limit = filter->limit;
  filter->limit = limit + 1;
  auto rows = at->answers->targets({*id}, *filter);
  if (!rows) return tl::unexpected(problem_of(rows.error()));
  const bool more = rows->value.size() > limit;
  if (more) rows->value.pop_back();
  json_writer w;
  w.begin_object()
      .id("promotion_id", *id)
      .field("promotion_type", name_of(found->value.created.type))
      .key("targets")
      .begin_array();
  for (const auto& row : rows->value) {
    w.begin_object();
    write_target(w, found->value, row);
    w.end_object();
  }
  w.end_array();
  write_next(w, more, rows->value.empty() ? 0 : rows->value.back().target.id.value);
  w.count("as_of_position", rows->as_of.value).time("as_of", at->asked).end_object();
  return json_response(w.take());
}

auto show_target(const http_parts& parts, const request& in) -> answer {
  auto id = path_id(in, 0);
  if (!id) return tl::unexpected(std::move(id.error()));
  auto target = path_id(in, 1);
  if (!target) return tl::unexpected(std::move(target.error()));
  const auto at =
      moment_of(parts, in, {{"promotion_summary", "target_status"}, promotion_id{*id}});
  if (!at) return tl::unexpected(at.error());
  auto found = find_promotion(*at, {*id});
  if (!found) return tl::unexpected(std::move(found.error()));
  const auto row = at->answers->target({*id}, {*target});
  if (!row) return tl::unexpected(problem_of(row.error()));
  if (!row->value)
    return tl::unexpected(
        problem_of(request_error::target_not_found,
                   fmt::format("promotion {} has no target {} in a sealed list", *id, *target)));
  const auto history = at->answers->history({*id}, {*target});
  if (!history) return tl::unexpected(problem_of(history.error()));
  json_writer w;
  w.begin_object();
  write_target(w, found->value, *row->value);
  w.key("history").begin_array();
  for (const auto& fact : history->value)
    w.begin_object()
        .count("position", fact.at.value)
        .time("recorded_at", fact.recorded_at)
        .field("event", fact.what)
        .field("detail", fact.detail)
        .end_object();
  w.end_array().count("as_of_position", row->as_of.value).time("as_of", at->asked).end_object();
  return json_response(w.take());
}

}  // namespace bestow::http
