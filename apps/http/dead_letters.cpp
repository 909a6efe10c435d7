#include "apps/http/dead_letters.hpp"

#include <algorithm>
#include <memory>

#include "bus/grant_wire.hpp"
#include "events/limits.hpp"

namespace bestow::http {

namespace {

/// How often an outcome is written when others write to the stream at the same moment.
constexpr int write_tries_max = 20;

}  // namespace

auto dead_letters::catch_up(const letter_parts& parts) -> result<void> {
  if (parts.messages == nullptr)
    return fail(fault_code::broker_unavailable, "dead_letters", "no broker");
  const auto state = parts.messages->state_of(parts.stream);
  if (!state) {
    // No result ever arrived, so the intake has not made the stream yet: it is empty.
    if (state.error().code == fault_code::broker_stream_damaged) return {};
    return tl::unexpected{state.error()};
  }
  // Another stream than the one that was read, or letters were purged from it.
  if (state->last_seq < seen_seq_ || state->first_seq != first_seq_) {
    first_seq_ = state->first_seq;
    seen_seq_ = 0;
    letter_count_ = 0;
    settled_.clear();
  }
  if (state->last_seq == seen_seq_) return {};
  auto done = parts.messages->scan(
      parts.stream, seen_seq_ + 1, state->last_seq, [&](const bus::stored_message& m) {
        bus::dead_letter letter;
        if (!bus::decode_dead_letter(m.payload, letter)) return true;
        if (!letter.accepted) ++letter_count_;
        if (letter.retry_of != 0)
          settled_.try_emplace(letter.retry_of, settled{m.seq, letter.accepted});
        return true;
      });
  if (!done) {  // Half read: from the beginning the next time.
    first_seq_ = 0;
    return done;
  }
  seen_seq_ = state->last_seq;
  return {};
}

void dead_letters::complete(numbered_letter& l) const {
  const auto it = settled_.find(l.number);
  if (it == settled_.end()) return;
  l.retried_at = it->second.at;
  l.accepted = it->second.accepted;
}

auto dead_letters::read(const letter_parts& parts, std::uint64_t number)
    -> result<std::optional<numbered_letter>> {
  if (number == 0 || number > seen_seq_) return std::nullopt;
  auto stored = parts.messages->read(parts.stream, number);
  if (!stored) return tl::unexpected{stored.error()};
  numbered_letter l{number, {}, std::nullopt, false};
  if (!*stored || !bus::decode_dead_letter((*stored)->payload, l.letter) || l.letter.accepted)
    return std::nullopt;
  complete(l);
  return l;
}

auto dead_letters::page(const letter_parts& parts, std::uint64_t after, std::size_t limit,
                        bool open_only) -> result<letter_page> {
  const std::lock_guard lock{mutex_};
  if (auto done = catch_up(parts); !done) return tl::unexpected{done.error()};
  letter_page page;
  page.count = letter_count_;
  page.open_count = letter_count_ - std::min<std::uint64_t>(letter_count_, settled_.size());
  if (after >= seen_seq_) return page;
  auto done = parts.messages->scan(
      parts.stream, after + 1, seen_seq_, [&](const bus::stored_message& m) {
        numbered_letter l{m.seq, {}, std::nullopt, false};
        if (!bus::decode_dead_letter(m.payload, l.letter) || l.letter.accepted) return true;
        complete(l);
        if (open_only && l.retried_at) return true;
        if (page.letters.size() == limit) {
          page.next = page.letters.back().number;
          return false;
        }
        page.letters.push_back(std::move(l));
        return true;
      });
  if (!done) return tl::unexpected{done.error()};
  return page;
}

auto dead_letters::show(const letter_parts& parts, std::uint64_t number)
    -> result<std::optional<numbered_letter>> {
  const std::lock_guard lock{mutex_};
  if (auto done = catch_up(parts); !done) return tl::unexpected{done.error()};
  return read(parts, number);
}

auto dead_letters::write_down(const letter_parts& parts, const bus::dead_letter& outcome)
    -> result<void> {
  const auto text = bus::encode_dead_letter(outcome, parts.messages->max_payload());
  fault last;
  for (int i = 0; i < write_tries_max; ++i) {
    if (auto done = catch_up(parts); !done) return done;
    if (settled_.contains(outcome.retry_of)) return {};  // An unknown outcome was a success.
    const auto stored = parts.messages->publish(std::string{bus::dead_letter_subject}, text,
                                                seen_seq_, "", {});
    if (stored) return catch_up(parts);
    last = stored.error();
    // Someone else's letter came in between, or nobody knows: read, then try once more.
    const bool again = last.code == fault_code::version_conflict ||
                       last.code == fault_code::outcome_unknown;
    if (!again) break;
  }
  return tl::unexpected{last};
}

auto dead_letters::retry(const letter_parts& parts, std::uint64_t number)
    -> actors::outcome<std::optional<retry_outcome>> {
  const auto failed = [](const fault& why) { return tl::unexpected<actors::trouble>{why}; };
  const std::lock_guard lock{mutex_};
  if (auto done = catch_up(parts); !done) return failed(done.error());
  auto found = read(parts, number);
  if (!found) return failed(found.error());
  if (!*found) return std::nullopt;
  retry_outcome out;
  out.repeated = (*found)->retried_at.has_value();
  if (!out.repeated) {
    auto next = (*found)->letter;
    next.retry_of = number;
    next.at = parts.time->wall();
    auto decoded = std::make_shared<std::vector<bus::decoded_result>>(1);
    next.reason = next.payload_bytes > next.payload.size()
                      ? std::string{"the payload was too large to be kept whole"}
                      : bus::decode_result(next.subject, next.payload, decoded->front());
    if (next.reason.empty()) {
      auto recorded = parts.engine->record_results(decoded);
      if (!recorded) return tl::unexpected(recorded.error());
      out.at = recorded->at;
      if (!recorded->refused.empty()) next.reason = recorded->refused.front().reason;
    }
    next.accepted = next.reason.empty();
    if (auto done = write_down(parts, next); !done) return failed(done.error());
  }
  const auto& end = settled_.at(number);
  out.accepted = end.accepted;
  if (out.accepted) return out;
  out.next_letter = end.at;
  if (auto letter = read(parts, end.at); letter && *letter) out.reason = (*letter)->letter.reason;
  return out;
}

}  // namespace bestow::http
