// B4: an existing log to promotion_summary and to target_status, each built from nothing on disk.
// In each repetition the raw limits run beside it: reading the frames, and decoding the same facts.
#include "bench/harness.hpp"

auto main(int argc, char** argv) -> int {
  using namespace bestow::bench;
  const auto args = read_arguments(argc, argv, 1'000'000);
  report out{"B4 replay", "views: one commit and fdatasync for each 200,000 described targets",
             args};
  must(bestow::measure::measure_replay(work_of(args), out.sink()));
  out.summary();
  return 0;
}
