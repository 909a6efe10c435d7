// B1: a CSV of targets in memory to durable, validated, deduplicated facts. In each repetition the
// raw limits run beside it, the parser alone and a bare LMDB file that takes the same bytes, and the
// peer: PostgreSQL's COPY of the same CSV into a table with the same uniqueness.
#include "apps/measure/inputs.hpp"
#include "bench/harness.hpp"
#include "bench/peers/beside.hpp"
#include "bench/peers/postgres_targets.hpp"

namespace bestow::bench {
namespace {

void copy(const postgres_server& server, promotion_type type, const measure::target_input& in,
          figures& f) {
  const auto rows = static_cast<double>(in.count);
  const auto indexed = copy_targets(server, type, in, index_time::before);
  const auto then_indexed = copy_targets(server, type, in, index_time::behind);
  f.set("postgres_copy_rows_per_second", rows / indexed.seconds);
  f.set("postgres_copy_server_cpu_us_per_row", indexed.server_cpu_seconds * 1e6 / rows);
  f.set("postgres_copy_client_cpu_us_per_row", indexed.cpu_seconds * 1e6 / rows);
  f.set("postgres_copy_then_index_rows_per_second", rows / then_indexed.seconds);
  f.set("postgres_copy_then_index_server_cpu_us_per_row",
        then_indexed.server_cpu_seconds * 1e6 / rows);
  f.set("peer", server.description());
}

}  // namespace
}  // namespace bestow::bench

auto main(int argc, char** argv) -> int {
  using namespace bestow;
  using namespace bestow::bench;
  const auto args = read_arguments(argc, argv, 1'000'000, {"type", "peers"});
  const bool voucher = args.get("type", "point") == "voucher";
  const auto type = voucher ? promotion_type::voucher : promotion_type::point;
  const auto in = measure::make_input(type, args.targets, args.seed);
  report out{voucher ? "B1 import vouchers" : "B1 import points",
             "LMDB default: fdatasync at each commit, answered after it", args};
  const auto postgres = start_postgres(args);
  std::vector<part> peers;
  if (postgres)
    peers.push_back({"postgres", [&](figures& f) { copy(*postgres, type, in, f); }});
  repeat_beside(
      args, out,
      [&](const auto& work, const auto& each) { return measure::measure_import(work, type, each); },
      peers, [](figures& f) {
        set_ratio(f, "ratio_to_postgres_copy", "rows_per_second", "postgres_copy_rows_per_second");
        set_ratio(f, "ratio_to_postgres_copy_then_index", "rows_per_second",
                  "postgres_copy_then_index_rows_per_second");
      });
  out.summary();
  return 0;
}
