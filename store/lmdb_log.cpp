#include "store/lmdb_log.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "events/limits.hpp"
#include "store/anchor.hpp"
#include "store/files.hpp"
#include "store/log_files.hpp"
#include "store/verify_child.hpp"

namespace bestow::store {
namespace {

auto as_log_fault(fault f) -> tl::unexpected<fault> {
  if (f.code == fault_code::file_io_failed)
    return fail(fault_code::log_io_failed, f.operation, std::move(f.detail));
  return tl::unexpected<fault>{std::move(f)};
}

/// The anchor was durable after what it names: a log without that lost it.
auto check_anchor(const log_anchor& anchor, const open_log& log, const log_head& head)
    -> result<void> {
  if (anchor.log_id != log_id_text(log.identity.log_id))
    return fail(fault_code::log_corrupt, "check_anchor",
                fmt::format("the anchor belongs to log {}, this is {}", anchor.log_id,
                            log_id_text(log.identity.log_id)));
  if (head.last < anchor.at || head.frames < anchor.frames)
    return fail(fault_code::log_rolled_back, "check_anchor",
                fmt::format("the log ends at position {}, it was at {} before", head.last.value,
                            anchor.at.value));
  if (anchor.at.value == 0) return {};
  auto txn = lmdb_txn::begin(log.env, lmdb_txn::access::read);
  if (!txn) return tl::unexpected<fault>{std::move(txn.error())};
  auto frames = lmdb_cursor::open(*txn, log.tables.frames);
  if (!frames) return tl::unexpected<fault>{std::move(frames.error())};
  auto found = seek_frame(*frames, anchor.at);
  if (!found) return tl::unexpected<fault>{std::move(found.error())};
  const auto differs = [&] {
    return fail(fault_code::log_corrupt, "check_anchor",
                fmt::format("position {}: the frame is not the one that was anchored",
                            anchor.at.value));
  };
  if (!*found) return differs();
  auto key = frame_key(*frames);
  if (!key) return tl::unexpected<fault>{std::move(key.error())};
  auto frame = decode_frame(frames->value(), *key);
  if (!frame) return tl::unexpected<fault>{std::move(frame.error())};
  if (frame->header.last() != anchor.at || hash_of_frame(frames->value()) != anchor.frame_hash)
    return differs();
  return {};
}

/// Touching pages beyond a cut file's end would kill this process, so a child looks first.
auto check_length(const log_place& place) -> result<void> {
  auto is_short = file_is_short(place);
  if (!is_short) return tl::unexpected<fault>{std::move(is_short.error())};
  if (!*is_short) return {};
  auto report = verify_in_child(place.directory, {});
  if (!report) return tl::unexpected<fault>{std::move(report.error())};
  if (report->clean) return {};  // Only free pages lie beyond the end.
  return fail(fault_code::log_corrupt, "open_log",
              fmt::format("{}: the file is cut off; {}", segment_path(place.directory, 1),
                          report->problem));
}

}  // namespace

lmdb_log::lmdb_log(log_options options, std::uint64_t new_log_seed)
    : options_{std::move(options)}, new_log_seed_{new_log_seed} {}

auto lmdb_log::open(const log_options& options, std::uint64_t new_log_seed)
    -> result<std::unique_ptr<lmdb_log>> {
  std::unique_ptr<lmdb_log> out{new lmdb_log{options, new_log_seed}};
  if (!options.read_only)
    if (auto made = make_directory(options.directory); !made)
      return as_log_fault(std::move(made.error()));
  if (auto opened = out->open_environment(); !opened)
    return as_log_fault(std::move(opened.error()));
  return out;
}

lmdb_log::~lmdb_log() {
  // A failure leaves the older anchor, which still holds; there is no one to tell here.
  if (log_ && !options_.read_only) static_cast<void>(save_anchor());
}

/// Precondition: nobody uses the environment.
auto lmdb_log::open_environment() -> result<void> {
  log_.reset();
  heads_cache_.clear();
  // Before the head: a writer beside a read-only log may move both between the two reads.
  auto anchor = read_anchor(options_.directory);
  if (!anchor) return tl::unexpected<fault>{std::move(anchor.error())};
  const auto path = segment_path(options_.directory, 1);
  if (*anchor && !file_exists(path))
    return fail(fault_code::log_rolled_back, "open_log",
                fmt::format("{}: missing, though it was at position {} before", path,
                            (*anchor)->at.value));
  const log_place place{options_.directory, options_.map_bytes, options_.read_only};
  if (file_exists(path))
    if (auto whole = check_length(place); !whole) return whole;
  auto opened = open_tables(place, new_log_seed_);
  if (!opened) return tl::unexpected<fault>{std::move(opened.error())};
  log_head head;
  {
    auto txn = lmdb_txn::begin(opened->env, lmdb_txn::access::read);
    if (!txn) return tl::unexpected<fault>{std::move(txn.error())};
    auto loaded = load_head(*opened, *txn);
    if (!loaded) return tl::unexpected<fault>{std::move(loaded.error())};
    head = *loaded;
  }
  if (*anchor)
    if (auto fits = check_anchor(**anchor, *opened, head); !fits) return fits;
  log_ = std::move(*opened);
  log_id_ = log_id_text(log_->identity.log_id);
  {
    const std::lock_guard lock{head_mutex_};
    head_ = head;
  }
  refuses_ = false;
  return options_.read_only ? result<void>{} : save_anchor();
}

auto lmdb_log::reopen() -> result<void> {
  const std::unique_lock lock{environment_mutex_};
  return open_environment();
}

auto lmdb_log::append_group(std::span<const append_batch> group, timestamp wall)
    -> result<std::vector<append_answer>> {
  const std::shared_lock lock{environment_mutex_};
  if (options_.read_only)
    return fail(fault_code::internal, "append_group", "the log is open for reading only");
  if (refuses_ || !log_)
    return fail(fault_code::log_io_failed, "append_group", "a commit failed: reopen first");
  auto planned = plan(group, wall);
  if (!planned) return tl::unexpected<fault>{std::move(planned.error())};
  if (planned->frames.empty()) return std::move(planned->answers);
  if (auto written = write(*planned); !written)
    return tl::unexpected<fault>{std::move(written.error())};
  remember(*planned);
  keep_house(wall);
  return std::move(planned->answers);
}

auto lmdb_log::plan(std::span<const append_batch> group, timestamp wall) -> result<group_plan> {
  std::optional<lmdb_txn> txn;  // Only a stream that is not cached costs a transaction.
  const auto lookup = [&](const stream_id& stream) -> result<stream_version> {
    if (const auto it = heads_cache_.find(stream); it != heads_cache_.end()) return it->second;
    if (!txn) {
      auto begun = lmdb_txn::begin(log_->env, lmdb_txn::access::read);
      if (!begun) return tl::unexpected<fault>{std::move(begun.error())};
      txn = std::move(*begun);
    }
    return committed_version(*txn, stream);
  };
  return plan_group(group, head(), log_->identity, wall, lookup);
}

auto lmdb_log::write(const group_plan& plan) -> result<void> {
  auto txn = lmdb_txn::begin(log_->env, lmdb_txn::access::write);
  if (!txn) {
    refuses_ = true;
    return tl::unexpected<fault>{std::move(txn.error())};
  }
  if (auto put = put_all(*txn, plan); !put) {
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
    auto check = lmdb_txn::begin(log_->env, lmdb_txn::access::read);
    auto now = check ? load_head(*log_, *check)
                     : result<log_head>{tl::unexpected<fault>{std::move(check.error())}};
    if (!now || now->last != head().last)
      return fail(fault_code::log_io_failed, committed.error().operation,
                  std::move(committed.error().detail));
    refuses_ = false;
    return committed;
  }
  return {};
}

auto lmdb_log::put_all(const lmdb_txn& txn, const group_plan& plan) -> result<void> {
  const auto check = [this](int rc, std::string_view table, position at) -> result<void> {
    if (rc == 0) return {};
    if (rc == MDB_KEYEXIST)  // The trip-wire: someone else wrote behind this writer's back.
      return fail(fault_code::log_corrupt, "mdb_put",
                  fmt::format("{} position {}: already written", table, at.value));
    return lmdb_fault(rc, "mdb_put", log_->env.path());
  };
  for (const auto& frame : plan.frames)
    if (auto put = check(
            txn.put(log_->tables.frames, key_of(frame.first), frame.bytes, MDB_APPEND), "frames",
            frame.first);
        !put)
      return put;
  for (const auto& entry : plan.index)
    if (auto put = check(txn.put(log_->tables.index, key_of(entry.stream, entry.first),
                                 key_of(entry.frame), MDB_NOOVERWRITE),
                         "index", entry.frame);
        !put)
      return put;
  for (const auto& [stream, version] : plan.versions)
    if (auto put = check(txn.put(log_->tables.heads, key_of(stream),
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
void lmdb_log::keep_house(timestamp wall) {
  const auto since = wall.value - anchored_wall_.value;
  if (since >= 0 && since < limits::anchor_interval.count()) return;
  anchored_wall_ = wall;
  // Neither may fail an append that is durable: the older anchor still holds (statistics() shows
  // how far it reaches), and a reader that cannot be freed is shown as a lagging one.
  static_cast<void>(save_anchor());
  static_cast<void>(log_->env.check_readers());
}

auto lmdb_log::save_anchor() -> result<void> {
  const auto now = head();
  auto written =
      write_anchor(options_.directory, {log_id_, now.last, now.frame_hash, now.frames});
  if (written) {
    const std::lock_guard lock{anchor_mutex_};
    anchored_ = now.last;
  }
  return written;
}

auto open_lmdb_log(const log_options& options, std::uint64_t new_log_seed)
    -> result<std::unique_ptr<event_log>> {
  return lmdb_log::open(options, new_log_seed);
}

}  // namespace bestow::store
