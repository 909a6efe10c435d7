// Consumers of a stream as the broker lists them. nats.c 3.4 has no call for that.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "bus/nats_core.hpp"
#include "events/limits.hpp"

namespace bestow::bus {
namespace {

using nlohmann::json;

[[nodiscard]] auto number_in(const json& object, const char* first, const char* second)
    -> std::uint64_t {
  const auto outer = object.find(first);
  if (outer == object.end() || !outer->is_object()) return 0;
  const auto inner = outer->find(second);
  return inner != outer->end() && inner->is_number_unsigned() ? inner->get<std::uint64_t>() : 0;
}

/// One page of CONSUMER.LIST. @fault broker_unavailable also for an answer that is none
[[nodiscard]] auto list_page(nats_link& link, const nats_options& options,
                             const std::string& stream, std::size_t offset) -> result<json> {
  const auto subject = "$JS.API.CONSUMER.LIST." + stream;
  const auto body = fmt::format(R"({{"offset":{}}})", offset);
  natsMsg* raw = nullptr;
  const natsStatus s =
      natsConnection_Request(&raw, link.connection(), subject.c_str(), body.data(),
                             static_cast<int>(body.size()), options.ack_within.count());
  const nats_message_ptr answer{raw};
  if (s != NATS_OK) return api_fault(link, s, "CONSUMER.LIST", stream);
  auto page = json::parse(payload_of(raw), nullptr, false);
  if (page.is_object() && page.contains("consumers") && page["consumers"].is_array()) return page;
  return fail(fault_code::broker_unavailable, "CONSUMER.LIST", "unreadable answer for " + stream);
}

}  // namespace

auto consumers_beyond(nats_link& link, const nats_options& options, const std::string& stream,
                      std::uint64_t last_seq) -> result<std::vector<std::string>> {
  std::vector<std::string> out;
  for (std::size_t offset = 0; offset < limits::nats_consumers_listed_max;) {
    const auto page = list_page(link, options, stream, offset);
    if (!page) return tl::unexpected<fault>{page.error()};
    const auto& consumers = (*page)["consumers"];
    if (consumers.empty()) return out;
    for (const auto& c : consumers) {
      if (!c.is_object() || number_in(c, "delivered", "stream_seq") <= last_seq) continue;
      out.push_back(c.value("name", std::string{"?"}));
    }
    offset += consumers.size();
  }
  return out;
}

}  // namespace bestow::bus
