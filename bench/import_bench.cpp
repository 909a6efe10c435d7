// B1: a CSV of targets in memory to durable, validated, deduplicated facts. In each repetition the
// raw limits run beside it: the parser alone, and a bare LMDB file that takes the same bytes.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "bench/harness.hpp"
#include "bench/inputs.hpp"
#include "bench/raw_log.hpp"
#include "bench/raw_parse.hpp"
#include "bench/world.hpp"

namespace bestow::bench {
namespace {

constexpr std::uint32_t partitions = 16;

/// Every target once, in a row, and the sum as it was generated.
void check_log(const std::vector<std::vector<std::byte>>& payloads, const target_input& in) {
  std::uint64_t next = 1;
  std::uint64_t amount = 0;
  std::uint64_t customers = 0;
  for (const auto& p : payloads) {
    const auto f = must(decode_event<targets_imported>(p));
    for (std::size_t i = 0; i < f.target_ids.size(); ++i) {
      require(f.target_ids[i] == next++, "a target is missing or doubled in the log");
      amount += f.amounts[i] != 0 ? f.amounts[i] : default_amount;
      ++customers;
    }
  }
  require(customers == in.count && next == in.count + 1, "the log holds another count");
  require(amount == in.amount, "the log holds another sum");
}

void repeat(const arguments& args, const target_input& in, promotion_type type, report& out) {
  const scratch place{args, "import"};
  figures f;
  world w{{place.path()}};
  const stopwatch parse_watch;
  require(parse_alone(in.csv, type, w.time.wall()) == in.count, "the parser refused rows");
  const auto parse = parse_watch.read();

  const auto id = must(w.engine->create(make_promotion(type, partitions), {})).promotion;
  const auto commits_before = w.engine->status().commits;
  const stopwatch watch;
  const auto imported = [&] {
    const recorded section{args};
    return w.import(id, in.csv);
  }();
  const auto took = watch.read();
  const auto commits = w.engine->status().commits - commits_before;
  require(imported.answer.accepted == in.count && imported.answer.rejected == 0,
          "rows were refused");
  const auto payloads = payloads_of(*w.log, event_type::targets_imported);
  check_log(payloads, in);
  std::uint64_t payload_bytes = 0;
  for (const auto& p : payloads) payload_bytes += p.size();

  const auto per_commit = std::max<std::uint64_t>(1, payloads.size() / std::max<std::uint64_t>(1, commits));
  const stopwatch raw_watch;
  append_raw(place.path() + "/raw.mdb", payloads, per_commit);
  const auto raw = raw_watch.read();

  const auto n = static_cast<double>(in.count);
  f.set("rows_per_second", n / took.seconds);
  f.set("parse_rows_per_second", n / parse.seconds);
  f.set("raw_log_rows_per_second", n / raw.seconds);
  f.set("ratio_to_parse", parse.seconds / took.seconds);
  f.set("ratio_to_parse_and_raw_log", (parse.seconds + raw.seconds) / took.seconds);
  f.set("cpu_us_per_row", took.cpu_seconds * 1e6 / n);
  f.set("parse_cpu_us_per_row", parse.cpu_seconds * 1e6 / n);
  f.set("csv_mb_per_second", static_cast<double>(in.csv.size()) / 1e6 / took.seconds);
  f.set("log_payload_bytes_per_target", static_cast<double>(payload_bytes) / n);
  f.set("commits", commits);
  f.set("anonymous_peak_mib", static_cast<double>(imported.anonymous_peak) / 1048576.0);
  out.add(f);
}

}  // namespace
}  // namespace bestow::bench

auto main(int argc, char** argv) -> int {
  using namespace bestow::bench;
  const auto args = read_arguments(argc, argv, 1'000'000, {"type"});
  const bool voucher = args.get("type", "point") == "voucher";
  const auto type = voucher ? bestow::promotion_type::voucher : bestow::promotion_type::point;
  const auto in = make_input(type, args.targets, args.seed);
  report out{voucher ? "B1 import vouchers" : "B1 import points",
             "LMDB default: fdatasync at each commit, answered after it", args};
  for (unsigned i = 0; i < args.repetitions; ++i) repeat(args, in, type, out);
  out.summary();
  return 0;
}
