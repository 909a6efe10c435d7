// The appending half of lmdb_log, and how it begins another segment.
#include <sys/statvfs.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "events/limits.hpp"
#include "store/files.hpp"
#include "store/lmdb_log.hpp"
#include "store/log_files.hpp"

namespace bestow::store {
namespace {

/// Months since the year 0, in UTC.
auto month_of(timestamp at) -> int {
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds{at.value}};
  const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(time)};
  return int{day.year()} * 12 + static_cast<int>(unsigned{day.month()});
}

/// Bytes of the file that the last commit counts. Reads no page.
auto used_bytes(const lmdb_env& env) -> std::uint64_t {
  MDB_envinfo info{};
  MDB_stat stat{};
  if (mdb_env_info(env.handle(), &info) != 0 || mdb_env_stat(env.handle(), &stat) != 0) return 0;
  return (std::uint64_t{info.me_last_pgno} + 1) * stat.ms_psize;
}

}  // namespace

auto lmdb_log::append_group(std::span<const append_batch> group, timestamp wall)
    -> result<std::vector<append_answer>> {
  const std::shared_lock lock{environment_mutex_};
  if (options_.read_only)
    return fail(fault_code::internal, "append_group", "the log is open for reading only");
  auto segment = active();
  if (refuses_ || !segment)
    return fail(fault_code::log_io_failed, "append_group", "a commit failed: reopen first");
  auto planned = plan(**segment, group, wall);
  if (!planned) return tl::unexpected<fault>{std::move(planned.error())};
  if (planned->frames.empty()) return std::move(planned->answers);
  if (seal_due(**segment, planned->head.recorded_at)) {
    if (auto sealed = seal(*segment, wall); !sealed)
      return tl::unexpected<fault>{std::move(sealed.error())};
    segment = active();
  }
  if (auto written = write(**segment, *planned); !written)
    return tl::unexpected<fault>{std::move(written.error())};
  remember(*planned);
  keep_house(**segment, wall);
  return std::move(planned->answers);
}

auto lmdb_log::plan(const open_log& active, std::span<const append_batch> group, timestamp wall)
    -> result<group_plan> {
  std::optional<lmdb_txn> txn;  // Only a stream that is not cached costs a transaction.
  const auto lookup = [&](const stream_id& stream) -> result<stream_version> {
    if (const auto it = heads_cache_.find(stream); it != heads_cache_.end()) return it->second;
    if (!txn) {
      auto begun = lmdb_txn::begin(active.env, lmdb_txn::access::read);
      if (!begun) return tl::unexpected<fault>{std::move(begun.error())};
      txn = std::move(*begun);
    }
    return version_in(active, *txn, stream);
  };
  return plan_group(group, head(), active.identity, wall, lookup);
}

/// Precondition: a write transaction of it is open, so nobody seals it meanwhile.
auto lmdb_log::not_sealed_by_others(const open_log& active) -> result<void> {
  const auto next = segment_path(options_.directory, active.number + 1);
  if (!file_exists(next)) return {};
  refuses_ = true;
  return fail(fault_code::log_corrupt, "append_group",
              fmt::format("{}: begun by someone else while {} was written", next,
                          active.env.path()));
}

auto lmdb_log::write(const open_log& active, const group_plan& plan) -> result<void> {
  auto txn = lmdb_txn::begin(active.env, lmdb_txn::access::write);
  if (!txn) {
    refuses_ = true;
    return tl::unexpected<fault>{std::move(txn.error())};
  }
  if (auto mine = not_sealed_by_others(active); !mine) return mine;
  if (auto put = put_all(active, *txn, plan); !put) {
    // Nothing reached the file, so a full map leaves the log as it was.
    refuses_ = put.error().code != fault_code::log_full;
    return put;
  }
  if (auto committed = txn->commit(); !committed) {
    // What a failed commit left behind only the file can tell.
    refuses_ = true;
    if (committed.error().code != fault_code::log_full)
      return fail(fault_code::log_io_failed, committed.error().operation,
                  std::move(committed.error().detail));
    // A full disk is met while data pages are written; if the environment is sound and its head
    // has not moved, nothing of the group stands.
    auto check = lmdb_txn::begin(active.env, lmdb_txn::access::read);
    auto now = check ? load_head(active, *check)
                     : result<log_head>{tl::unexpected<fault>{std::move(check.error())}};
    if (!now || now->last != head().last)
      return fail(fault_code::log_io_failed, committed.error().operation,
                  std::move(committed.error().detail));
    refuses_ = false;
    return committed;
  }
  return {};
}

auto lmdb_log::put_all(const open_log& active, const lmdb_txn& txn, const group_plan& plan)
    -> result<void> {
  const auto check = [&active](int rc, std::string_view table, position at) -> result<void> {
    if (rc == 0) return {};
    if (rc == MDB_KEYEXIST)  // The trip-wire: someone else wrote behind this writer's back.
      return fail(fault_code::log_corrupt, "mdb_put",
                  fmt::format("{} position {}: already written", table, at.value));
    return lmdb_fault(rc, "mdb_put", active.env.path());
  };
  for (const auto& frame : plan.frames)
    if (auto put = check(
            txn.put(active.tables.frames, key_of(frame.first), frame.bytes, MDB_APPEND), "frames",
            frame.first);
        !put)
      return put;
  for (const auto& entry : plan.index)
    if (auto put = check(txn.put(active.tables.index, key_of(entry.stream, entry.first),
                                 key_of(entry.frame), MDB_NOOVERWRITE),
                         "index", entry.frame);
        !put)
      return put;
  for (const auto& [stream, version] : plan.versions)
    if (auto put = check(txn.put(active.tables.heads, key_of(stream),
                                 key_of(position{version.value}), 0),
                         "heads", plan.head.last);
        !put)
      return put;
  return {};
}

void lmdb_log::remember(const group_plan& plan) {
  if (heads_cache_.size() + plan.versions.size() > limits::log_heads_cache_max)
    heads_cache_.clear();
  for (const auto& [stream, version] : plan.versions) heads_cache_[stream] = version;
  const std::lock_guard lock{head_mutex_};
  head_ = plan.head;
}

/// Between commits: the anchor, and slots of readers that died.
void lmdb_log::keep_house(const open_log& active, timestamp wall) {
  const auto since = wall.value - anchored_wall_.value;
  if (since >= 0 && since < limits::anchor_interval.count()) return;
  anchored_wall_ = wall;
  // Neither may fail an append that is durable: the older anchor still holds (statistics() shows
  // how far it reaches), and a reader that cannot be freed is shown as a lagging one.
  static_cast<void>(save_anchor());
  static_cast<void>(active.env.check_readers());
}

auto lmdb_log::has_room() const -> bool {
  // As a commit may take: the group, and copies of the pages on the way to it.
  constexpr std::uint64_t enough = 2 * limits::group_bytes_max;
  const std::shared_lock lock{environment_mutex_};
  const auto segment = active();
  struct statvfs disk {};
  if (!segment || ::statvfs(options_.directory.c_str(), &disk) != 0) return false;
  MDB_envinfo info{};
  if (mdb_env_info((*segment)->env.handle(), &info) != 0) return false;
  return std::uint64_t{disk.f_bavail} * disk.f_frsize >= enough &&
         used_bytes((*segment)->env) + enough <= info.me_mapsize;
}

auto lmdb_log::seal_due(const open_log& active, timestamp recorded_at) const -> bool {
  const auto now = head();
  if (now.last < active.begin()) return false;  // It holds no frame yet.
  if (active.number >= limits::log_segments_max) return false;
  if (seal_failed_wall_) {  // Not at every group: each attempt writes a file.
    const auto since = recorded_at.value - seal_failed_wall_->value;
    if (since >= 0 && since < limits::anchor_interval.count()) return false;
  }
  return used_bytes(active.env) >= options_.segment_bytes ||
         (options_.segment_monthly && month_of(recorded_at) != month_of(now.recorded_at));
}

auto lmdb_log::seal(const segment_ptr& active, timestamp wall) -> result<void> {
  const log_place next{options_.directory, options_.map_bytes, false, active->number + 1};
  const auto not_now = [&](const fault& why) -> result<void> {
    seal_failed_wall_ = std::max(wall, head().recorded_at);
    note_seal(to_string(why));
    return {};
  };
  const auto unsettled = [&](fault why) -> result<void> {
    refuses_ = true;
    return fail(fault_code::log_io_failed, why.operation, std::move(why.detail));
  };
  {
    auto txn = lmdb_txn::begin(active->env, lmdb_txn::access::write);
    if (!txn) return not_now(txn.error());
    if (auto mine = not_sealed_by_others(*active); !mine) return mine;
    const auto stored = load_head(*active, *txn);
    if (!stored) return unsettled(stored.error());
    if (stored->last != head().last)
      return unsettled({fault_code::log_corrupt, fault_action::stop_process, "seal",
                        fmt::format("position {}: written by someone else", stored->last.value)});
    const auto row = row_for(*active, *txn, *stored);
    if (!row) return not_now(row.error());
    if (auto begun = begin_next_segment(*active, *txn, *row, next); !begun) {
      if (file_exists(segment_path(next.directory, next.number))) return unsettled(begun.error());
      return not_now(begun.error());
    }
  }
  settle_sealed(options_.directory, active->number);
  auto opened = open_tables(next, new_log_seed_);
  if (!opened) return unsettled(opened.error());
  replace_active(std::make_shared<const open_log>(std::move(*opened)));
  seal_failed_wall_.reset();
  note_seal("");
  return {};
}

void lmdb_log::note_seal(std::string problem) {
  const std::lock_guard lock{house_mutex_};
  seal_problem_ = std::move(problem);
}

}  // namespace bestow::store
