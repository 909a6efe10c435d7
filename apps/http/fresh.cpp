#include "apps/http/fresh.hpp"

#include <fmt/format.h>

#include "events/limits.hpp"

namespace bestow::http {

auto wait_fresh(const http_parts& parts, const request& in, std::string_view view)
    -> std::optional<problem> {
  const auto stale = in.query_value("stale");
  if (in.has_query("stale") && stale != "1" && stale != "0")
    return problem_of(request_error::query_invalid, "stale: allowed are 0 and 1", "stale");
  if (stale == "1") return std::nullopt;
  const auto head = parts.log->head().last;
  if (parts.views->wait_for(view, head, limits::read_your_writes_wait)) return std::nullopt;
  auto p = problem_of(fault{fault_code::view_behind, action_for(fault_code::view_behind),
                            "wait_fresh", std::string{view}});
  for (const auto& s : parts.views->status())
    if (s.name == view) p.as_of = s.at;
  return p;
}

auto find_promotion(const http_parts& parts, const request& in, promotion_id id)
    -> tl::expected<projections::answer<projections::promotion_row>, problem> {
  if (auto p = wait_fresh(parts, in, "promotion_summary")) return tl::unexpected(std::move(*p));
  auto found = parts.answers->promotion(id);
  if (!found) return tl::unexpected(problem_of(found.error()));
  if (!found->value)
    return tl::unexpected(
        problem_of(domain::refusal{domain::rejection::promotion_not_found,
                                   fmt::format("there is no promotion {}", id.value)}));
  return projections::answer<projections::promotion_row>{std::move(*found->value), found->as_of};
}

}  // namespace bestow::http
