#include "store/memory_log.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "events/assert.hpp"
#include "store/frame_reader.hpp"
#include "store/log_room.hpp"

namespace bestow::store {
namespace {

auto no_position(position at) -> tl::unexpected<fault> {
  return fail(fault_code::log_corrupt, "frame_hash_at",
              fmt::format("position {}: not in the log", at.value));
}

}  // namespace

memory_log::memory_log(std::uint64_t seed, std::uint64_t bytes_max)
    : identity_{make_log_id(seed)}, bytes_max_{bytes_max} {}

void memory_log::fail_next_commit(commit_fault how) {
  const std::lock_guard lock{mutex_};
  next_commit_ = how;
}

void memory_log::set_bytes_max(std::uint64_t bytes_max) {
  const std::lock_guard lock{mutex_};
  bytes_max_ = bytes_max;
}

void memory_log::crash() {
  const std::lock_guard lock{mutex_};
  next_commit_ = commit_fault::none;
  refuses_ = false;
}

void memory_log::flip_bit(position at, std::size_t bit) {
  const std::lock_guard lock{mutex_};
  BESTOW_ASSERT(at.value > 0 && at <= head_.last);
  auto& stored = frames_[index_of(at)];
  auto bytes = *stored.bytes;
  bytes[bit / 8 % bytes.size()] ^= static_cast<std::byte>(1U << (bit % 8));
  stored.bytes = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
}

auto memory_log::append_group(std::span<const append_batch> group, timestamp wall)
    -> result<std::vector<append_answer>> {
  const std::lock_guard lock{mutex_};
  if (refuses_)
    return fail(fault_code::log_io_failed, "append_group", "a commit failed: reopen first");
  auto plan = plan_group(group, head_, identity_, wall,
                         [this](const stream_id& stream) -> result<stream_version> {
                           const auto it = streams_.find(stream);
                           return it == streams_.end() ? stream_version{} : it->second.head;
                         });
  if (!plan) return tl::unexpected<fault>{std::move(plan.error())};
  auto answers = std::move(plan->answers);
  if (plan->frames.empty()) return answers;

  std::uint64_t bytes = bytes_;
  for (const auto& frame : plan->frames) bytes += frame.bytes.size();
  const auto how = std::exchange(next_commit_, commit_fault::none);
  if (how == commit_fault::full || bytes > bytes_max_)
    return fail(fault_code::log_full, "append_group", "the memory log is full");
  if (how != commit_fault::lost) apply(std::move(*plan));
  if (how != commit_fault::none) {
    refuses_ = true;
    return fail(fault_code::log_io_failed, "append_group", "the commit was made to fail");
  }
  return answers;
}

void memory_log::apply(group_plan&& plan) {
  for (auto& frame : plan.frames) {
    bytes_ += frame.bytes.size();
    frames_.push_back(
        {frame.first, std::make_shared<const std::vector<std::byte>>(std::move(frame.bytes))});
  }
  for (const auto& entry : plan.index)
    streams_[entry.stream].frames.emplace(entry.first.value, index_of(entry.frame));
  for (const auto& [stream, version] : plan.versions) streams_[stream].head = version;
  head_ = plan.head;
}

auto memory_log::reopen() -> result<void> {
  const std::lock_guard lock{mutex_};
  refuses_ = false;
  return {};
}

auto memory_log::head() const -> log_head {
  const std::lock_guard lock{mutex_};
  return head_;
}

auto memory_log::log_id() const -> std::string { return log_id_text(identity_.log_id); }

auto memory_log::version_of(const stream_id& stream) const -> result<stream_version> {
  const std::lock_guard lock{mutex_};
  const auto it = streams_.find(stream);
  return it == streams_.end() ? stream_version{} : it->second.head;
}

/// Precondition: 0 < at, and the frame is stored.
auto memory_log::index_of(position at) const -> std::size_t {
  const auto after = std::ranges::upper_bound(frames_, at, {}, &stored_frame::first);
  return static_cast<std::size_t>(after - frames_.begin()) - 1;
}

auto memory_log::frame_at(std::size_t index) const -> stored_frame {
  const std::lock_guard lock{mutex_};
  return index < frames_.size() ? frames_[index] : stored_frame{};
}

auto memory_log::read(position after, const read_options& options,
                      const event_visitor& visit) const -> result<position> {
  frame_reader reader{options, visit};
  std::size_t index = 0;
  {
    const std::lock_guard lock{mutex_};
    if (after >= head_.last) return after;
    index = index_of({after.value + 1});
  }
  for (; !reader.stopped(); ++index) {
    const auto frame = frame_at(index);
    if (!frame.bytes) break;
    auto seen = reader.visit_positions(*frame.bytes, frame.first, after);
    if (!seen) return seen;
    after = *seen;
  }
  return after;
}

auto memory_log::read_stream(const stream_id& stream, stream_version after,
                             const read_options& options, const event_visitor& visit) const
    -> result<stream_version> {
  frame_reader reader{options, visit};
  while (!reader.stopped()) {
    stored_frame frame;
    {
      const std::lock_guard lock{mutex_};
      const auto it = streams_.find(stream);
      if (it == streams_.end() || it->second.head <= after) break;
      // The entry before the first one that begins beyond the wanted version holds it.
      frame = frames_[std::prev(it->second.frames.upper_bound(after.value + 1))->second];
    }
    auto seen = reader.visit_stream(*frame.bytes, frame.first, stream, after);
    if (!seen) return seen;
    if (*seen == after && !reader.stopped())
      return fail(fault_code::log_corrupt, "read_stream",
                  fmt::format("position {}: {} version {} is not there", frame.first.value,
                              to_string(stream), after.value + 1));
    after = *seen;
  }
  return after;
}

auto memory_log::streams(aggregate kind, std::uint64_t from_id, std::size_t count_max) const
    -> result<std::vector<stream_id>> {
  const std::lock_guard lock{mutex_};
  std::vector<stream_id> out;
  for (auto it = streams_.lower_bound({kind, from_id, 0});
       it != streams_.end() && it->first.kind == kind && out.size() < count_max; ++it)
    out.push_back(it->first);
  return out;
}

auto memory_log::frame_hash_at(position at) const -> result<sha256_digest> {
  const std::lock_guard lock{mutex_};
  if (at.value == 0) return sha256_digest{};
  if (at > head_.last) return no_position(at);
  return hash_of_frame(*frames_[index_of(at)].bytes);
}

auto memory_log::frame_holding(position at) const
    -> result<std::optional<frame_copy>> {
  const std::lock_guard lock{mutex_};
  if (at.value == 0) return no_position(at);
  if (at > head_.last) return std::nullopt;
  const auto& frame = frames_[index_of(at)];
  return frame_copy{frame.first, *frame.bytes};
}

auto memory_log::identity() const -> log_identity { return identity_; }

auto memory_log::statistics() const -> result<log_stat> {
  const std::lock_guard lock{mutex_};
  log_stat s;
  s.log_id = log_id();
  s.head = head_;
  s.file_bytes = bytes_;
  s.payload_bytes = bytes_;
  s.map_bytes = bytes_max_;
  s.stream_count = streams_.size();
  if (!frames_.empty()) {
    const auto first = decode_frame(*frames_.front().bytes, frames_.front().first);
    if (!first) return tl::unexpected<fault>{first.error()};
    s.first_recorded_at = first->header.recorded_at;
  }
  return s;
}

auto stat_of(const event_log& log) -> result<log_stat> {
  const auto* known = dynamic_cast<const log_statistics*>(&log);
  if (known == nullptr)
    return fail(fault_code::internal, "stat_of", "this log keeps no statistics");
  return known->statistics();
}

auto has_room(const event_log& log) -> bool {
  const auto* known = dynamic_cast<const log_statistics*>(&log);
  return known == nullptr || known->has_room();
}

}  // namespace bestow::store
