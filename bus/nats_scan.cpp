// Reading a stream through, by a throw-away pull consumer.
#include <fmt/format.h>

#include <algorithm>

#include "bus/broker_errors.hpp"
#include "bus/nats_core.hpp"
#include "bus/nats_pull.hpp"
#include "events/limits.hpp"

namespace bestow::bus {
namespace {

/// Nothing for this long while messages are pending: the broker is stuck.
constexpr std::chrono::milliseconds silence_max{5'000};

struct throw_away_consumer {
  std::string name;
  std::uint64_t pending{0};
};

[[nodiscard]] auto create_consumer(nats_link& link, const std::string& stream, std::uint64_t from)
    -> result<throw_away_consumer> {
  jsConsumerConfig c;
  jsConsumerConfig_Init(&c);
  c.DeliverPolicy = js_DeliverByStartSequence;
  c.OptStartSeq = std::max<std::uint64_t>(from, 1);
  c.AckPolicy = js_AckNone;
  c.MemoryStorage = true;
  c.InactiveThreshold = std::chrono::nanoseconds{limits::nats_pull_expires * 2}.count();
  jsConsumerInfo* raw = nullptr;
  jsErrCode error{};
  const natsStatus s = js_AddConsumer(&raw, link.js(), stream.c_str(), &c, nullptr, &error);
  const js_consumer_info_ptr info{raw};
  if (static_cast<int>(error) == js_stream_not_found) return no_such_stream("scan", stream);
  if (s != NATS_OK) return api_fault(link, s, "js_AddConsumer", stream);
  return throw_away_consumer{info->Name, info->NumPending};
}

/// Never asks for more than can be in the range, so that nothing is on its way at the end.
[[nodiscard]] auto read_through(pull_reader& reader, std::uint64_t from, std::uint64_t to,
                                const std::function<bool(const stored_message&)>& visit)
    -> result<void> {
  stored_message m;  // Reused, so that its strings keep their memory.
  m.seq = from - 1;
  for (;;) {
    const std::uint64_t missing = to - m.seq;
    const std::uint64_t asked = reader.outstanding();
    if (asked <= limits::nats_scan_batch / 2 && missing > asked &&
        !reader.request(std::min<std::uint64_t>(missing - asked, limits::nats_scan_batch))) {
      return nats_fault(NATS_CONNECTION_CLOSED, "scan");
    }
    const pulled p = reader.next(silence_max);
    switch (p.outcome) {
      case pull_outcome::message:
        break;
      case pull_outcome::request_ended:
        continue;
      case pull_outcome::nothing:
        return nats_fault(NATS_TIMEOUT, "scan");
      case pull_outcome::consumer_gone:
      case pull_outcome::link_lost:
        return nats_fault(NATS_CONNECTION_CLOSED, "scan");
    }
    if (p.numbers.stream_seq > to) return {};
    m.seq = p.numbers.stream_seq;
    m.subject = subject_of(p.message.get());
    m.payload = payload_of(p.message.get());
    if (!visit(m) || p.numbers.pending == 0 || m.seq == to) return {};
  }
}

}  // namespace

auto scan_stream(nats_link& link, const std::string& stream, std::uint64_t from, std::uint64_t to,
                 const std::function<bool(const stored_message&)>& visit) -> result<void> {
  const auto consumer = create_consumer(link, stream, from);
  if (!consumer) return tl::unexpected<fault>{consumer.error()};
  result<void> outcome;
  if (consumer->pending > 0 && from <= to) {
    auto reader = pull_reader::open(link.shared_from_this(), stream, consumer->name);
    if (!reader) return nats_fault(NATS_CONNECTION_CLOSED, "scan");
    outcome = read_through(*reader, std::max<std::uint64_t>(from, 1), to, visit);
  }
  // The broker forgets the consumer by itself, should this not reach it.
  (void)js_DeleteConsumer(link.js(), stream.c_str(), consumer->name.c_str(), nullptr, nullptr);
  return outcome;
}

}  // namespace bestow::bus
