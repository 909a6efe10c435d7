// The limit of the disk: bare commits, one by one.
#include "apps/measure/latency.hpp"
#include "apps/measure/raw_log.hpp"
#include "apps/measure/work_parts.hpp"

namespace bestow::measure {
namespace {

constexpr std::size_t payload_bytes = 16;  // As a small fact.

}  // namespace

auto measure_disk(const work_options& o, std::chrono::milliseconds within,
                  const figures_sink& each) -> outcome<void> {
  const std::vector<std::byte> payload(payload_bytes, std::byte{0x5A});
  return repeat(o, "disk", each, [&](const std::string& place, unsigned n) -> outcome<figures> {
    tell(o, n, "committing");
    const auto done = commit_singly(place + "/raw.mdb", payload, o.targets, within);
    if (!done) return ended(done);
    const auto count = static_cast<double>(done->milliseconds.size());
    figures f;
    f.set("commits", std::uint64_t{done->milliseconds.size()});
    f.set("commits_per_second", per_second(count, done->took.seconds));
    f.set("cpu_us_per_commit", done->took.cpu_seconds * 1e6 / count);
    f.set("payload_bytes", std::uint64_t{payload_bytes});
    set_latency(f, "commit", done->milliseconds);
    return f;
  });
}

}  // namespace bestow::measure
