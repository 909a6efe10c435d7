// Releasing and concluding. Results are in result_decide.cpp.
#include <fmt/format.h>

#include <algorithm>

#include "domain/partition.hpp"
#include "domain/partition_rules.hpp"

namespace bestow::domain {
namespace {

auto stale(run_no asked, const partition& p) -> refusal {
  return {rejection::stale_run,
          fmt::format("run {} is over; run {} is current", asked.value, p.run.value)};
}

/// The targets of one look, by whether a message can be built for them.
struct split {
  ordinal_ranges fit;
  ordinal_ranges too_large;
};
auto split_range(std::uint32_t first, std::uint32_t count, std::vector<std::uint32_t> too_large)
    -> split {
  std::ranges::sort(too_large);
  const auto repeats = std::ranges::unique(too_large);
  too_large.erase(repeats.begin(), repeats.end());
  split s;
  auto from = first;
  const auto end = first + count;
  const auto append = [](ordinal_ranges& to, std::uint32_t begin, std::uint32_t until) {
    if (until > begin) to.append(begin, until - begin);
  };
  for (const auto ordinal : too_large) {
    if (ordinal < first || ordinal >= end) continue;
    append(s.fit, from, ordinal);
    append(s.too_large, ordinal, ordinal + 1);
    from = ordinal + 1;
  }
  append(s.fit, from, end);
  return s;
}

}  // namespace

auto release_of(release_kind kind, ordinal_ranges ordinals, attempt_no attempt,
                const run_started& run, timestamp now, const message_room& room,
                const partition& p) -> targets_released {
  targets_released e;
  e.kind = kind;
  e.promotion = p.promotion;
  e.type = p.type;
  e.run = run.run;
  e.attempt = attempt;
  e.partition = p.number;
  e.ordinals = std::move(ordinals);
  e.wire = run.wire;
  e.encoder_version = run.encoder_version;
  e.extra_fields = run.extra_fields;
  e.partition_token = run.partition_token;
  e.topic = run.topic;
  e.sent_at = now;
  e.format = run.format;
  pack(e, run.batch_size, room);
  return e;
}

auto decide(const release_next& c, const partition& p) -> partition_decision {
  if (c.run.run < p.run) return stale(c.run.run, p);
  const auto left = static_cast<std::uint32_t>(p.states.size()) - p.next;
  const auto looked_at = std::min({c.count_max, c.run.chunk, left});
  std::vector<partition_event> events;
  if (looked_at == 0) return events;
  auto targets = split_range(p.next, looked_at, c.too_large);
  if (!targets.fit.empty())
    events.emplace_back(release_of(release_kind::grant, std::move(targets.fit), attempt_no{1},
                                   c.run, c.now, c.room, p));
  if (!targets.too_large.empty())
    events.emplace_back(targets_publish_failed{c.run.run, attempt_no{1},
                                               std::move(targets.too_large),
                                               "the message exceeds the broker's max_payload"});
  return events;
}

auto decide(const record_published& c, const partition& p) -> partition_decision {
  std::vector<partition_event> events;
  const auto open = std::ranges::find(p.open, c.released_at, &open_release::at);
  if (open != p.open.end())
    events.emplace_back(grants_published{c.released_at, c.first_stream_seq, open->message_count, c.now});
  return events;
}

auto decide(const conclude_partition& c, const partition& p) -> partition_decision {
  if (c.run < p.run) return stale(c.run, p);
  std::vector<partition_event> events;
  if (p.done_at_release == p.release_count) return events;
  if (c.retry_run.value != 0 && p.retry_done != c.retry_run) return events;
  const bool answered = p.counts.terminal() == p.counts.total;
  const bool on_stream = p.next == p.states.size() && p.open.empty();
  if (answered || (c.complete_when_published && on_stream))
    events.emplace_back(partition_done{c.run, p.release_count, p.counts.success, p.counts.fail,
                                       p.counts.success_amount});
  return events;
}

}  // namespace bestow::domain
