// A log to its views, beside walking its frames and decoding its facts.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "apps/measure/history.hpp"
#include "apps/measure/work_parts.hpp"
#include "apps/measure/world.hpp"
#include "apps/system/data_layout.hpp"
#include "projections/queries.hpp"
#include "projections/registry.hpp"
#include "projections/runner.hpp"

namespace bestow::measure {
namespace {

struct stage {
  std::unique_ptr<store::event_log> log;
  std::unique_ptr<store::target_lists> lists;
  history_totals totals;
};

auto read_all(const store::event_log& log, std::vector<event_type> types,
              const store::event_visitor& visit) -> outcome<elapsed> {
  store::read_options options;
  options.types = std::move(types);
  const stopwatch watch;
  if (auto read = log.read({}, options, visit); !read) return ended(read);
  return watch.read();
}

/// A type no log of this kind holds, so that only frames are walked.
auto read_frames(const store::event_log& log) -> outcome<elapsed> {
  return read_all(log, {event_type::stream_halted}, [](const store::stored_event&) { return true; });
}

auto decode_facts(const store::event_log& log, std::uint64_t targets) -> outcome<elapsed> {
  std::uint64_t described = 0;
  std::optional<fault> wrong;
  auto took = read_all(
      log, {event_type::targets_released, event_type::grants_published, event_type::results_recorded},
      [&](const store::stored_event& e) {
        const auto fact = decode_any(e.type, e.payload);
        if (!fact) {
          wrong = fact.error();
          return false;
        }
        if (const auto* r = std::get_if<results_recorded>(&*fact)) described += r->ordinals.size();
        return true;
      });
  if (took && wrong) return tl::unexpected<trouble>{*wrong};
  if (took && described != targets) return void_because("the log holds another count of results");
  return took;
}

struct built {
  elapsed took;
  std::string hash;
  std::uint64_t anonymous{0};
  std::unique_ptr<projections::view_set> views;
};

auto build_view(const work_options& o, const stage& s, store::view_store_factory& stores,
                std::string_view name) -> outcome<built> {
  built b;
  std::vector<projections::view_definition> wanted;
  for (const auto& d : projections::registered_views())
    if (d.name == name) wanted.push_back(d);
  auto views = projections::open_view_set(wanted, {s.log.get(), s.lists.get()}, stores, {});
  if (!views) return ended(views);
  b.views = std::move(*views);
  {
    const section here{o};
    const stopwatch watch;
    for (bool more = true; more;) {
      const auto step = b.views->step(name);
      if (!step) return ended(step);
      more = !step->caught_up;
    }
    b.took = watch.read();
  }
  b.anonymous = anonymous_bytes();
  auto hash = b.views->dump_hash(name);
  if (!hash) return ended(hash);
  b.hash = std::move(*hash);
  return b;
}

auto check_summary(const stage& s, const projections::view_set& views, std::uint64_t targets)
    -> outcome<void> {
  const auto rows = views.read("promotion_summary");
  if (!rows) return ended(rows);
  const auto row = projections::promotion_summary::read(**rows, s.totals.promotion);
  if (!row) return ended(row);
  if (!row->has_value()) return void_because("the summary has no row");
  const auto& counts = (*row)->counts;
  if (counts.published != targets || counts.success != targets || counts.fail != 0)
    return void_because("the summary counts wrongly");
  if (counts.success_amount.value != static_cast<std::int64_t>(s.totals.amount))
    return void_because("the summary's sum is wrong");
  return {};
}

auto check_states(const stage& s, const projections::view_set& views, std::uint64_t targets)
    -> outcome<void> {
  const projections::queries questions{views, *s.log, *s.lists};
  const auto list = s.lists->open(*s.log, s.totals.promotion);
  if (!list) return ended(list);
  std::uint64_t good = 0;
  for (std::uint32_t k = 0; k < (*list)->partition_count(); ++k) {
    const auto states =
        questions.states(s.totals.promotion, partition_no{static_cast<std::uint16_t>(k)});
    if (!states) return ended(states);
    for (const auto b : states->value)
      if (b == (static_cast<std::uint8_t>(domain::target_state::success) | 0x80U)) ++good;
  }
  if (good != targets) return void_because(fmt::format("target_status shows {} of {}", good, targets));
  return {};
}

struct measured {
  elapsed frames;
  elapsed decode;
  built summary;
  built status;
};

auto to_figures(const measured& m, std::uint64_t targets) -> figures {
  const auto n = 3 * static_cast<double>(targets);
  const auto us = [n](const elapsed& e) { return e.cpu_seconds * 1e6 / n; };
  const auto& summary = m.summary.took;
  const auto& status = m.status.took;
  figures f;
  f.set("summary_described_per_second", per_second(n, summary.seconds));
  f.set("summary_described_per_cpu_second", per_second(n, summary.cpu_seconds));
  f.set("status_described_per_second", per_second(n, status.seconds));
  f.set("status_described_per_cpu_second", per_second(n, status.cpu_seconds));
  f.set("frames_described_per_cpu_second", per_second(n, m.frames.cpu_seconds));
  f.set("decode_described_per_second", per_second(n, m.decode.seconds));
  f.set("decode_described_per_cpu_second", per_second(n, m.decode.cpu_seconds));
  f.set("summary_cpu_us_per_described", us(summary));
  f.set("status_cpu_us_per_described", us(status));
  f.set("decode_cpu_us_per_described", us(m.decode));
  f.set("summary_cpu_ratio_to_decode", m.decode.cpu_seconds / summary.cpu_seconds);
  f.set("status_cpu_ratio_to_decode", m.decode.cpu_seconds / status.cpu_seconds);
  f.set("anonymous_mib", static_cast<double>(m.status.anonymous) / 1048576.0);
  return f;
}

auto one(const work_options& o, const stage& s, const std::string& place, unsigned n,
         std::string& first_hashes) -> outcome<figures> {
  const auto stores = store::make_lmdb_view_stores(place, limits::view_map_bytes_default);
  if (!stores) return ended(stores);
  measured m;
  tell(o, n, "reading and decoding alone");
  const auto frames = read_frames(*s.log);
  if (!frames) return ended(frames);
  m.frames = *frames;
  const auto decode = decode_facts(*s.log, o.targets);
  if (!decode) return ended(decode);
  m.decode = *decode;
  tell(o, n, "building the summary");
  auto summary = build_view(o, s, **stores, "promotion_summary");
  if (!summary) return ended(summary);
  m.summary = std::move(*summary);
  if (auto right = check_summary(s, *m.summary.views, o.targets); !right) return ended(right);
  tell(o, n, "building the targets' status");
  auto status = build_view(o, s, **stores, "target_status");
  if (!status) return ended(status);
  m.status = std::move(*status);
  if (auto right = check_states(s, *m.status.views, o.targets); !right) return ended(right);
  const auto hashes = m.summary.hash + m.status.hash;
  if (!first_hashes.empty() && first_hashes != hashes)
    return void_because("two builds of one log differ");
  first_hashes = hashes;
  return to_figures(m, o.targets);
}

auto open_stage(const work_options& o, const std::string& place, const history_totals& totals)
    -> outcome<stage> {
  const apps::data_layout at{place};
  store::log_options options;
  options.directory = at.log;
  auto log = store::open_lmdb_log(options, o.seed);
  if (!log) return ended(log);
  auto lists = store::make_target_lists(at.lists);
  if (!lists) return ended(lists);
  return stage{std::move(*log), std::move(*lists), totals};
}

/// The log of a whole life, closed and with a whole chain when it returns.
auto write_log(const work_options& o, const std::string& place) -> outcome<history_totals> {
  history_options life;
  life.targets = o.targets;
  life.seed = o.seed;
  outcome<history_totals> totals;
  {
    const auto s = open_stage(o, place, {});
    if (!s) return ended(s);
    totals = write_history(*s->log, *s->lists, life);
  }
  if (!totals) return totals;
  if (auto whole = check_chain(place); !whole) return ended(whole);
  return totals;
}

}  // namespace

auto measure_replay(const work_options& o, const figures_sink& each) -> outcome<void> {
  auto place = scratch::make(o.directory, "history");
  if (!place) return ended(place);
  tell(o, 0, "writing a log");
  const auto totals = write_log(o, place->path());
  if (!totals) return ended(totals);
  const auto s = open_stage(o, place->path(), *totals);
  if (!s) return ended(s);
  std::string hashes;
  return repeat(o, "replay", each, [&](const std::string& views, unsigned n) {
    return one(o, *s, views, n, hashes);
  });
}

}  // namespace bestow::measure
