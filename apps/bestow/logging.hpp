// The program's own log: stderr, text for people or one JSON object a line.
#pragma once

#include "config/settings.hpp"

namespace bestow::apps {

/// Sets the process-wide logger. Call once, before threads start.
void start_logging(const config::log_settings& settings);

}  // namespace bestow::apps
