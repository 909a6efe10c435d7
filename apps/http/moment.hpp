// The moment a question is about: now, or the earlier one that ?as_of= names.
// Threads: any. Blocks up to limits::read_your_writes_wait, or for an earlier moment up to
// limits::as_of_within.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/http/input.hpp"

namespace bestow::http {

/// A time and the last log position recorded by then.
struct past_time {
  timestamp time{};
  position at{};
};
/// What as_of names; nullopt: it is not there. Problems: query_invalid, as_of_in_the_future,
/// as_of_before_the_log.
[[nodiscard]] auto read_as_of(const http_parts& parts, const request& in)
    -> checked_value<std::optional<past_time>>;

/// Rows at a moment.
struct moment {
  const projections::queries* answers{nullptr};
  const projections::view_set* views{nullptr};
  timestamp asked{};  ///< as_of's time; 0: now.
  std::shared_ptr<const projections::past> keep;
};
/// Which rows a question needs.
struct needed_rows {
  std::vector<std::string> views;
  std::optional<promotion_id> promotion;  ///< Of this promotion only.
};
/// The rows now, once each view has reached the log's head (view_behind), or as of an earlier
/// time: as_of_busy, as_of_takes_too_long.
[[nodiscard]] auto moment_of(const http_parts& parts, const request& in, const needed_rows& rows)
    -> checked_value<moment>;
/// The same for a time that was read already.
[[nodiscard]] auto past_moment(const http_parts& parts, const past_time& when,
                               const needed_rows& rows) -> checked_value<moment>;
/// The promotion, or promotion_not_found. The moment has promotion_summary.
[[nodiscard]] auto find_promotion(const moment& at, promotion_id id)
    -> checked_value<projections::answer<projections::promotion_row>>;

}  // namespace bestow::http
