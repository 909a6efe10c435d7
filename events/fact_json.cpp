#include "events/fact_json.hpp"

#include <nlohmann/json.hpp>

namespace bestow {

auto fact_to_json(const fact_place& place, event_type type, std::span<const std::byte> payload)
    -> std::string {
  using json = nlohmann::ordered_json;
  json head{{"position", place.at.value},
            {"stream", to_string(place.stream)},
            {"version", place.version.value},
            {"event", name_of(type)},
            {"recorded_at", to_rfc3339(place.recorded_at)}};
  head["principal"] = place.principal.empty() ? json(nullptr) : json(place.principal);
  auto text = head.dump(-1, ' ', false, json::error_handler_t::replace);
  text.pop_back();  // The brace: what follows is JSON already.
  const auto event = decode_any(type, payload);
  text += event ? R"(,"data":)" + event_to_json(*event, true)
                : R"(,"error":")" + std::string{name_of(event.error().code)} + '"';
  return text += '}';
}

}  // namespace bestow
