#include "store/log_frames.hpp"

namespace bestow::store {
namespace {

auto source_of(const event_log& log) -> result<const frame_source*> {
  const auto* known = dynamic_cast<const frame_source*>(&log);
  if (known == nullptr)
    return fail(fault_code::internal, "frame_source", "this log hands out no frames");
  return known;
}

}  // namespace

auto frame_holding(const event_log& log, position at)
    -> result<std::optional<frame_copy>> {
  const auto source = source_of(log);
  if (!source) return tl::unexpected<fault>{source.error()};
  return (*source)->frame_holding(at);
}

auto identity_of(const event_log& log) -> result<log_identity> {
  const auto source = source_of(log);
  if (!source) return tl::unexpected<fault>{source.error()};
  return (*source)->identity();
}

}  // namespace bestow::store
