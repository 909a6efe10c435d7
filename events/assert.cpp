#include "events/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace bestow::detail {

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "bestow: broken invariant: %s (%s:%d)\n", expression, file, line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace bestow::detail
