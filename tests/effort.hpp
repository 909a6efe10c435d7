// How long random tests play: all of it in a release build, a part of it under a sanitizer, which
// makes each round five to twenty times dearer and looks for something else.
#pragma once

#include <cstdint>

namespace bestow::tests {

[[nodiscard]] constexpr auto rounds_here(std::uint64_t full) -> std::uint64_t {
#if defined(__SANITIZE_THREAD__)
  return full / 10 + 1;
#elif defined(__SANITIZE_ADDRESS__)
  return full / 4 + 1;
#else
  return full;
#endif
}

}  // namespace bestow::tests
