#include "actors/event_audit.hpp"

#include <fmt/format.h>

#include "actors/event_feed.hpp"

namespace bestow::actors {

namespace {

/// Position, stream, version, name and time of a fact: what two versions of the program write alike.
auto place_in(std::string_view json) -> std::string_view {
  return json.substr(0, json.find(R"(,"principal":)"));
}

auto sound(std::string detail) -> event_audit {
  return {"", domain::refusal{domain::rejection::stream_is_sound, std::move(detail)}};
}

/// The message at `seq` and the log's fact at that position, where both exist.
struct both {
  std::optional<bus::stored_message> stored;
  std::optional<fact_message> planned;
};

auto read_both(const engine_parts& parts, const grant_settings& grants, std::uint64_t seq)
    -> result<both> {
  both out;
  auto stored = parts.messages->read(grants.event_stream, seq);
  if (!stored) return tl::unexpected{stored.error()};
  out.stored = std::move(*stored);
  auto planned = fact_message_at(*parts.log, grants, position{seq});
  if (!planned) return tl::unexpected{planned.error()};
  out.planned = std::move(*planned);
  return out;
}

}  // namespace

auto audit_events(const engine_parts& parts, const grant_settings& grants) -> result<event_audit> {
  const auto found = parts.messages->inspect(event_stream_config(grants));
  if (!found) return tl::unexpected{found.error()};
  const auto& name = grants.event_stream;
  if (!found->exists) return sound(name + " does not exist yet: it is made by itself");
  const auto& state = found->state;
  const auto head = parts.log->head().last.value;
  if (state.messages > 0) {
    const auto first = read_both(parts, grants, state.first_seq);
    if (!first) return tl::unexpected{first.error()};
    const bool ours = first->stored && first->planned &&
                      place_in(first->stored->payload) == place_in(first->planned->payload);
    if (!ours)
      return event_audit{"", domain::refusal{domain::rejection::stream_belongs_to_another,
                                             fmt::format("{} sequence {} is not a fact of this log",
                                                         name, state.first_seq)}};
  }
  if (!found->differences.empty()) return event_audit{found->differences, {}};
  if (state.last_seq > head)
    return event_audit{
        fmt::format("it ends at sequence {}, the log at position {}", state.last_seq, head), {}};
  if (state.messages == 0) return sound(name + " holds nothing that differs from the log");
  const auto last = read_both(parts, grants, state.last_seq);
  if (!last) return tl::unexpected{last.error()};
  const bool same = last->stored && last->planned &&
                    last->stored->payload == last->planned->payload &&
                    last->stored->subject == last->planned->subject;
  if (same) return sound(name + " ends with this log's fact");
  return event_audit{
      fmt::format("sequence {} is not this log's fact at that position", state.last_seq), {}};
}

}  // namespace bestow::actors
