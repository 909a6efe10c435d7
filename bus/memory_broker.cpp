#include "bus/memory_broker.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "bus/broker_errors.hpp"
#include "bus/subject.hpp"

namespace bestow::bus {

auto memory_broker::find(const std::string& name) -> stream* {
  const auto it = streams_.find(name);
  return it == streams_.end() ? nullptr : &it->second;
}

auto memory_broker::find(const std::string& name) const -> const stream* {
  const auto it = streams_.find(name);
  return it == streams_.end() ? nullptr : &it->second;
}

auto memory_broker::find_durable(const consumer_config& config) -> durable* {
  stream* const s = find(config.stream);
  if (s == nullptr) return nullptr;
  const auto it = s->durables.find(config.durable);
  return it == s->durables.end() ? nullptr : &it->second;
}

auto memory_broker::stream_for(const std::string& subject) -> stream* {
  for (auto& [name, s] : streams_) {
    for (const auto& filter : s.config.subjects) {
      if (subject_matches(filter, subject)) return &s;
    }
  }
  return nullptr;
}

auto memory_broker::state(const stream& s) -> stream_state {
  stream_state out{0, s.messages.size(), s.stored};
  if (s.messages.empty()) return out;
  const auto first = std::find_if(s.messages.begin(), s.messages.end(),
                                  [](const auto& m) { return m.has_value(); });
  out.first_seq = static_cast<std::uint64_t>(first - s.messages.begin()) + 1;  // All purged: last+1.
  return out;
}

namespace {

/// Settings unlike those wanted, by the names the real broker gives them.
auto differences(const stream_config& have, const stream_config& want) -> std::string {
  std::string out;
  const auto note = [&out](std::string_view setting, bool same) {
    if (!same) out += fmt::format("{}{}", out.empty() ? "" : ", ", setting);
  };
  note("subjects", have.subjects == want.subjects);
  note("replicas", have.replicas == want.replicas);
  note("deny_delete, deny_purge", have.deny_delete_and_purge == want.deny_delete_and_purge);
  return out;
}

}  // namespace

auto memory_broker::ensure_stream(const stream_config& config) -> result<stream_state> {
  const std::lock_guard lock{mutex_};
  const auto [it, created] = streams_.try_emplace(config.name);
  stream& s = it->second;
  if (created) s.config = config;
  if (const auto found = differences(s.config, config); !found.empty()) {
    return fail(fault_code::broker_stream_misconfigured, "ensure_stream",
                fmt::format("stream {} exists with other settings: {}", config.name, found));
  }
  return state(s);
}

auto memory_broker::inspect(const stream_config& config) const -> stream_inspection {
  const std::lock_guard lock{mutex_};
  const stream* const s = find(config.name);
  if (s == nullptr) return {};
  return {true, state(*s), s->config.description, differences(s->config, config)};
}

auto memory_broker::state_of(const std::string& name) const -> result<stream_state> {
  const std::lock_guard lock{mutex_};
  const stream* const s = find(name);
  if (s == nullptr) return no_such_stream("state_of", name);
  return state(*s);
}

auto memory_broker::read(const std::string& name, std::uint64_t seq) const
    -> result<std::optional<stored_message>> {
  auto range = read_range(name, seq, seq, 1);
  if (!range) return tl::unexpected<fault>{std::move(range.error())};
  if (range->empty()) return std::nullopt;
  return std::move(range->front());
}

auto memory_broker::read_range(const std::string& name, std::uint64_t from, std::uint64_t to,
                               std::size_t count) const -> result<std::vector<stored_message>> {
  const std::lock_guard lock{mutex_};
  const stream* const s = find(name);
  if (s == nullptr) return no_such_stream("read", name);
  std::vector<stored_message> out;
  const std::uint64_t last = std::min<std::uint64_t>(to, s->messages.size());
  for (std::uint64_t seq = std::max<std::uint64_t>(from, 1); seq <= last && out.size() < count;
       ++seq) {
    if (const auto& m = s->messages[seq - 1]) out.push_back({seq, m->subject, m->payload});
  }
  return out;
}

auto memory_broker::store(const std::string& subject, std::string_view payload,
                          std::optional<std::uint64_t> expected_last, const writer_fence& fence)
    -> store_outcome {
  const std::lock_guard lock{mutex_};
  return store_locked(subject, payload, expected_last, fence);
}

auto memory_broker::refusal_of(const stream& s, std::optional<std::uint64_t> expected_last,
                               const writer_fence& fence) -> store_outcome {
  // The server's order: the message's id, then the expected sequence, then the id before it.
  const std::uint64_t last = s.messages.size();
  if (!fence.writer.empty() && expected_last) {
    const auto id = message_id(fence.writer, *expected_last + 1);
    if (std::find(s.ids.begin(), s.ids.end(), id) != s.ids.end())
      return {0, ack_duplicate, "duplicate"};
  }
  if (expected_last && *expected_last != last)
    return {0, js_wrong_last_sequence, fmt::format("wrong last sequence: {}", last)};
  if (fence.chained && expected_last && s.last_id != message_id(fence.writer, *expected_last))
    return {0, js_wrong_last_id, fmt::format("wrong last msg ID: {}", s.last_id)};
  return {};
}

auto memory_broker::store_locked(const std::string& subject, std::string_view payload,
                                 std::optional<std::uint64_t> expected_last,
                                 const writer_fence& fence) -> store_outcome {
  constexpr std::size_t ids_remembered = 1'000;
  stream* const s = stream_for(subject);
  if (s == nullptr) return {0, nats_no_responders, "no responders"};
  // The server checks the expectation before the room: a full stream refuses the first message of
  // a chain with js_store_failed and all after it with js_wrong_last_sequence.
  if (auto refused = refusal_of(*s, expected_last, fence); refused.error_code != 0) return refused;
  const std::uint64_t size = subject.size() + payload.size();
  if (s->full || (s->config.max_bytes != 0 && s->bytes + size > s->config.max_bytes)) {
    return {0, js_store_failed, "maximum bytes exceeded"};
  }
  s->messages.emplace_back(message{subject, std::string{payload}});
  s->bytes += size;
  ++s->stored;
  s->last_id = fence.writer.empty() ? "" : message_id(fence.writer, s->messages.size());
  if (!s->last_id.empty()) s->ids.push_back(s->last_id);
  if (s->ids.size() > ids_remembered) s->ids.pop_front();
  return {s->messages.size(), 0, {}};
}

void memory_broker::remove_consumer(const std::string& name, const std::string& durable_name) {
  const std::lock_guard lock{mutex_};
  if (stream* const s = find(name)) s->durables.erase(durable_name);
}

auto memory_broker::consumers_beyond(const std::string& name, std::uint64_t last_seq) const
    -> result<std::vector<std::string>> {
  const std::lock_guard lock{mutex_};
  const stream* const s = find(name);
  if (s == nullptr) return no_such_stream("consumers_beyond", name);
  std::vector<std::string> out;
  for (const auto& [durable_name, d] : s->durables)
    if (d.cursor > last_seq) out.push_back(durable_name);
  return out;
}

auto memory_broker::open_consumer(const consumer_config& config) -> result<void> {
  const std::lock_guard lock{mutex_};
  stream* const s = find(config.stream);
  if (s == nullptr) return no_such_stream("consume", config.stream);
  const auto [it, created] = s->durables.try_emplace(config.durable);
  if (created) it->second.filter = config.filter_subject;
  if (it->second.filter != config.filter_subject) {
    return fail(fault_code::broker_stream_misconfigured, "consume",
                fmt::format("consumer {} exists with another filter", config.durable));
  }
  return {};
}

auto memory_broker::wanted(const stream& s, const durable& d, std::uint64_t seq) -> bool {
  if (seq == 0 || seq > s.messages.size() || seq <= d.floor || d.acked.contains(seq)) return false;
  const auto& m = s.messages[seq - 1];
  return m.has_value() && subject_matches(d.filter, m->subject);
}

auto memory_broker::available(const stream& s, const durable& d, std::size_t count)
    -> std::vector<std::uint64_t> {
  std::vector<std::uint64_t> out;
  for (auto it = d.again.begin(); it != d.again.end() && out.size() < count; ++it) {
    if (wanted(s, d, *it)) out.push_back(*it);
  }
  for (std::uint64_t seq = d.cursor + 1; seq <= s.messages.size() && out.size() < count; ++seq) {
    if (wanted(s, d, seq)) out.push_back(seq);
  }
  return out;
}

auto memory_broker::fetch(const consumer_config& config, bool skip_first)
    -> std::vector<incoming_message> {
  const std::lock_guard lock{mutex_};
  durable* const d = find_durable(config);
  if (d == nullptr) return {};
  const stream& s = *find(config.stream);
  auto seqs = available(s, *d, config.batch_max * (skip_first ? 2 : 1));
  if (skip_first && seqs.size() > config.batch_max) {
    const auto middle = seqs.begin() + static_cast<std::ptrdiff_t>(config.batch_max);
    for (auto it = seqs.begin(); it != middle; ++it) d->cursor = std::max(d->cursor, *it);
    d->again.insert(seqs.begin(), middle);
    seqs.erase(seqs.begin(), middle);
  }
  std::vector<incoming_message> out;
  out.reserve(seqs.size());
  for (const std::uint64_t seq : seqs) {
    d->again.erase(seq);
    d->cursor = std::max(d->cursor, seq);
    const message& m = *s.messages[seq - 1];
    out.push_back({seq, m.subject, m.payload});
  }
  return out;
}

auto memory_broker::can_fetch(const consumer_config& config) const -> bool {
  const std::lock_guard lock{mutex_};
  const stream* const s = find(config.stream);
  if (s == nullptr) return false;
  const auto it = s->durables.find(config.durable);
  return it != s->durables.end() && !available(*s, it->second, 1).empty();
}

void memory_broker::acknowledge(const consumer_config& config,
                                const std::vector<std::uint64_t>& seqs) {
  const std::lock_guard lock{mutex_};
  durable* const d = find_durable(config);
  if (d == nullptr) return;
  for (const std::uint64_t seq : seqs) {
    if (seq > d->floor) d->acked.insert(seq);
    d->again.erase(seq);
  }
  // What the filter leaves out, and holes, need no acknowledgement.
  const stream& s = *find(config.stream);
  for (std::uint64_t next = d->floor + 1; next <= d->cursor; ++next) {
    if (d->acked.erase(next) == 0 && wanted(s, *d, next)) break;
    d->floor = next;
  }
}

void memory_broker::redeliver(const consumer_config& config,
                              const std::vector<std::uint64_t>& seqs) {
  const std::lock_guard lock{mutex_};
  durable* const d = find_durable(config);
  if (d != nullptr) d->again.insert(seqs.begin(), seqs.end());
}

void memory_broker::set_full(const std::string& name, bool full) {
  const std::lock_guard lock{mutex_};
  if (stream* const s = find(name)) s->full = full;
}

void memory_broker::remove_stream(const std::string& name) {
  const std::lock_guard lock{mutex_};
  streams_.erase(name);
}

void memory_broker::remove_message(stream& s, std::uint64_t seq) {
  if (seq == 0 || seq > s.messages.size()) return;
  auto& m = s.messages[seq - 1];
  if (!m) return;
  s.bytes -= m->subject.size() + m->payload.size();
  --s.stored;
  m.reset();
}

void memory_broker::truncate_tail(const std::string& name, std::uint64_t last_seq) {
  const std::lock_guard lock{mutex_};
  stream* const s = find(name);
  while (s != nullptr && s->messages.size() > last_seq) {
    remove_message(*s, s->messages.size());
    s->messages.pop_back();
  }
}

void memory_broker::punch_hole(const std::string& name, std::uint64_t seq) {
  const std::lock_guard lock{mutex_};
  if (stream* const s = find(name)) remove_message(*s, seq);
}

auto memory_broker::add_foreign(const std::string& name, std::string subject, std::string payload)
    -> std::uint64_t {
  const std::lock_guard lock{mutex_};
  stream* const s = find(name);
  if (s == nullptr) return 0;
  s->bytes += subject.size() + payload.size();
  s->messages.emplace_back(message{std::move(subject), std::move(payload)});
  ++s->stored;
  return s->messages.size();
}

void memory_broker::purge(const std::string& name) {
  const std::lock_guard lock{mutex_};
  stream* const s = find(name);
  if (s == nullptr) return;
  for (std::uint64_t seq = 1; seq <= s->messages.size(); ++seq) remove_message(*s, seq);
}

void memory_broker::reconfigure(const std::string& name, const stream_config& config) {
  const std::lock_guard lock{mutex_};
  if (stream* const s = find(name)) s->config = config;
}

void memory_broker::replace_payload(const std::string& name, std::uint64_t seq,
                                    std::string payload) {
  const std::lock_guard lock{mutex_};
  stream* const s = find(name);
  if (s == nullptr || seq == 0 || seq > s->messages.size() || !s->messages[seq - 1]) return;
  s->bytes -= s->messages[seq - 1]->payload.size();
  s->bytes += payload.size();
  s->messages[seq - 1]->payload = std::move(payload);
}

auto memory_broker::orphans() const -> std::size_t {
  const std::lock_guard lock{mutex_};
  return orphans_.size();
}

void memory_broker::land_orphans(std::size_t count) {
  const std::lock_guard lock{mutex_};
  for (; count > 0 && !orphans_.empty(); --count) {
    const memory_flight flight = std::move(orphans_.front());
    orphans_.pop_front();
    store_locked(flight.chunk->subject, flight.chunk->message(flight.index), flight.expected_last,
                 flight.fence);
  }
}

void memory_broker::adopt_orphans(std::deque<memory_flight> flights) {
  const std::lock_guard lock{mutex_};
  for (auto& flight : flights) orphans_.push_back(std::move(flight));
}

}  // namespace bestow::bus
