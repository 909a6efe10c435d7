#include "store/group_plan.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "events/limits.hpp"

namespace bestow::store {
namespace {

constexpr std::size_t records_bytes_target = limits::frame_bytes_target - frame_header_bytes;
static_assert(limits::append_bytes_max + frame_header_bytes <= limits::frame_bytes_max);

auto too_large(std::string detail) -> tl::unexpected<fault> {
  // The caller broke a bound; nothing is wrong with the log, but only a person can mend the caller.
  return tl::unexpected<fault>{fault{fault_code::internal, fault_action::call_operator,
                                     "append_group", std::move(detail)}};
}

class planner {
 public:
  planner(const log_head& head, const log_identity& identity, timestamp wall)
      : identity_{identity}, wall_{wall}, next_{head.last.value + 1} {
    plan_.head = head;
    recorded_at_ = std::max(head.recorded_at, wall);
  }

  auto add(const append_batch& batch, const version_lookup& committed) -> result<void> {
    auto version = version_of(batch.stream, committed);
    if (!version) return tl::unexpected<fault>{std::move(version.error())};
    plan_.answers.push_back(answer(batch, *version));
    return {};
  }

  auto finish() -> group_plan {
    close_frame();
    return std::move(plan_);
  }

 private:
  auto version_of(const stream_id& stream, const version_lookup& committed)
      -> result<stream_version> {
    if (const auto it = plan_.versions.find(stream); it != plan_.versions.end()) return it->second;
    return committed(stream);
  }

  auto answer(const append_batch& batch, stream_version version) -> append_answer {
    if (batch.expected != version)
      return fail(fault_code::version_conflict, "append_group",
                  fmt::format("{}: expected version {}, it is {}", to_string(batch.stream),
                              batch.expected.value, version.value));
    if (batch.events.empty()) return settled(version);
    if (batch.events.size() > limits::append_events_max)
      return too_large(fmt::format("{}: {} events in one append, at most {}",
                                   to_string(batch.stream), batch.events.size(),
                                   limits::append_events_max));
    scratch_.clear();
    for (const auto& event : batch.events) {
      ++version.value;
      encode_record(scratch_, batch.stream, version, event);
    }
    if (scratch_.size() > limits::append_bytes_max)
      return too_large(fmt::format("{}: an append of {} bytes, at most {}",
                                   to_string(batch.stream), scratch_.size(),
                                   limits::append_bytes_max));
    return place(batch, version);
  }

  /// What an empty batch rests on: everything before it in the group.
  auto settled(stream_version version) const -> append_receipt {
    const position last{next_ - 1};
    const bool wrote = last != plan_.head.last || count_ > 0;
    return {last, last, version, wrote ? recorded_at_ : plan_.head.recorded_at};
  }

  auto place(const append_batch& batch, stream_version version) -> append_receipt {
    if (!records_.empty() && records_.size() + scratch_.size() > records_bytes_target)
      close_frame();
    const stream_version before{version.value - batch.events.size()};
    if (in_frame_.insert(batch.stream).second)
      plan_.index.push_back({batch.stream, {before.value + 1}, {next_ - count_}});
    records_.insert(records_.end(), scratch_.begin(), scratch_.end());
    count_ += static_cast<std::uint32_t>(batch.events.size());
    const position first{next_};
    next_ += batch.events.size();
    plan_.versions[batch.stream] = version;
    return {first, {next_ - 1}, version, recorded_at_};
  }

  void close_frame() {
    if (count_ == 0) return;
    frame_header header;
    header.identity = identity_;
    header.count = count_;
    header.first = {next_ - count_};
    header.recorded_at = recorded_at_;
    header.wall_at = wall_;
    header.previous = plan_.head.frame_hash;
    auto bytes = encode_frame(header, records_);
    plan_.head = {header.last(), hash_of_frame(bytes), plan_.head.frames + 1, recorded_at_};
    plan_.frames.push_back({header.first, std::move(bytes)});
    records_.clear();
    in_frame_.clear();
    count_ = 0;
  }

  log_identity identity_;
  timestamp wall_;
  timestamp recorded_at_;
  std::uint64_t next_;  ///< Position of the next event.
  group_plan plan_;
  std::vector<std::byte> scratch_;              ///< Records of the append being looked at.
  std::vector<std::byte> records_;              ///< Records of the open frame.
  std::uint32_t count_{0};                      ///< Of the open frame.
  std::unordered_set<stream_id> in_frame_;      ///< Streams of the open frame.
};

}  // namespace

auto plan_group(std::span<const append_batch> group, const log_head& head,
                const log_identity& identity, timestamp wall, const version_lookup& committed)
    -> result<group_plan> {
  if (group.size() > limits::group_appends_max)
    return fail(fault_code::internal, "append_group",
                fmt::format("{} appends in one group, at most {}", group.size(),
                            limits::group_appends_max));
  planner work{head, identity, wall};
  for (const auto& batch : group)
    if (auto added = work.add(batch, committed); !added)
      return tl::unexpected<fault>{std::move(added.error())};
  return work.finish();
}

}  // namespace bestow::store
