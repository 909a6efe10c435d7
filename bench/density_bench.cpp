// B7: log bytes of a point target, from its import to its answer. Without --data over a written
// history; with --data DIR over the log of a (stopped or running) data directory.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "apps/measure/history.hpp"
#include "apps/measure/log_bytes.hpp"
#include "bench/harness.hpp"

namespace bestow::bench {
namespace {

auto per(std::uint64_t bytes, std::uint64_t targets) -> double {
  return static_cast<double>(bytes) / static_cast<double>(targets);
}

void show(const store::event_log& log, report& out) {
  const auto bytes = must(measure::log_bytes::of(log));
  const auto stat = must(store::stat_of(log));
  const auto n = bytes.imported;
  require(n > 0, "the log holds no targets");
  figures f;
  f.set("log_targets", n);
  f.set("results", bytes.results);
  f.set("import_bytes_per_target", per(bytes.import_bytes(), n));
  f.set("later_bytes_per_target", per(bytes.later_bytes(), n));
  f.set("payer_string_bytes_per_target", per(bytes.payer_strings, n));
  f.set("payload_bytes_per_target", per(bytes.total(), n));
  f.set("frame_page_bytes_per_target", per(stat.payload_bytes, n));
  f.set("file_bytes_per_target", per(stat.file_bytes, n));
  f.set("frames", stat.head.frames);
  for (const auto& [type, size] : bytes.payloads)
    if (size * 100 > n)
      f.set(fmt::format("{}_bytes_per_target", name_of(type)), per(size, n));
  out.add(f);
}

}  // namespace
}  // namespace bestow::bench

auto main(int argc, char** argv) -> int {
  using namespace bestow;
  using namespace bestow::bench;
  auto args = read_arguments(argc, argv, 1'000'000, {"data"});
  args.repetitions = 1;  // Bytes do not vary.
  const auto data = args.get("data", "");
  report out{data.empty() ? "B7 density, written history" : "B7 density, real run", "none", args};
  std::optional<scratch> place;
  store::log_options at;
  if (data.empty()) {
    place.emplace(args, "density");
    at.directory = place->path() + "/log";
  } else {
    at.directory = data + "/log";
    at.read_only = true;
  }
  const auto log = must(store::open_lmdb_log(at, args.seed));
  if (data.empty()) {
    const auto lists = must(store::make_target_lists(place->path()));
    measure::history_options life;
    life.targets = args.targets;
    life.seed = args.seed;
    must(measure::write_history(*log, *lists, life));
  }
  show(*log, out);
  out.summary();
  return 0;
}
