#include "projections/created_of.hpp"

#include <utility>

#include "events/codec.hpp"

namespace bestow::projections {

auto created_of(const store::event_log& log, promotion_id promotion)
    -> result<std::optional<created_fact>> {
  std::optional<created_fact> out;
  result<void> decoded;
  const store::read_options first{{event_type::promotion_created}, 1};
  const auto seen =
      log.read_stream(stream_of(promotion), {}, first, [&](const store::stored_event& e) {
        auto fact = decode_event<promotion_created>(e.payload);
        if (fact)
          out = created_fact{e.at, std::move(*fact)};
        else
          decoded = tl::unexpected{fact.error()};
        return false;
      });
  if (!seen) return tl::unexpected{seen.error()};
  if (!decoded) return tl::unexpected{decoded.error()};
  return out;
}

}  // namespace bestow::projections
