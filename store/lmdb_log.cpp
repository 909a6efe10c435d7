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

/// Touching pages beyond a cut file's end would kill this process, so a child looks first.
auto check_length(const log_place& place) -> result<void> {
  auto is_short = file_is_short(place);
  if (!is_short) return tl::unexpected<fault>{std::move(is_short.error())};
  if (!*is_short) return {};
  auto report = verify_in_child(place.directory, {});
  if (!report) return tl::unexpected<fault>{std::move(report.error())};
  if (report->clean) return {};  // Only free pages lie beyond the end.
  return fail(fault_code::log_corrupt, "open_log",
              fmt::format("{}: the file is cut off; {}",
                          segment_path(place.directory, place.number), report->problem));
}

}  // namespace

lmdb_log::lmdb_log(log_options options, std::uint64_t new_log_seed)
    : options_{std::move(options)},
      new_log_seed_{new_log_seed},
      sealed_{options_.directory} {}

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
  if (active_ && !options_.read_only) static_cast<void>(save_anchor());
}

/// Precondition: nobody uses the environment.
auto lmdb_log::open_environment() -> result<void> {
  replace_active(nullptr);
  sealed_.clear();
  heads_cache_.clear();
  seal_failed_wall_.reset();
  // Before the head: a writer beside a read-only log may move both between the two reads.
  auto anchor = read_anchor(options_.directory);
  if (!anchor) return tl::unexpected<fault>{std::move(anchor.error())};
  auto newest = newest_segment(options_.directory);
  if (!newest) return tl::unexpected<fault>{std::move(newest.error())};
  if (*anchor && *newest == 0)
    return fail(fault_code::log_rolled_back, "open_log",
                fmt::format("{}: missing, though it was at position {} before",
                            segment_path(options_.directory, 1), (*anchor)->at.value));
  auto opened = open_active(*newest);
  if (!opened) return tl::unexpected<fault>{std::move(opened.error())};
  log_head head;
  {
    auto txn = lmdb_txn::begin((*opened)->env, lmdb_txn::access::read);
    if (!txn) return tl::unexpected<fault>{std::move(txn.error())};
    auto loaded = load_head(**opened, *txn);
    if (!loaded) return tl::unexpected<fault>{std::move(loaded.error())};
    head = *loaded;
  }
  if (*anchor)
    if (auto fits = check_anchor(**anchor, *opened, head); !fits) return fits;
  log_id_ = log_id_text((*opened)->identity.log_id);
  replace_active(std::move(*opened));
  {
    const std::lock_guard lock{head_mutex_};
    head_ = head;
  }
  refuses_ = false;
  if (options_.read_only) return {};
  auto saved = save_anchor();
  if (saved || !*anchor) return saved;
  // A full disk: the older anchor still holds, and reading must go on.
  const std::lock_guard lock{house_mutex_};
  anchored_ = (*anchor)->at;
  return {};
}

/// Opens the last segment and sees that every earlier one is there.
auto lmdb_log::open_active(std::uint32_t newest) -> result<segment_ptr> {
  const auto& directory = options_.directory;
  const log_place place{directory, options_.map_bytes, options_.read_only,
                        std::max<std::uint32_t>(newest, 1)};
  if (newest != 0)
    if (auto whole = check_length(place); !whole)
      return tl::unexpected<fault>{std::move(whole.error())};
  if (newest > 1 && !options_.read_only) {
    // A writer that was killed while it began this segment: its name may not be durable yet.
    settle_sealed(directory, newest - 1);
    if (auto synced = sync_directory(directory); !synced)
      return tl::unexpected<fault>{std::move(synced.error())};
  }
  auto opened = open_tables(place, new_log_seed_);
  if (!opened) return tl::unexpected<fault>{std::move(opened.error())};
  for (const auto& row : opened->before)
    if (auto there = check_sealed_file(directory, row); !there)
      return tl::unexpected<fault>{std::move(there.error())};
  if (!options_.read_only) forget_unfinished(directory, place.number + 1);
  return std::make_shared<const open_log>(std::move(*opened));
}

/// The anchor was durable after what it names: a log without that lost it.
auto lmdb_log::check_anchor(const log_anchor& anchor, const segment_ptr& active,
                            const log_head& head) -> result<void> {
  const auto mine = log_id_text(active->identity.log_id);
  if (anchor.log_id != mine)
    return fail(fault_code::log_corrupt, "check_anchor",
                fmt::format("the anchor belongs to log {}, this is {}", anchor.log_id, mine));
  if (head.last < anchor.at || head.frames < anchor.frames)
    return fail(fault_code::log_rolled_back, "check_anchor",
                fmt::format("{}: the log ends at position {}, it was at {} before",
                            active->env.path(), head.last.value, anchor.at.value));
  if (anchor.at.value == 0) return {};
  auto segment = segment_of(active, anchor.at);
  if (!segment) return tl::unexpected<fault>{std::move(segment.error())};
  auto txn = lmdb_txn::begin((*segment)->env, lmdb_txn::access::read);
  if (!txn) return tl::unexpected<fault>{std::move(txn.error())};
  auto frames = lmdb_cursor::open(*txn, (*segment)->tables.frames);
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

auto lmdb_log::reopen() -> result<void> {
  const std::unique_lock lock{environment_mutex_};
  return open_environment();
}

auto lmdb_log::save_anchor() -> result<void> {
  const auto now = head();
  auto written =
      write_anchor(options_.directory, {log_id_, now.last, now.frame_hash, now.frames});
  if (written) {
    const std::lock_guard lock{house_mutex_};
    anchored_ = now.last;
  }
  return written;
}

auto open_lmdb_log(const log_options& options, std::uint64_t new_log_seed)
    -> result<std::unique_ptr<event_log>> {
  return lmdb_log::open(options, new_log_seed);
}

}  // namespace bestow::store
