// The program's own log: stderr, text for people or one JSON object a line.
#pragma once

#include <string>
#include <vector>

#include "config/settings.hpp"

namespace bestow::apps {

/// Sets the process-wide logger. Call once, before threads start.
void start_logging(const config::log_settings& settings);
/// The last limits::bundle_log_lines lines, oldest first, as they were written. Any thread.
[[nodiscard]] auto recent_log_lines() -> std::vector<std::string>;

}  // namespace bestow::apps
