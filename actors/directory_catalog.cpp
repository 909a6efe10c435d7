// What the directory reads from the log about promotions that sleep.
#include "actors/directory.hpp"
#include "events/limits.hpp"

namespace bestow::actors {

namespace {

/// The promotion's newest fact; before the seal nothing has a higher number than the seal's but the
/// cancel.
auto newest_fact(const store::event_log& log, promotion_id id) -> result<event_type> {
  const auto stream = stream_of(id);
  const auto version = log.version_of(stream);
  if (!version) return tl::unexpected{version.error()};
  event_type newest = event_type::promotion_created;
  if (version->value == 0) return newest;
  store::read_options one;
  one.events_max = 1;
  const auto seen = log.read_stream(stream, stream_version{version->value - 1}, one,
                                    [&](const store::stored_event& stored) {
                                      newest = stored.type;
                                      return false;
                                    });
  if (!seen) return tl::unexpected{seen.error()};
  return newest;
}

}  // namespace

auto read_catalog(directory_state& s) -> result<void> {
  auto& log = *s.context->parts.log;
  std::uint64_t from = 0;
  store::read_options first;
  first.events_max = 1;
  for (;;) {
    auto streams = log.streams(aggregate::promotion, from, limits::catalog_page);
    if (!streams) return tl::unexpected{streams.error()};
    for (const auto& stream : *streams) {
      result<void> outcome{};
      const auto seen = log.read_stream(
          stream, stream_version{}, first, [&](const store::stored_event& stored) {
            auto facts = decode_event<promotion_created>(stored.payload);
            auto metadata = decode_metadata(stored.metadata);
            if (!facts || !metadata)
              outcome = tl::unexpected{facts ? metadata.error() : facts.error()};
            else
              domain::fold(s.catalog, *facts, *metadata);
            return false;
          });
      if (!seen) return tl::unexpected{seen.error()};
      if (!outcome) return outcome;
      from = stream.id + 1;
    }
    if (streams->size() < limits::catalog_page) return {};
  }
}

auto standing_of(const store::event_log& log, promotion_id id) -> result<domain::promotion> {
  store::read_options few;
  for (const auto type : all_event_types())
    if (type != event_type::targets_imported) few.types.push_back(type);
  domain::promotion p;
  result<void> outcome{};
  const auto seen =
      log.read_stream(stream_of(id), stream_version{}, few, [&](const store::stored_event& stored) {
        auto event = decode_promotion(stored.type, stored.payload);
        if (event) domain::fold(p, *event);
        if (!event) outcome = tl::unexpected{event.error()};
        return event.has_value();
      });
  if (!seen) return tl::unexpected{seen.error()};
  if (!outcome) return tl::unexpected{outcome.error()};
  return p;
}

auto is_active(const result<domain::promotion>& p) -> bool {
  using domain::promotion_state;
  if (!p || p->recall_open) return true;
  // At rest, but answers to what it published may become overdue.
  return p->state == promotion_state::running || p->state == promotion_state::stopping ||
         p->state == promotion_state::stopped || p->state == promotion_state::failed;
}

auto is_sealed(const store::event_log& log, promotion_id id) -> result<bool> {
  const auto newest = newest_fact(log, id);
  if (!newest) return tl::unexpected{newest.error()};
  return *newest >= event_type::list_sealed && *newest != event_type::promotion_cancelled;
}

}  // namespace bestow::actors
