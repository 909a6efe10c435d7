#include "apps/import/read_promotion.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "events/codec.hpp"

namespace bestow::importing {

auto read_promotion(const store::event_log& log, promotion_id id)
    -> actors::outcome<promotion_created> {
  std::optional<result<promotion_created>> created;
  store::read_options options;
  options.types = {event_type::promotion_created};
  options.events_max = 1;
  const auto read = log.read_stream(stream_of(id), {}, options, [&](const store::stored_event& e) {
    created = decode_event<promotion_created>(e.payload);
    return false;
  });
  if (!read) return tl::unexpected<actors::trouble>{read.error()};
  if (!created)
    return tl::unexpected<actors::trouble>{
        domain::refusal{domain::rejection::promotion_not_found,
                        fmt::format("promotion {} does not exist", id.value)}};
  if (!*created) return tl::unexpected<actors::trouble>{created->error()};
  return **std::move(created);
}

}  // namespace bestow::importing
