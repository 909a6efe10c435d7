#include "bus/nats_pull.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "events/limits.hpp"

namespace bestow::bus {
namespace {

using steady = std::chrono::steady_clock;

/// After a request's expiry the broker's word is waited for this long.
constexpr std::chrono::milliseconds expiry_grace{2'000};

[[nodiscard]] auto header_of(natsMsg* m, const char* key) -> std::string_view {
  const char* value = nullptr;
  return natsMsgHeader_Get(m, key, &value) == NATS_OK && value != nullptr ? std::string_view{value}
                                                                          : std::string_view{};
}

}  // namespace

auto pull_reader::open(std::shared_ptr<nats_link> link, const std::string& stream,
                       const std::string& consumer) -> std::optional<pull_reader> {
  auto inbox = link->take_inbox();
  if (!inbox) return std::nullopt;
  auto subject = fmt::format("$JS.API.CONSUMER.MSG.NEXT.{}.{}", stream, consumer);
  return pull_reader{std::move(link), std::move(*inbox), std::move(subject)};
}

pull_reader::~pull_reader() {
  if (link_) link_->retire(std::move(inbox_));  // Not when moved from.
}

auto pull_reader::overdue() const -> bool {
  return outstanding_ > 0 &&
         steady::now() - requested_at_ > limits::nats_pull_expires + expiry_grace;
}

auto pull_reader::request(std::size_t count) -> bool {
  const auto expires = std::chrono::nanoseconds{limits::nats_pull_expires}.count();
  const auto body = fmt::format(R"({{"batch":{},"max_bytes":{},"expires":{}}})", count,
                                request_bytes_max, expires);
  const natsStatus s = natsConnection_PublishRequestString(
      link_->connection(), next_subject_.c_str(), inbox_.subject.c_str(), body.c_str());
  if (s != NATS_OK) return false;
  outstanding_ += count;
  requested_at_ = steady::now();
  return true;
}

auto pull_reader::next(std::chrono::milliseconds within) -> pulled {
  pulled out;
  natsMsg* raw = nullptr;
  const natsStatus s = natsSubscription_NextMsg(&raw, inbox_.subscription.get(),
                                                std::max<std::int64_t>(within.count(), 1));
  out.message.reset(raw);
  if (s == NATS_TIMEOUT) return out;
  if (s == NATS_NO_RESPONDERS) {
    out.outcome = pull_outcome::consumer_gone;
    return out;
  }
  if (s != NATS_OK) {
    out.outcome = pull_outcome::link_lost;
    return out;
  }
  // Only the broker's status messages carry no acknowledgement subject.
  const auto numbers = parse_delivery(reply_of(raw));
  if (!numbers) {
    out.outcome = read_status(raw);
    return out;
  }
  outstanding_ -= std::min<std::size_t>(outstanding_, 1);
  out.outcome = pull_outcome::message;
  out.numbers = *numbers;
  return out;
}

auto pull_reader::read_status(natsMsg* message) -> pull_outcome {
  const std::string_view status = header_of(message, "Status");
  if (status.starts_with("1")) return pull_outcome::nothing;  // Heartbeats and flow control.
  const std::string_view text = header_of(message, "Description");
  if (status == "409" && text.find("Deleted") != std::string_view::npos) {
    return pull_outcome::consumer_gone;
  }
  // 408 and 404 name what is left of the request they end; without it all of them count as ended.
  const std::string_view left = header_of(message, "Nats-Pending-Messages");
  const auto unfilled =
      left.empty() ? outstanding_
                   : std::min<std::size_t>(outstanding_, std::strtoull(left.data(), nullptr, 10));
  outstanding_ -= unfilled;
  return pull_outcome::request_ended;
}

}  // namespace bestow::bus
