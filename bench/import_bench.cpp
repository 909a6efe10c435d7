// B1: a CSV of targets in memory to durable, validated, deduplicated facts. In each repetition the
// raw limits run beside it: the parser alone, and a bare LMDB file that takes the same bytes.
#include "bench/harness.hpp"

auto main(int argc, char** argv) -> int {
  using namespace bestow::bench;
  const auto args = read_arguments(argc, argv, 1'000'000, {"type"});
  const bool voucher = args.get("type", "point") == "voucher";
  const auto type = voucher ? bestow::promotion_type::voucher : bestow::promotion_type::point;
  report out{voucher ? "B1 import vouchers" : "B1 import points",
             "LMDB default: fdatasync at each commit, answered after it", args};
  must(bestow::measure::measure_import(work_of(args), type, out.sink()));
  out.summary();
  return 0;
}
