// The reading half of lmdb_log.
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "events/limits.hpp"
#include "store/files.hpp"
#include "store/lmdb_log.hpp"
#include "store/log_files.hpp"

namespace bestow::store {
namespace {

auto gap(position at, position next) -> tl::unexpected<fault> {
  return fail(fault_code::log_corrupt, "read",
              fmt::format("position {}: missing, the next frame begins at {}", at.value,
                          next.value));
}

struct reader_slots {
  unsigned active{0};
  std::uint64_t oldest_txn{0};  ///< 0: no open read transaction.
};

/// mdb_reader_list gives text only: "pid thread txnid", the last "-" for a free slot.
auto add_slot(const char* line, void* context) -> int {
  auto& slots = *static_cast<reader_slots*>(context);
  const std::string_view text{line};
  const auto end = text.find_last_not_of(" \n");
  const auto start = end == std::string_view::npos ? end : text.find_last_of(' ', end);
  if (start == std::string_view::npos) return 0;
  std::uint64_t txn = 0;
  const auto word = text.substr(start + 1, end - start);
  const auto parsed = std::from_chars(word.data(), word.data() + word.size(), txn);
  if (parsed.ec != std::errc{} || parsed.ptr != word.data() + word.size()) return 0;
  ++slots.active;
  slots.oldest_txn = slots.oldest_txn == 0 ? txn : std::min(slots.oldest_txn, txn);
  return 0;
}

}  // namespace

auto lmdb_log::active() const -> result<segment_ptr> {
  segment_ptr now;
  {
    const std::lock_guard lock{active_mutex_};
    now = active_;
  }
  if (!now) return fail(fault_code::log_io_failed, "read", "the log is closed: reopen first");
  if (!options_.read_only || !file_exists(segment_path(options_.directory, now->number + 1)))
    return now;
  return follow_writer(std::move(now));
}

/// The writer beside this read-only log sealed what was the active segment.
auto lmdb_log::follow_writer(segment_ptr known) const -> result<segment_ptr> {
  const std::lock_guard lock{follow_mutex_};
  {
    const std::lock_guard now{active_mutex_};
    if (active_ != known) return active_;  // Another thread was here first.
  }
  const auto newest = newest_segment(options_.directory);
  if (!newest) return tl::unexpected<fault>{newest.error()};
  auto opened = open_tables({options_.directory, options_.map_bytes, true, *newest}, 0);
  if (!opened) return tl::unexpected<fault>{std::move(opened.error())};
  if (opened->identity.log_id != known->identity.log_id || opened->number <= known->number ||
      opened->before[known->number - 1].first != known->begin())
    return fail(fault_code::log_corrupt, "read",
                fmt::format("{}: does not follow {}", opened->env.path(), known->env.path()));
  auto out = std::make_shared<const open_log>(std::move(*opened));
  replace_active(out);
  return out;
}

void lmdb_log::replace_active(segment_ptr by) const {
  // The old one is closed by whoever reads it last, which may be this call: not under the mutex.
  segment_ptr old;
  const std::lock_guard lock{active_mutex_};
  old = std::exchange(active_, std::move(by));
}

auto lmdb_log::segment_of(const segment_ptr& active, position at) const -> result<segment_ptr> {
  const auto* row = row_of(active->before, at);
  return row == nullptr ? active : sealed_.get(*row, active->identity);
}

auto lmdb_log::segment_of(const segment_ptr& active, const stream_id& stream,
                          stream_version version) const -> result<segment_ptr> {
  if (active->before.empty()) return active;
  {
    // The usual case without opening another file: the first entry here is not above the version.
    auto txn = lmdb_txn::begin(active->env, lmdb_txn::access::read);
    if (!txn) return tl::unexpected<fault>{std::move(txn.error())};
    auto index = lmdb_cursor::open(*txn, active->tables.index);
    if (!index) return tl::unexpected<fault>{std::move(index.error())};
    auto found = index->at_most(key_of(stream, version));
    if (!found) return tl::unexpected<fault>{std::move(found.error())};
    if (*found && index->key().size() == sizeof(index_key) &&
        std::ranges::equal(index->key().first(sizeof(stream_key)), key_of(stream)))
      return active;
  }
  // A segment knows the versions at its end, and they only grow: the first one that reaches it.
  std::size_t low = 0;
  for (std::size_t high = active->before.size(); low < high;) {
    const auto middle = low + (high - low) / 2;
    auto segment = sealed_.get(active->before[middle], active->identity);
    if (!segment) return segment;
    auto txn = lmdb_txn::begin((*segment)->env, lmdb_txn::access::read);
    if (!txn) return tl::unexpected<fault>{std::move(txn.error())};
    const auto reached = version_in(**segment, *txn, stream);
    if (!reached) return tl::unexpected<fault>{reached.error()};
    if (*reached < version) low = middle + 1;
    else high = middle;
  }
  if (low == active->before.size()) return active;
  return sealed_.get(active->before[low], active->identity);
}

auto lmdb_log::log_id() const -> std::string {
  const std::shared_lock lock{environment_mutex_};
  return log_id_;
}

auto lmdb_log::head() const -> log_head {
  if (!options_.read_only) {
    const std::lock_guard lock{head_mutex_};
    return head_;
  }
  // Another process appends: the file knows. An unreadable file leaves the head last seen, and the
  // read that follows says why.
  const std::shared_lock environment{environment_mutex_};
  result<log_head> loaded{tl::unexpected<fault>{fault{}}};
  if (const auto segment = active())
    if (auto txn = lmdb_txn::begin((*segment)->env, lmdb_txn::access::read))
      loaded = load_head(**segment, *txn);
  const std::lock_guard lock{head_mutex_};
  if (loaded && loaded->last >= head_.last) head_ = *loaded;
  return head_;
}

auto lmdb_log::version_of(const stream_id& stream) const -> result<stream_version> {
  const std::shared_lock lock{environment_mutex_};
  auto segment = active();
  if (!segment) return tl::unexpected<fault>{std::move(segment.error())};
  auto txn = lmdb_txn::begin((*segment)->env, lmdb_txn::access::read);
  if (!txn) return tl::unexpected<fault>{std::move(txn.error())};
  return version_in(**segment, *txn, stream);
}

auto lmdb_log::read(position after, const read_options& options,
                    const event_visitor& visit) const -> result<position> {
  frame_reader reader{options, visit};
  // Tailing readers ask mostly at the head: no transaction for them.
  if (!options_.read_only && after >= head().last) return after;
  while (!reader.stopped()) {
    auto step = read_chunk(reader, after);
    if (!step) return tl::unexpected<fault>{std::move(step.error())};
    after = step->seen;
    if (step->at_end) break;
  }
  return after;
}

auto lmdb_log::read_chunk(frame_reader& reader, position after) const -> result<chunk<position>> {
  const std::shared_lock lock{environment_mutex_};
  const auto newest = active();
  if (!newest) return tl::unexpected<fault>{newest.error()};
  const auto segment = segment_of(*newest, {after.value + 1});
  if (!segment) return tl::unexpected<fault>{segment.error()};
  auto txn = lmdb_txn::begin((*segment)->env, lmdb_txn::access::read);
  if (!txn) return tl::unexpected<fault>{std::move(txn.error())};
  auto frames = lmdb_cursor::open(*txn, (*segment)->tables.frames);
  if (!frames) return tl::unexpected<fault>{std::move(frames.error())};
  auto found = seek_frame(*frames, {after.value + 1});
  if (found && !*found) found = frames->first();  // A log that does not begin at 1 shows as a gap.
  std::size_t bytes = 0;
  for (bool entered = false; found && *found; found = frames->next(), entered = true) {
    if (bytes >= limits::log_read_txn_bytes || reader.stopped())
      return chunk<position>{after, false};
    const auto key = frame_key(*frames);
    if (!key) return tl::unexpected<fault>{key.error()};
    if (key->value > after.value + 1 || (entered && key->value != after.value + 1))
      return gap({after.value + 1}, *key);
    bytes += frames->value().size();
    auto seen = reader.visit_positions(frames->value(), *key, after);
    if (!seen) return tl::unexpected<fault>{std::move(seen.error())};
    after = std::max(after, *seen);
  }
  if (!found) return tl::unexpected<fault>{std::move(found.error())};
  if (*segment == *newest) return chunk<position>{after, true};
  const auto& row = (*newest)->before[(*segment)->number - 1];
  if (after < row.last && !reader.stopped()) return gap({after.value + 1}, {row.last.value + 1});
  return chunk<position>{after, false};
}

auto lmdb_log::read_stream(const stream_id& stream, stream_version after,
                           const read_options& options, const event_visitor& visit) const
    -> result<stream_version> {
  frame_reader reader{options, visit};
  while (!reader.stopped()) {
    auto step = stream_chunk(reader, stream, after);
    if (!step) return tl::unexpected<fault>{std::move(step.error())};
    after = step->seen;
    if (step->at_end) break;
  }
  return after;
}

auto lmdb_log::stream_chunk(frame_reader& reader, const stream_id& stream,
                            stream_version after) const -> result<chunk<stream_version>> {
  const std::shared_lock lock{environment_mutex_};
  const auto newest = active();
  if (!newest) return tl::unexpected<fault>{newest.error()};
  {
    auto txn = lmdb_txn::begin((*newest)->env, lmdb_txn::access::read);
    if (!txn) return tl::unexpected<fault>{std::move(txn.error())};
    const auto total = version_in(**newest, *txn, stream);
    if (!total) return tl::unexpected<fault>{total.error()};
    if (after >= *total) return chunk<stream_version>{after, true};
  }
  const auto segment = segment_of(*newest, stream, {after.value + 1});
  if (!segment) return tl::unexpected<fault>{segment.error()};
  auto txn = lmdb_txn::begin((*segment)->env, lmdb_txn::access::read);
  if (!txn) return tl::unexpected<fault>{std::move(txn.error())};
  const auto last = version_in(**segment, *txn, stream);
  if (!last) return tl::unexpected<fault>{last.error()};
  auto index = lmdb_cursor::open(*txn, (*segment)->tables.index);
  if (!index) return tl::unexpected<fault>{std::move(index.error())};
  auto found = index->at_most(key_of(stream, {after.value + 1}));
  const auto missing = [&](std::string_view what) {
    return fail(fault_code::log_corrupt, "read_stream",
                fmt::format("{} version {}: {}", to_string(stream), after.value + 1, what));
  };
  std::size_t bytes = 0;
  for (; after < *last && !reader.stopped(); found = index->next()) {
    if (bytes >= limits::log_read_txn_bytes) return chunk<stream_version>{after, false};
    if (!found) return tl::unexpected<fault>{std::move(found.error())};
    const auto key = *found ? index->key() : std::span<const std::byte>{};
    if (key.size() != sizeof(index_key) || !std::ranges::equal(key.first(13), key_of(stream)))
      return missing("not in the index");
    const auto at = number_in(index->value());
    if (!at) return missing("its index entry is damaged");
    auto frame = txn->get((*segment)->tables.frames, key_of(position{*at}));
    if (!frame) return tl::unexpected<fault>{std::move(frame.error())};
    if (!*frame) return missing("its frame is missing");
    bytes += (*frame)->size();
    auto seen = reader.visit_stream(**frame, {*at}, stream, after);
    if (!seen) return tl::unexpected<fault>{std::move(seen.error())};
    if (*seen == after) return missing("not in its frame");
    after = *seen;
  }
  return chunk<stream_version>{after, after >= *last && *segment == *newest};
}

auto lmdb_log::streams(aggregate kind, std::uint64_t from_id, std::size_t count_max) const
    -> result<std::vector<stream_id>> {
  const std::shared_lock lock{environment_mutex_};
  const auto segment = active();
  if (!segment) return tl::unexpected<fault>{segment.error()};
  auto txn = lmdb_txn::begin((*segment)->env, lmdb_txn::access::read);
  if (!txn) return tl::unexpected<fault>{std::move(txn.error())};
  auto heads = lmdb_cursor::open(*txn, (*segment)->tables.heads);
  if (!heads) return tl::unexpected<fault>{std::move(heads.error())};
  std::vector<stream_id> out;
  auto found = heads->at_least(key_of(stream_id{kind, from_id, 0}));
  for (; found && *found && out.size() < count_max; found = heads->next()) {
    const auto stream = stream_in(heads->key());
    if (!stream)
      return fail(fault_code::log_corrupt, "streams", "a key of the heads table is damaged");
    if (stream->kind != kind) break;
    out.push_back(*stream);
  }
  if (!found) return tl::unexpected<fault>{std::move(found.error())};
  return out;
}

auto lmdb_log::frame_up_to(position at) const -> result<std::optional<frame_copy>> {
  const std::shared_lock lock{environment_mutex_};
  const auto newest = active();
  if (!newest) return tl::unexpected<fault>{newest.error()};
  const auto segment = segment_of(*newest, at);
  if (!segment) return tl::unexpected<fault>{segment.error()};
  auto txn = lmdb_txn::begin((*segment)->env, lmdb_txn::access::read);
  if (!txn) return tl::unexpected<fault>{std::move(txn.error())};
  auto frames = lmdb_cursor::open(*txn, (*segment)->tables.frames);
  if (!frames) return tl::unexpected<fault>{std::move(frames.error())};
  auto found = seek_frame(*frames, at);
  if (!found) return tl::unexpected<fault>{std::move(found.error())};
  if (!*found) return std::nullopt;
  const auto key = frame_key(*frames);
  if (!key) return tl::unexpected<fault>{key.error()};
  const auto bytes = frames->value();
  return frame_copy{*key, {bytes.begin(), bytes.end()}};
}

auto lmdb_log::frame_hash_at(position at) const -> result<sha256_digest> {
  if (at.value == 0) return sha256_digest{};
  const auto found = frame_up_to(at);
  if (!found) return tl::unexpected<fault>{found.error()};
  if (*found) {
    const auto frame = decode_frame((*found)->bytes, (*found)->first);
    if (!frame) return tl::unexpected<fault>{frame.error()};
    if (at <= frame->header.last()) return hash_of_frame((*found)->bytes);
  }
  return fail(fault_code::log_corrupt, "frame_hash_at",
              fmt::format("position {}: not in the log", at.value));
}

auto lmdb_log::frame_holding(position at) const
    -> result<std::optional<frame_copy>> {
  if (at.value != 0 && at > head().last) return std::nullopt;
  auto found = at.value == 0 ? result<std::optional<frame_copy>>{std::nullopt} : frame_up_to(at);
  if (found && !*found)
    return fail(fault_code::log_corrupt, "frame_holding",
                fmt::format("position {}: not in the log", at.value));
  return found;
}

auto lmdb_log::identity() const -> log_identity {
  const std::shared_lock lock{environment_mutex_};
  const std::lock_guard now{active_mutex_};
  return active_ ? active_->identity : log_identity{};
}

auto lmdb_log::statistics() const -> result<log_stat> {
  log_stat out;
  out.head = head();
  {
    const std::lock_guard lock{house_mutex_};
    out.anchored = anchored_;
    out.seal_problem = seal_problem_;
  }
  const std::shared_lock lock{environment_mutex_};
  const auto newest = active();
  if (!newest) return tl::unexpected<fault>{newest.error()};
  const auto& segment = **newest;
  auto txn = lmdb_txn::begin(segment.env, lmdb_txn::access::read);
  if (!txn) return tl::unexpected<fault>{std::move(txn.error())};
  out.log_id = log_id_;
  out.segments = segment.number;
  struct stat file {};
  if (::stat(segment.env.path().c_str(), &file) == 0)
    out.active_bytes = static_cast<std::uint64_t>(file.st_size);
  out.file_bytes = out.active_bytes;
  MDB_envinfo info{};
  MDB_stat frames_stat{};
  int rc = mdb_env_info(segment.env.handle(), &info);
  if (rc == 0) rc = mdb_stat(txn->handle(), segment.tables.frames, &frames_stat);
  reader_slots slots;
  if (rc == 0 && mdb_reader_list(segment.env.handle(), add_slot, &slots) < 0) rc = EIO;
  if (rc != 0) return lmdb_fault(rc, "mdb_stat", segment.env.path());
  out.map_bytes = info.me_mapsize;
  out.payload_bytes = (std::uint64_t{frames_stat.ms_leaf_pages} + frames_stat.ms_overflow_pages) *
                      frames_stat.ms_psize;
  for (const auto& row : segment.before) {
    out.file_bytes += row.file_bytes;
    out.payload_bytes += row.payload_bytes;
  }
  auto streams = txn->entries(segment.tables.heads);
  if (!streams) return tl::unexpected<fault>{std::move(streams.error())};
  out.stream_count = *streams;
  out.readers = slots.active - std::min(slots.active, 1U);  // This call's own is not counted.
  if (slots.oldest_txn != 0) out.oldest_reader_lag = info.me_last_txnid - slots.oldest_txn;
  if (!segment.before.empty()) {
    out.first_recorded_at = segment.before.front().first_recorded_at;
    return out;
  }
  auto frames = lmdb_cursor::open(*txn, segment.tables.frames);
  if (!frames) return tl::unexpected<fault>{std::move(frames.error())};
  auto first = frames->first();
  if (!first) return tl::unexpected<fault>{std::move(first.error())};
  if (!*first) return out;
  const auto frame = decode_frame(frames->value(), {1});
  if (!frame) return tl::unexpected<fault>{frame.error()};
  out.first_recorded_at = frame->header.recorded_at;
  return out;
}

}  // namespace bestow::store
