// Latencies of single requests and their percentiles. Threads: free functions; safe everywhere.
#pragma once

#include <string>
#include <vector>

#include "apps/measure/figures.hpp"

namespace bestow::measure {

/// The smallest latency that `share` (0 to 1) of all do not exceed; 0 when there are none. Cost:
/// partly sorts `values`.
[[nodiscard]] auto percentile(std::vector<float>& values, double share) -> double;

/// Sets <prefix>_p50_ms, <prefix>_p99_ms and <prefix>_p999_ms from milliseconds.
void set_latency(figures& f, const std::string& prefix, std::vector<float> milliseconds);

}  // namespace bestow::measure
