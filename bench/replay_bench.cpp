// B4: an existing log to promotion_summary and to target_status, each built from nothing on disk. In
// each repetition the raw limits run beside it, reading the frames and decoding the same facts, and
// the peers: as many facts, one row each, from PostgreSQL and SQLite.
#include <optional>

#include "bench/harness.hpp"
#include "bench/peers/beside.hpp"
#include "bench/peers/event_replay.hpp"
#include "bench/peers/event_stores.hpp"
#include "bench/peers/peers.hpp"

namespace bestow::bench {
namespace {

/// A peer's run counts when it shows every target in each state, and what another peer shows.
class same_counts {
 public:
  explicit same_counts(std::uint64_t targets) : targets_{targets} {}
  auto of(const replayed& r) -> double {
    require(r.counts.released == targets_ && r.counts.published == targets_ &&
                r.counts.success == targets_,
            "a peer counts other facts");
    if (!amount_) amount_ = r.counts.success_amount;
    require(r.counts.success_amount == *amount_, "the peers have different sums");
    return 3 * static_cast<double>(targets_) / r.took.seconds;
  }

 private:
  std::uint64_t targets_;
  std::optional<std::uint64_t> amount_;
};

}  // namespace
}  // namespace bestow::bench

auto main(int argc, char** argv) -> int {
  using namespace bestow;
  using namespace bestow::bench;
  const auto args = read_arguments(argc, argv, 1'000'000, {"peers"});
  report out{"B4 replay", "views: one commit and fdatasync for each 200,000 described targets",
             args};
  const auto postgres = start_postgres(args);
  const scratch place{args, "replay-peers"};
  const auto file = place.path() + "/events.sqlite";
  const lives same{args.targets, args.seed};
  same_counts counts{args.targets};
  std::vector<part> peers;
  if (postgres) {
    fill_postgres(*postgres, same);
    peers.push_back({"postgres", [&](figures& f) {
                       f.set("postgres_replay_events_per_second",
                             counts.of(replay_postgres(*postgres)));
                       f.set("postgres_group_by_events_per_second",
                             counts.of(group_postgres(*postgres)));
                     }});
  }
  if (wants_peers(args)) {
    fill_sqlite(file, same);
    peers.push_back({"sqlite", [&](figures& f) {
                       f.set("sqlite_replay_events_per_second", counts.of(replay_sqlite(file)));
                       f.set("peer", sqlite_description() +
                                         (postgres ? ", " + postgres->description() : ""));
                     }});
  }
  repeat_beside(
      args, out,
      [](const auto& work, const auto& each) { return measure::measure_replay(work, each); }, peers,
      [](figures& f) {
        for (const auto* peer : {"postgres_replay", "postgres_group_by", "sqlite_replay"})
          set_ratio(f, std::string{"summary_ratio_to_"} + peer, "summary_described_per_second",
                    std::string{peer} + "_events_per_second");
      });
  out.summary();
  return 0;
}
