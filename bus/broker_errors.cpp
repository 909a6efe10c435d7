#include "bus/broker_errors.hpp"

#include <fmt/format.h>

namespace bestow::bus {

auto message_id(std::string_view writer, std::uint64_t seq) -> std::string {
  return fmt::format("{}.{}", writer, seq);
}

auto publish_fault(int code, const std::string& text) -> tl::unexpected<fault> {
  auto detail = fmt::format("{} (code {})", text, code);
  if (code == js_wrong_last_sequence || code == js_wrong_last_id || code == ack_duplicate) {
    return fail(fault_code::version_conflict, "publish", std::move(detail));
  }
  if (code == js_store_failed || code == js_insufficient_resources || code == js_storage_exceeded) {
    return fail(fault_code::broker_stream_full, "publish", std::move(detail));
  }
  return fail(fault_code::broker_unavailable, "publish", std::move(detail));
}

auto no_such_stream(std::string_view operation, const std::string& stream)
    -> tl::unexpected<fault> {
  return fail(fault_code::broker_stream_missing, operation,
              fmt::format("stream {} does not exist", stream));
}

}  // namespace bestow::bus
