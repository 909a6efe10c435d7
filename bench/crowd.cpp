#include "bench/crowd.hpp"

#include <atomic>
#include <chrono>
#include <latch>
#include <thread>

#include "bench/latency.hpp"

namespace bestow::bench {

using steady = std::chrono::steady_clock;

auto run_crowd(unsigned clients, std::uint64_t first, std::uint64_t count, int server_pid,
               const std::function<void(unsigned, std::uint64_t)>& command) -> crowd_result {
  std::vector<std::vector<float>> latencies(clients);
  std::atomic<std::uint64_t> next{first};
  std::latch ready{clients + 1};
  crowd_result out;
  {
    std::vector<std::jthread> threads;
    for (unsigned c = 0; c < clients; ++c)
      threads.emplace_back([&, c] {
        auto& mine = latencies[c];
        mine.reserve(count / clients * 2);
        ready.arrive_and_wait();
        for (auto n = next++; n < first + count; n = next++) {
          const auto begun = steady::now();
          command(c, n);
          mine.push_back(
              std::chrono::duration<float, std::milli>(steady::now() - begun).count());
        }
      });
    ready.arrive_and_wait();
    const stopwatch watch{server_pid};
    threads.clear();  // Joins.
    out.took = watch.read();
  }
  for (const auto& l : latencies)
    out.milliseconds.insert(out.milliseconds.end(), l.begin(), l.end());
  require(out.milliseconds.size() == count, "commands were not answered");
  return out;
}

void set_crowd(figures& f, const std::string& prefix, const crowd_result& r) {
  f.set(prefix + "_commands_per_second",
        static_cast<double>(r.milliseconds.size()) / r.took.seconds);
  set_latency(f, prefix, r.milliseconds);
}

}  // namespace bestow::bench
