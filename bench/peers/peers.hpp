// Whether the run has peers: other software that does the same work beside Bestow.
#pragma once

#include "bench/harness.hpp"

namespace bestow::bench {

/// `--peers yes` (default) or `no`. Ends the program with exit code 2 on any other word.
[[nodiscard]] auto wants_peers(const arguments& args) -> bool;

}  // namespace bestow::bench
