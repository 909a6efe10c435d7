#include "apps/measure/latency.hpp"

#include <algorithm>
#include <cmath>

namespace bestow::measure {

auto percentile(std::vector<float>& values, double share) -> double {
  if (values.empty()) return 0;
  const auto rank = std::ceil(share * static_cast<double>(values.size()));
  const auto at = std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(rank) - 1, 0,
                                             std::ssize(values) - 1);
  std::ranges::nth_element(values, values.begin() + at);
  return values[static_cast<std::size_t>(at)];
}

void set_latency(figures& f, const std::string& prefix, std::vector<float> milliseconds) {
  f.set(prefix + "_p50_ms", percentile(milliseconds, 0.5));
  f.set(prefix + "_p99_ms", percentile(milliseconds, 0.99));
  f.set(prefix + "_p999_ms", percentile(milliseconds, 0.999));
}

}  // namespace bestow::measure
