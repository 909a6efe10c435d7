// Read your writes: a question waits until its view has reached the log's head at arrival.
// Threads: any; blocks up to limits::read_your_writes_wait.
#pragma once

#include <optional>
#include <string_view>

#include "apps/http/http_types.hpp"

namespace bestow::http {

/// nullopt: the view is fresh, or ?stale=1 asks not to wait. Else view_behind with as_of_position.
[[nodiscard]] auto wait_fresh(const http_parts& parts, const request& in, std::string_view view)
    -> std::optional<problem>;
/// The promotion, or promotion_not_found. Waits as wait_fresh does.
[[nodiscard]] auto find_promotion(const http_parts& parts, const request& in, promotion_id id)
    -> tl::expected<projections::answer<projections::promotion_row>, problem>;

}  // namespace bestow::http
