#include "apps/evidence/replay.hpp"

#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "apps/evidence/log_until.hpp"
#include "apps/evidence/work_directory.hpp"
#include "apps/system/data_layout.hpp"
#include "events/limits.hpp"
#include "projections/registry.hpp"
#include "projections/row_bytes.hpp"
#include "projections/runner.hpp"
#include "store/data_lock.hpp"
#include "store/view_store.hpp"

namespace bestow::evidence {
namespace {

namespace fs = std::filesystem;

/// What the serving rows of a view are.
struct live_rows {
  store::view_checkpoint checkpoint;
  std::string hash;
};

/// nullopt: there is no such view. Nothing is created: the file is looked for first.
auto read_live(const std::string& directory, const projections::view_definition& view)
    -> result<std::optional<live_rows>> {
  std::error_code error;
  if (!fs::is_directory(directory, error)) return std::nullopt;
  auto stores = store::make_lmdb_view_stores(directory, limits::view_map_bytes_default);
  if (!stores) return tl::unexpected<fault>{stores.error()};
  const auto generation = (*stores)->serving(view.name, view.version);
  if (!generation) return tl::unexpected<fault>{generation.error()};
  const auto path = fmt::format("{}/{}.v{}.g{}.mdb", directory, view.name, view.version,
                                *generation);
  if (!fs::exists(path, error)) return std::nullopt;
  const auto rows = (*stores)->open(view.name, view.version, *generation);
  if (!rows) return tl::unexpected<fault>{rows.error()};
  const auto snapshot = (*rows)->begin_read();
  if (!snapshot) return tl::unexpected<fault>{snapshot.error()};
  const auto checkpoint = (*snapshot)->checkpoint();
  if (!checkpoint) return tl::unexpected<fault>{checkpoint.error()};
  auto hash = projections::hash_rows(**snapshot);
  if (!hash) return tl::unexpected<fault>{hash.error()};
  return live_rows{*checkpoint, std::move(*hash)};
}

/// The live view's place in this log; nullopt: it belongs to another history.
auto fits(const store::event_log& log, const store::view_checkpoint& c) -> result<bool> {
  if (c.at.value == 0) return true;
  if (c.at > log.head().last) return false;
  const auto hash = log.frame_hash_at(c.at);
  if (!hash) return tl::unexpected<fault>{hash.error()};
  return *hash == c.frame_hash;
}

/// Applies facts until the log, as far as it is shown, ends. @returns the hash of the rows.
auto run_to_end(projections::view_set& views, std::string_view name, const work_progress& tell)
    -> result<std::string> {
  for (;;) {
    const auto step = views.step(name);
    if (!step) return tl::unexpected<fault>{step.error()};
    if (tell) tell(name, step->at.value);
    if (step->caught_up) return views.dump_hash(name);
  }
}

class replayer {
 public:
  replayer(const apps::data_layout& from, const store::event_log& log, work_progress tell)
      : from_{from}, log_{log}, shown_{log}, tell_{std::move(tell)} {}

  auto run(const std::string& into) -> result<std::vector<replayed_view>> {
    auto lists = store::make_target_lists(into + "/lists");
    if (!lists) return tl::unexpected<fault>{lists.error()};
    auto stores =
        store::make_lmdb_view_stores(into + "/views", limits::view_map_bytes_default);
    if (!stores) return tl::unexpected<fault>{stores.error()};
    std::vector<replayed_view> out;
    for (const auto& view : projections::registered_views()) {
      auto one = replay(view, **stores, **lists);
      if (!one) return tl::unexpected<fault>{one.error()};
      out.push_back(std::move(*one));
    }
    return out;
  }

 private:
  auto replay(const projections::view_definition& view, store::view_store_factory& stores,
              store::target_lists& lists) -> result<replayed_view> {
    replayed_view out{std::string{view.name}, view.version, {}, {}, {}, {}, log_.head().last, {}};
    const auto live = read_live(from_.views, view);
    if (!live) return tl::unexpected<fault>{live.error()};
    shown_.end_at(log_.head().last);
    auto views = projections::open_view_set({view}, {&shown_, &lists}, stores, {});
    if (!views) return tl::unexpected<fault>{views.error()};
    if (*live && (*live)->checkpoint.at.value != 0) {  // Else it was never built.
      out.live_hash = (*live)->hash;
      if (auto compared = compare(**live, **views, out); !compared)
        return tl::unexpected<fault>{compared.error()};
    }
    shown_.end_at(log_.head().last);
    auto hash = run_to_end(**views, view.name, tell_);
    if (!hash) return tl::unexpected<fault>{hash.error()};
    out.hash = std::move(*hash);
    return out;
  }

  auto compare(const live_rows& live, projections::view_set& views, replayed_view& out)
      -> result<void> {
    const auto ours = fits(log_, live.checkpoint);
    if (!ours) return tl::unexpected<fault>{ours.error()};
    if (!*ours) {
      out.verdict = replay_verdict::other_history;
      return {};
    }
    shown_.end_at(live.checkpoint.at);
    auto hash = run_to_end(views, out.name, tell_);
    if (!hash) return tl::unexpected<fault>{hash.error()};
    out.compared_at = live.checkpoint.at;
    out.replay_hash = std::move(*hash);
    out.verdict = out.replay_hash == out.live_hash ? replay_verdict::equal
                                                   : replay_verdict::different;
    return {};
  }

  const apps::data_layout& from_;
  const store::event_log& log_;
  log_until shown_;
  work_progress tell_;
};

}  // namespace

auto name_of(replay_verdict verdict) -> std::string_view {
  switch (verdict) {
    case replay_verdict::equal:
      return "equal";
    case replay_verdict::different:
      return "different";
    case replay_verdict::other_history:
      return "other_history";
    case replay_verdict::no_live_view:
      return "no_live_view";
  }
  return "";
}

auto replay_views(const std::string& data, const std::string& into, const work_progress& tell)
    -> result<std::vector<replayed_view>> {
  const apps::data_layout from{data};
  std::optional<store::data_lock> lock;
  std::error_code error;
  if (fs::is_directory(from.views, error)) {
    auto locked = store::data_lock::acquire(data);
    if (!locked) return tl::unexpected<fault>{locked.error()};
    lock.emplace(std::move(*locked));
  }
  store::log_options options;
  options.directory = from.log;
  options.read_only = true;
  const auto log = store::open_lmdb_log(options, 0);
  if (!log) return tl::unexpected<fault>{log.error()};
  auto work = work_directory::open(into);
  if (!work) return tl::unexpected<fault>{work.error()};
  for (const auto* folder : {"/views", "/lists"})
    if (auto made = make_folder(work->path() + folder); !made)
      return tl::unexpected<fault>{made.error()};
  auto out = replayer{from, **log, tell}.run(work->path());
  if (!out) return out;
  if (auto finished = work->finish(); !finished) return tl::unexpected<fault>{finished.error()};
  return out;
}

}  // namespace bestow::evidence
