// Assertions for bugs: always on, in every build. Never for input, never for the machine.
#pragma once

namespace bestow::detail {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);
}  // namespace bestow::detail

/// Ends the process with the expression and its place on stderr. A broken invariant must not run on.
#define BESTOW_ASSERT(expression)                                                        \
  ((expression) ? static_cast<void>(0)                                                   \
                : ::bestow::detail::assertion_failed(#expression, __FILE__, __LINE__))
