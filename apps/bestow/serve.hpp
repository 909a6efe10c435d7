// The service as a whole: puts the parts together in order, supervises, takes them apart.
//
// Promise: either "bestow is ready at URL" is printed, or an error with its remedy and a failing
// exit; a stop asked for by SIGTERM or SIGINT ends within 15 s whatever hangs.
// Threads: call from the main thread, before any other thread exists (the broker is forked here).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "apps/cli/cli.hpp"

namespace bestow::apps {

[[nodiscard]] auto serve(const cli::serve_options& options,
                         const std::vector<std::pair<std::string, std::string>>& environment)
    -> cli::exit_code;

}  // namespace bestow::apps
