// Header fields of a message, of HTTP or NATS. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bestow::http {

/// The value of the first field of that name, which matches in any case; "" when there is none.
[[nodiscard]] auto field_value(const std::vector<std::pair<std::string, std::string>>& fields,
                               std::string_view name) -> std::string_view;

}  // namespace bestow::http
