// B4: an existing log to promotion_summary and to target_status, each built from nothing on disk.
// In each repetition the raw limits run beside it: reading the frames, and decoding the same facts.
//
// A described target is one target of one bulk fact that the view handles: released, published and
// answered are three. The import is not one of them: no view reads it.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "bench/harness.hpp"
#include "bench/history.hpp"
#include "events/limits.hpp"
#include "projections/queries.hpp"
#include "projections/registry.hpp"
#include "projections/runner.hpp"

namespace bestow::bench {
namespace {

struct stage {
  std::unique_ptr<store::event_log> log;
  std::unique_ptr<store::target_lists> lists;
  history_totals totals;
};

auto read_all(const store::event_log& log, std::vector<event_type> types,
              const store::event_visitor& visit) -> elapsed {
  store::read_options options;
  options.types = std::move(types);
  const stopwatch watch;
  must(log.read({}, options, visit));
  return watch.read();
}

/// A type no log of this kind holds, so that only frames are walked.
auto read_frames(const store::event_log& log) -> elapsed {
  return read_all(log, {event_type::stream_halted}, [](const store::stored_event&) { return true; });
}

auto decode_facts(const store::event_log& log) -> elapsed {
  std::uint64_t described = 0;
  const auto took = read_all(
      log, {event_type::targets_released, event_type::grants_published, event_type::results_recorded},
      [&](const store::stored_event& e) {
        const auto fact = must(decode_any(e.type, e.payload));
        if (const auto* r = std::get_if<results_recorded>(&fact)) described += r->ordinals.size();
        return true;
      });
  require(described > 0, "the log holds no results");
  return took;
}

struct built {
  elapsed took;
  std::string hash;
  std::uint64_t anonymous{0};
  std::unique_ptr<projections::view_set> views;
};

auto build_view(const arguments& args, const stage& s, store::view_store_factory& stores, std::string_view name)
    -> built {
  built b;
  std::vector<projections::view_definition> wanted;
  for (const auto& d : projections::registered_views())
    if (d.name == name) wanted.push_back(d);
  b.views = must(projections::open_view_set(wanted, {s.log.get(), s.lists.get()}, stores, {}));
  {
    const recorded section{args};
    const stopwatch watch;
    while (!must(b.views->step(name)).caught_up) {
    }
    b.took = watch.read();
  }
  b.anonymous = anonymous_bytes();
  b.hash = must(b.views->dump_hash(name));
  return b;
}

void check_summary(const stage& s, const projections::view_set& views, std::uint64_t targets) {
  const auto rows = must(views.read("promotion_summary"));
  const auto row = must(projections::promotion_summary::read(*rows, s.totals.promotion));
  require(row.has_value(), "the summary has no row");
  require(row->counts.published == targets && row->counts.success == targets &&
              row->counts.fail == 0,
          "the summary counts wrongly");
  require(row->counts.success_amount.value == static_cast<std::int64_t>(s.totals.amount),
          "the summary's sum is wrong");
}

void check_states(const stage& s, const projections::view_set& views, std::uint64_t targets) {
  const projections::queries questions{views, *s.log, *s.lists};
  std::uint64_t good = 0;
  const auto list = must(s.lists->open(*s.log, s.totals.promotion));
  for (std::uint32_t k = 0; k < list->partition_count(); ++k) {
    const auto states =
        must(questions.states(s.totals.promotion, partition_no{static_cast<std::uint16_t>(k)}));
    for (const auto b : states.value)
      if (b == (static_cast<std::uint8_t>(domain::target_state::success) | 0x80U)) ++good;
  }
  require(good == targets, fmt::format("target_status shows {} of {}", good, targets));
}

void repeat(const arguments& args, const stage& s, std::string& first_hashes, report& out) {
  const scratch place{args, "replay"};
  const auto stores =
      must(store::make_lmdb_view_stores(place.path(), limits::view_map_bytes_default));
  const auto frames = read_frames(*s.log);
  const auto decode = decode_facts(*s.log);
  const auto summary = build_view(args, s, *stores, "promotion_summary");
  check_summary(s, *summary.views, args.targets);
  const auto status = build_view(args, s, *stores, "target_status");
  check_states(s, *status.views, args.targets);
  const auto hashes = summary.hash + status.hash;
  require(first_hashes.empty() || first_hashes == hashes, "two builds of one log differ");
  first_hashes = hashes;

  const auto described = 3 * static_cast<double>(args.targets);
  figures f;
  f.set("summary_described_per_second", described / summary.took.seconds);
  f.set("summary_described_per_cpu_second", described / summary.took.cpu_seconds);
  f.set("status_described_per_second", described / status.took.seconds);
  f.set("status_described_per_cpu_second", described / status.took.cpu_seconds);
  f.set("frames_described_per_cpu_second", described / frames.cpu_seconds);
  f.set("decode_described_per_cpu_second", described / decode.cpu_seconds);
  f.set("summary_cpu_ratio_to_decode", decode.cpu_seconds / summary.took.cpu_seconds);
  f.set("status_cpu_ratio_to_decode", decode.cpu_seconds / status.took.cpu_seconds);
  f.set("anonymous_mib", static_cast<double>(status.anonymous) / 1048576.0);
  out.add(f);
}

}  // namespace
}  // namespace bestow::bench

auto main(int argc, char** argv) -> int {
  using namespace bestow;
  using namespace bestow::bench;
  const auto args = read_arguments(argc, argv, 1'000'000);
  const scratch place{args, "history"};
  stage s;
  store::log_options at;
  at.directory = place.path() + "/log";
  s.log = must(store::open_lmdb_log(at, args.seed));
  s.lists = must(store::make_target_lists(place.path()));
  history_options life;
  life.targets = args.targets;
  life.seed = args.seed;
  s.totals = write_history(*s.log, *s.lists, life);
  report out{"B4 replay", "views: one commit and fdatasync for each 200,000 described targets",
             args};
  std::string hashes;
  for (unsigned i = 0; i < args.repetitions; ++i) repeat(args, s, hashes, out);
  out.summary();
  return 0;
}
