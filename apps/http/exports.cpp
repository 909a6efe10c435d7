// A whole view as a table: CSV or NDJSON, streamed at one log position.
#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "apps/http/export_place.hpp"
#include "apps/http/export_rows.hpp"
#include "apps/http/fresh.hpp"
#include "apps/http/handlers.hpp"
#include "apps/http/moment.hpp"
#include "config/suggest.hpp"
#include "domain/target_row.hpp"
#include "events/limits.hpp"
#include "projections/created_of.hpp"

namespace bestow::http {
namespace {

/// What was asked for.
struct export_wish {
  std::string view;
  export_format format{export_format::csv};
  std::optional<promotion_id> promotion;
  std::optional<past_time> when;
};

auto read_wish(const http_parts& parts, const request& in) -> checked_value<export_wish> {
  export_wish wish;
  wish.view = in.params[0];
  const auto names = parts.views->names();
  if (std::find(names.begin(), names.end(), wish.view) == names.end() ||
      export_fields(wish.view).empty())
    return tl::unexpected(
        problem_of(request_error::view_not_found,
                   fmt::format("there is no view '{}'.{} Views: {}", shown(wish.view),
                               config::did_you_mean(wish.view, names), fmt::join(names, ", "))));
  const auto format = in.query_value("format");
  if (in.has_query("format") && format != "csv" && format != "ndjson")
    return tl::unexpected(
        problem_of(request_error::query_invalid,
                   fmt::format("format is '{}'; allowed are csv, ndjson", shown(format)),
                   "format"));
  if (format == "ndjson") wish.format = export_format::ndjson;
  const auto promotion = query_number(in, "promotion", 0, {1, limits::id_max});
  if (!promotion) return tl::unexpected(promotion.error());
  if (*promotion != 0) wish.promotion = promotion_id{*promotion};
  auto when = read_as_of(parts, in);
  if (!when) return tl::unexpected(when.error());
  wish.when = *when;
  return wish;
}

auto missing_promotion(const http_parts& parts, const export_wish& wish)
    -> std::optional<problem> {
  if (!wish.promotion) return std::nullopt;
  const auto created = projections::created_of(*parts.log, *wish.promotion);
  if (!created) return problem_of(created.error());
  if (*created && (!wish.when || (*created)->at <= wish.when->at)) return std::nullopt;
  return problem_of(domain::refusal{
      domain::rejection::promotion_not_found,
      wish.when ? fmt::format("there was no promotion {} at {}", wish.promotion->value,
                              domain::to_rfc3339(wish.when->time))
                : fmt::format("there is no promotion {}", wish.promotion->value)});
}

/// The rows to export: folded as of the wanted time, or a copy of what the view holds now.
auto rows_of(const http_parts& parts, const request& in, const export_wish& wish)
    -> checked_value<std::shared_ptr<const projections::past>> {
  if (wish.when) {
    auto then = past_moment(parts, *wish.when, {{wish.view}, wish.promotion});
    if (!then) return tl::unexpected(std::move(then.error()));
    return std::move(then->keep);
  }
  if (auto p = wait_fresh(parts, in, wish.view)) return tl::unexpected(std::move(*p));
  auto copy = parts.past->copy(*parts.views, wish.view, wish.promotion);
  if (!copy) return tl::unexpected(problem_of(copy.error()));
  return std::move(*copy);
}

/// An export on its way to a client.
class running_export {
 public:
  running_export(std::shared_ptr<export_place> place, export_format format, export_source source,
                 std::shared_ptr<std::atomic<bool>> broken)
      : place_{std::move(place)},
        out_{format, export_fields(source.view)},
        view_{source.view},
        rows_{open_export(std::move(source))},
        broken_{std::move(broken)} {}

  /// Makes rows when none are waiting, and sends a piece of them.
  auto step(const body_sink& put) -> bool {
    while (more_ && sent_ == waiting_.size()) {
      const auto stepped = rows_->step(out_);
      if (!stepped) {
        spdlog::error("the export of {} broke off: {}", view_, to_string(stepped.error()));
        return broken();
      }
      more_ = *stepped;
      waiting_ = out_.take();
      sent_ = 0;
    }
    const auto piece =
        std::string_view{waiting_}.substr(sent_, limits::export_piece_bytes);
    if (!piece.empty() && !put(piece)) return broken();
    sent_ += piece.size();
    return more_ || sent_ < waiting_.size();
  }

 private:
  auto broken() -> bool {
    *broken_ = true;
    return false;
  }

  std::shared_ptr<export_place> place_;
  export_writer out_;
  std::string view_;
  std::unique_ptr<view_export> rows_;
  std::shared_ptr<std::atomic<bool>> broken_;
  std::string waiting_;
  std::size_t sent_{0};
  bool more_{true};
};

}  // namespace

auto export_view(const http_parts& parts, const request& in) -> answer {
  const auto wish = read_wish(parts, in);
  if (!wish) return tl::unexpected(wish.error());
  if (auto p = missing_promotion(parts, *wish)) return tl::unexpected(std::move(*p));
  auto place = std::make_shared<export_place>(*parts.state);
  if (!place->taken()) return tl::unexpected(no_export_place());
  auto rows = rows_of(parts, in, *wish);
  if (!rows) return tl::unexpected(std::move(rows.error()));
  const auto at = (*rows)->at();
  response out;
  out.content_type =
      wish->format == export_format::csv ? "text/csv; charset=utf-8" : "application/x-ndjson";
  out.headers = {{"Bestow-View", wish->view},
                 {"Bestow-Log-Id", parts.log->log_id()},
                 {"Bestow-Position", fmt::to_string(at.at.value)},
                 {"Bestow-Frame-Hash", to_hex(at.frame_hash)},
                 {"Bestow-Exported-At", domain::to_rfc3339(parts.time->wall())}};
  if (wish->when)
    out.headers.emplace_back("Bestow-As-Of", domain::to_rfc3339(wish->when->time));
  out.broken = std::make_shared<std::atomic<bool>>(false);
  auto running = std::make_shared<running_export>(
      std::move(place), wish->format,
      export_source{wish->view, std::move(*rows), wish->promotion, parts.log, parts.lists},
      out.broken);
  out.stream = [running](const body_sink& put) { return running->step(put); };
  return out;
}

}  // namespace bestow::http
