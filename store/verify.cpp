#include <unistd.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "events/limits.hpp"
#include "store/anchor.hpp"
#include "store/event_log.hpp"
#include "store/files.hpp"
#include "store/log_files.hpp"
#include "store/log_tables.hpp"

namespace bestow::store {
namespace {

/// What the walk knows of one stream.
struct stream_fold {
  stream_version last{};
  position last_frame{};
};

/// Walks the segments of a log in order and stops at the first thing that is wrong.
class walker {
 public:
  walker(std::optional<log_anchor> anchor, const std::function<void(std::uint64_t)>& progress)
      : anchor_{std::move(anchor)}, progress_{progress} {}

  /// False once something is wrong.
  auto walk(const open_log& log) -> bool {
    log_ = &log;
    frames_before_ = report_.frames;
    index_entries_ = 0;
    check_identity();
    while (report_.clean) {
      auto txn = lmdb_txn::begin(log.env, lmdb_txn::access::read);
      if (!txn) {
        bad(next(), to_string(txn.error()));
        break;
      }
      if (!walk_some(*txn)) continue;
      // The end is reached: what follows is checked in the same snapshot.
      check_index(*txn);
      check_heads(*txn);
      check_counts(*txn);
      remember(*txn);
      break;
    }
    return report_.clean;
  }

  auto finish() -> verify_report {
    check_anchor();
    return std::move(report_);
  }

  [[nodiscard]] auto next() const -> position { return {report_.last.value + 1}; }

  void bad(position at, std::string problem) {
    if (!report_.clean) return;  // The first problem is the one that is named.
    report_.clean = false;
    report_.bad_at = at;
    report_.problem = std::move(problem);
  }

 private:
  /// The segment belongs to this log and remembers each earlier segment as it was found.
  void check_identity() {
    if (!log_id_) log_id_ = log_->identity.log_id;
    if (log_->identity.log_id != *log_id_)
      return bad(next(), fmt::format("{}: belongs to another log", log_->env.path()));
    if (log_->before == rows_) return;
    for (std::size_t i = 0; i < rows_.size() && i < log_->before.size(); ++i)
      if (log_->before[i] != rows_[i])
        return bad(next(), fmt::format("{}: does not follow {}", log_->env.path(),
                                       describe(rows_[i])));
    bad(next(), fmt::format("{}: is not the segment after {}", log_->env.path(), rows_.size()));
  }

  /// What every later segment must say of this one.
  void remember(const lmdb_txn& txn) {
    if (!report_.clean || report_.frames == frames_before_) return;
    auto row = row_for(*log_, txn, {report_.last, report_.head_hash, report_.frames, recorded_at_});
    if (!row) return bad(end(), to_string(row.error()));
    rows_.push_back(*row);
  }

  /// True at the end of the segment; false when the transaction has read its share or on a problem.
  auto walk_some(const lmdb_txn& txn) -> bool {
    auto frames = lmdb_cursor::open(txn, log_->tables.frames);
    if (!frames) return bad(next(), to_string(frames.error())), false;
    auto found =
        report_.frames == frames_before_ ? frames->first() : frames->at_least(key_of(next()));
    std::size_t bytes = 0;
    for (; found && *found; found = frames->next()) {
      if (bytes >= limits::verify_read_txn_bytes) return false;
      bytes += frames->value().size();
      check_frame(txn, *frames);
      if (!report_.clean) return false;
    }
    if (!found) bad(next(), to_string(found.error()));
    return report_.clean;
  }

  void check_frame(const lmdb_txn& txn, const lmdb_cursor& frames) {
    const auto key = frame_key(frames);
    if (!key) return bad(next(), to_string(key.error()));
    if (*key != next())
      return bad(next(), fmt::format("position {}: missing, the next frame begins at {}",
                                     next().value, key->value));
    const auto frame = decode_frame(frames.value(), *key);
    if (!frame) return bad(*key, frame.error().detail);
    const auto& header = frame->header;
    const auto complain = [&](std::string_view what) {
      bad(*key, fmt::format("position {}: {}", key->value, what));
    };
    if (header.identity.log_id != *log_id_)
      return complain("the frame belongs to another log");
    if (header.previous != report_.head_hash)
      return complain("the chain is broken: the previous frame's hash differs");
    if (header.recorded_at < recorded_at_) return complain("the recorded time goes back");
    if (!records_complete(*frame)) return complain("the records do not fill the frame");
    check_records(txn, *frame, *key);
    if (!report_.clean) return;
    ++report_.frames;
    report_.events += header.count;
    report_.last = header.last();
    report_.head_hash = hash_of_frame(frames.value());
    recorded_at_ = header.recorded_at;
    if (anchor_ && report_.last == anchor_->at)
      anchor_met_ = report_.head_hash == anchor_->frame_hash && report_.frames == anchor_->frames;
    if (progress_) progress_(report_.events);
  }

  void check_records(const lmdb_txn& txn, const frame_view& frame, position key) {
    record_cursor records{frame.records};
    for (position at = key; const auto record = records.next(); ++at.value) {
      auto& stream = streams_[record->stream];
      if (record->version.value != stream.last.value + 1)
        return bad(at, fmt::format("position {}: {} has version {} after {}", at.value,
                                   to_string(record->stream), record->version.value,
                                   stream.last.value));
      stream.last = record->version;
      if (stream.last_frame == key) continue;
      stream.last_frame = key;
      ++index_entries_;
      auto row = txn.get(log_->tables.index, key_of(record->stream, record->version));
      if (!row) return bad(key, to_string(row.error()));
      if (!*row || number_in(**row) != key.value)
        return bad(key, fmt::format("position {}: the index of {} does not lead here", key.value,
                                    to_string(record->stream)));
    }
  }

  void check_anchor() {
    if (!anchor_ || anchor_->at.value == 0) return;
    if (report_.last < anchor_->at)
      return bad(next(), fmt::format("the log ends at position {}, it was at {} before",
                                     report_.last.value, anchor_->at.value));
    if (!anchor_met_)
      bad(anchor_->at, fmt::format("position {}: the frame is not the one that was anchored",
                                   anchor_->at.value));
  }

  /// Every entry was looked up on the way; here none may be left over, and all must be reachable.
  void check_index(const lmdb_txn& txn) {
    auto index = lmdb_cursor::open(txn, log_->tables.index);
    if (!index) return bad(end(), to_string(index.error()));
    std::uint64_t entries = 0;
    auto found = index->first();
    for (; found && *found; found = index->next()) {
      if (index->key().size() != sizeof(index_key))
        return bad(end(), "a key of the index is damaged");
      // More than expected is wrong already; going on could circle in damaged pages.
      if (++entries > index_entries_) break;
    }
    if (!found) return bad(end(), to_string(found.error()));
    if (entries != index_entries_)
      bad(end(), fmt::format("the index has {} entries where the frames make {}", entries,
                             index_entries_));
  }

  void check_heads(const lmdb_txn& txn) {
    auto heads = lmdb_cursor::open(txn, log_->tables.heads);
    if (!heads) return bad(end(), to_string(heads.error()));
    std::uint64_t entries = 0;
    auto found = heads->first();
    for (; found && *found && entries <= streams_.size(); found = heads->next(), ++entries) {
      const auto stream = stream_in(heads->key());
      const auto it = stream ? streams_.find(*stream) : streams_.end();
      if (it == streams_.end())
        return bad(end(), "the table of heads names a stream that no frame holds");
      if (number_in(heads->value()) != it->second.last.value)
        return bad(it->second.last_frame, fmt::format("the head of {} is wrong",
                                                      to_string(*stream)));
    }
    if (!found) return bad(end(), to_string(found.error()));
    if (entries != streams_.size())
      bad(end(), fmt::format("the table of heads has {} streams where the frames make {}", entries,
                             streams_.size()));
  }

  /// The counts that LMDB keeps, which head() and `log stat` show.
  void check_counts(const lmdb_txn& txn) {
    for (const auto& [table, expected] :
         {std::pair{log_->tables.frames, report_.frames - frames_before_}, {log_->tables.index, index_entries_},
          {log_->tables.heads, std::uint64_t{streams_.size()}}}) {
      const auto count = txn.entries(table);
      if (!count) return bad(end(), to_string(count.error()));
      if (*count != expected)
        return bad(end(), fmt::format("a table counts {} entries and has {}", *count, expected));
    }
  }

  /// Where a problem beside the frames is reported: an existing position when there is one.
  [[nodiscard]] auto end() const -> position {
    return {std::max<std::uint64_t>(report_.last.value, 1)};
  }

  const open_log* log_{nullptr};  ///< The segment that is walked.
  std::optional<log_id_bytes> log_id_;
  std::vector<segment_row> rows_;  ///< Of the segments walked so far.
  std::uint64_t frames_before_{0};
  const std::optional<log_anchor> anchor_;
  const std::function<void(std::uint64_t)>& progress_;
  verify_report report_;
  timestamp recorded_at_{std::numeric_limits<std::int64_t>::min()};
  std::unordered_map<stream_id, stream_fold> streams_;
  std::uint64_t index_entries_{0};  ///< Of the segment.
  bool anchor_met_{false};
};

/// Opens a segment for the walk. What is wrong with the file itself is a finding, noted in `work`;
/// nullopt then. What keeps this process from looking is a fault.
auto open_for_walk(const std::string& directory, std::uint32_t number, bool sealed, walker& work)
    -> result<std::optional<open_log>> {
  const auto path = segment_path(directory, number);
  const log_place place{directory, limits::log_map_bytes_default, true, number, sealed};
  const auto finding = [&](std::string problem) -> std::optional<open_log> {
    work.bad(work.next(), std::move(problem));
    return std::nullopt;
  };
  if (!file_exists(path)) return finding(fmt::format("{}: missing", path));
  if (::access(path.c_str(), R_OK) != 0)
    return fail(fault_code::log_io_failed, "verify", fmt::format("{}: may not be read", path));
  // Unreadable pages are a finding. The file can be read, so LMDB's refusal to open it speaks of
  // what it found there.
  const auto is_finding = [](const fault& f) {
    return f.code == fault_code::log_corrupt || f.operation == "mdb_env_open";
  };
  if (sealed) {
    // Of the segment that is written a cut may have taken free pages only: the walk will tell.
    const auto cut = file_is_short(place);
    if (!cut) {
      if (is_finding(cut.error())) return finding(to_string(cut.error()));
      return tl::unexpected<fault>{cut.error()};
    }
    if (*cut) return finding(fmt::format("{}: the file is cut off", path));
  }
  auto log = open_tables(place, 0);
  if (log) return std::optional{std::move(*log)};
  if (is_finding(log.error())) return finding(to_string(log.error()));
  return tl::unexpected<fault>{std::move(log.error())};
}

}  // namespace

auto verify(const std::string& directory,
            const std::function<void(std::uint64_t events)>& progress) -> result<verify_report> {
  // Before the files: what it names is then in them, however far a writer gets meanwhile.
  auto anchor = read_anchor(directory);
  const auto newest = newest_segment(directory);
  if (!newest) return tl::unexpected<fault>{newest.error()};
  if (*newest == 0 && !(anchor && *anchor))
    return fail(fault_code::log_io_failed, "verify",
                fmt::format("{}: no log here", segment_path(directory, 1)));
  walker work{anchor ? *anchor : std::nullopt, progress};
  for (std::uint32_t number = 1; number <= std::max<std::uint32_t>(*newest, 1); ++number) {
    auto log = open_for_walk(directory, number, number < *newest, work);
    if (!log) return tl::unexpected<fault>{std::move(log.error())};
    if (!*log || !work.walk(**log)) break;
  }
  auto report = work.finish();
  if (!anchor && report.clean) {
    report.clean = false;
    report.bad_at = {std::max<std::uint64_t>(report.last.value, 1)};
    report.problem = to_string(anchor.error());
  }
  return report;
}

}  // namespace bestow::store
