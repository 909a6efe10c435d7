// Publishing: chained chunks with one acknowledgement, single messages, many unchained ones.
#include <fmt/format.h>

#include <array>
#include <charconv>

#include "bus/broker_errors.hpp"
#include "bus/nats_core.hpp"
#include "bus/pub_ack.hpp"
#include "events/assert.hpp"

namespace bestow::bus {
namespace {

using steady = std::chrono::steady_clock;

/// nats.c's own js options leave this header out for sequence 0, so it is always set by hand.
constexpr const char* expected_last_header = "Nats-Expected-Last-Sequence";
constexpr const char* event_type_header = "Event-Type";
constexpr const char* id_header = "Nats-Msg-Id";
constexpr const char* expected_id_header = "Nats-Expected-Last-Msg-Id";
/// Unchained messages whose acknowledgements are awaited together.
constexpr std::size_t publish_round_max = 10'000;

/// The decimal digits of a number, ending with a zero byte.
class digits {
 public:
  explicit digits(std::uint64_t value) {
    *std::to_chars(text_.data(), text_.data() + text_.size() - 1, value).ptr = '\0';
  }
  [[nodiscard]] auto c_str() const -> const char* { return text_.data(); }

 private:
  std::array<char, 21> text_{};
};

struct outgoing {
  const char* subject;
  const char* reply;  ///< nullptr = no acknowledgement wanted.
  std::string_view payload;
  std::optional<std::uint64_t> expected_last;
  const std::string& event_type;
  const writer_fence& fence;
};

/// `<writer>.<n>`, ending with a zero byte, without a heap allocation for usual writers' names.
class id_text {
 public:
  id_text(const std::string& writer, std::uint64_t seq) : text_{writer} {
    text_ += '.';
    std::array<char, 20> number;
    text_.append(number.data(), std::to_chars(number.begin(), number.end(), seq).ptr);
  }
  [[nodiscard]] auto c_str() const -> const char* { return text_.c_str(); }

 private:
  std::string text_;
};

[[nodiscard]] auto set_fence(natsMsg* message, const writer_fence& fence,
                             std::uint64_t expected_last) -> natsStatus {
  natsStatus s =
      natsMsgHeader_Set(message, id_header, id_text{fence.writer, expected_last + 1}.c_str());
  if (s != NATS_OK || !fence.chained) return s;
  return natsMsgHeader_Set(message, expected_id_header,
                           id_text{fence.writer, expected_last}.c_str());
}

[[nodiscard]] auto make_message(const outgoing& m) -> nats_message_ptr {
  natsMsg* raw = nullptr;
  natsStatus s = natsMsg_Create(&raw, m.subject, m.reply, m.payload.data(),
                                static_cast<int>(m.payload.size()));
  nats_message_ptr message{raw};
  if (s == NATS_OK && m.expected_last) {
    s = natsMsgHeader_Set(raw, expected_last_header, digits{*m.expected_last}.c_str());
  }
  if (s == NATS_OK && !m.event_type.empty()) {
    s = natsMsgHeader_Set(raw, event_type_header, m.event_type.c_str());
  }
  if (s == NATS_OK && !m.fence.writer.empty() && m.expected_last) {
    s = set_fence(raw, m.fence, *m.expected_last);
  }
  BESTOW_ASSERT(s == NATS_OK);  // Fails only for want of memory or for an empty subject.
  return message;
}

[[nodiscard]] auto unknown_outcome(natsStatus s) -> tl::unexpected<fault> {
  return fail(fault_code::outcome_unknown, "publish", natsStatus_GetText(s));
}

/// Waits for `count` acknowledgements on `acks`. @returns the first refusal, if any
[[nodiscard]] auto await_acks(natsSubscription* acks, std::size_t count,
                              std::chrono::milliseconds within) -> result<void> {
  std::optional<pub_ack> refused;
  const auto deadline = steady::now() + within;
  for (std::size_t heard = 0; heard < count; ++heard) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady::now()).count();
    natsMsg* raw = nullptr;
    const natsStatus s = natsSubscription_NextMsg(&raw, acks, std::max<std::int64_t>(left, 1));
    const nats_message_ptr answer{raw};
    if (s == NATS_NO_RESPONDERS) {
      if (!refused) refused = pub_ack{0, nats_no_responders, "no responders", false};
      continue;
    }
    if (s != NATS_OK) return unknown_outcome(s);
    // Full parsing costs more than the publish; an error object is what matters.
    if (payload_of(raw).find("\"error\"") == std::string_view::npos) continue;
    if (!refused) refused = parse_pub_ack(payload_of(raw));
  }
  if (refused) return publish_fault(refused->error_code, refused->error);
  return {};
}

/// Sends a round of unchained messages and waits until each is acknowledged.
[[nodiscard]] auto publish_round(nats_link& link, const nats_options& options,
                                 const nats_link::inbox& inbox,
                                 std::span<const message_bus::simple_message> round)
    -> result<void> {
  for (const auto& m : round) {
    const natsStatus s =
        natsConnection_PublishRequest(link.connection(), m.subject.c_str(), inbox.subject.c_str(),
                                      m.payload.data(), static_cast<int>(m.payload.size()));
    if (s != NATS_OK) return nats_fault(s, "natsConnection_PublishRequest");
  }
  return await_acks(inbox.subscription.get(), round.size(), options.ack_within);
}

}  // namespace

auto send_chunk(nats_link& link, const outgoing_chunk& chunk, std::size_t first,
                std::uint64_t expected_last, std::uint64_t token, const writer_fence& fence)
    -> result<void> {
  BESTOW_ASSERT(first < chunk.size());
  const auto number = link.expect_ack(token);
  if (!number) return fail(fault_code::broker_unavailable, "publish_chunk", "not connected");
  const std::string reply = link.ack_prefix() + std::to_string(*number);
  writer_fence from_us = fence;
  for (std::size_t i = first; i < chunk.size(); ++i) {
    const bool last = i + 1 == chunk.size();
    const auto message =
        make_message({chunk.subject.c_str(), last ? reply.c_str() : nullptr, chunk.message(i),
                      expected_last + (i - first), chunk.event_type, from_us});
    from_us.chained = !fence.writer.empty();  // From here on each follows one of this writer's.
    const natsStatus s = natsConnection_PublishMsg(link.connection(), message.get());
    if (s == NATS_OK) continue;
    if (i == first && link.take_ack(*number)) return nats_fault(s, "natsConnection_PublishMsg");
    // Some of the chunk is on its way. Giving the link up reports the chunk as lost: read back.
    link.close();
    break;
  }
  return {};
}

auto publish_one(nats_link& link, const nats_options& options, const std::string& subject,
                 std::string_view payload, std::optional<std::uint64_t> expected_last,
                 const std::string& event_type, const writer_fence& fence)
    -> result<std::uint64_t> {
  const auto message =
      make_message({subject.c_str(), nullptr, payload, expected_last, event_type, fence});
  natsMsg* raw = nullptr;
  const natsStatus s =
      natsConnection_RequestMsg(&raw, link.connection(), message.get(), options.ack_within.count());
  const nats_message_ptr answer{raw};
  if (s == NATS_NO_RESPONDERS) return publish_fault(nats_no_responders, "no responders");
  if (s == NATS_MAX_PAYLOAD)
    return fail(fault_code::internal, "publish", "larger than max_payload");
  if (s != NATS_OK) {
    if (auto refused = permission_fault(link, "publish", subject))
      return tl::unexpected<fault>{std::move(*refused)};
    return unknown_outcome(s);
  }
  const pub_ack ack = parse_pub_ack(payload_of(raw));
  if (ack.error_code == ack_lost) {
    return fail(fault_code::outcome_unknown, "publish", ack.error);
  }
  if (ack.error_code != 0) return publish_fault(ack.error_code, ack.error);
  if (ack.duplicate) return publish_fault(ack_duplicate, "the broker has a message of this id");
  return ack.seq;
}

auto publish_many(nats_link& link, const nats_options& options,
                  std::span<const message_bus::simple_message> messages) -> result<void> {
  if (messages.empty()) return {};
  auto inbox = link.take_inbox();
  if (!inbox) return nats_fault(NATS_CONNECTION_CLOSED, "publish_all");
  while (!messages.empty()) {
    const auto round = messages.first(std::min(messages.size(), publish_round_max));
    messages = messages.subspan(round.size());
    auto stored = publish_round(link, options, *inbox, round);
    if (stored) continue;
    link.retire(std::move(*inbox));  // More answers may be on their way.
    return stored;
  }
  link.give_back(std::move(*inbox));
  return {};
}

}  // namespace bestow::bus
