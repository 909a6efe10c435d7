// What a short-lived program prints, e.g. its version. Blocks until it ends or time is up.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "events/result.hpp"

namespace bestow::apps {

/// Runs `command` (a path or a name in PATH, and arguments; no shell) with empty stdin and returns
/// its stdout, at most 4 KiB. The program is killed when it takes longer than `within`.
/// @fault file_io_failed   it could not be started, or ended with a failure
/// @fault outcome_unknown  it was killed
[[nodiscard]] auto command_output(const std::vector<std::string>& command,
                                  std::chrono::milliseconds within) -> result<std::string>;

}  // namespace bestow::apps
