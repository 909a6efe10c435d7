// Latencies of single requests and their percentiles.
#pragma once

#include <string>
#include <vector>

#include "bench/harness.hpp"

namespace bestow::bench {

/// The smallest latency that `share` (0 to 1) of all do not exceed. Ends the program when there are
/// none. Cost: partly sorts `values`.
[[nodiscard]] auto percentile(std::vector<float>& values, double share) -> double;

/// Sets <prefix>_p50_ms, <prefix>_p99_ms and <prefix>_p999_ms from milliseconds.
void set_latency(figures& f, const std::string& prefix, std::vector<float> milliseconds);

}  // namespace bestow::bench
