// Facts and log figures as JSON, shared by the log's endpoints, the event stream and the offline
// commands. Pure.
#pragma once

#include <string>

#include "apps/http/json_writer.hpp"
#include "store/event_log.hpp"

namespace bestow::http {

/// One object: position, stream, version, event, recorded_at, principal, data. A payload that
/// cannot be decoded has "error" in place of data.
void write_fact(json_writer& w, const store::stored_event& e);
[[nodiscard]] auto log_stat_json(const store::log_stat& stat) -> std::string;
[[nodiscard]] auto verify_json(const store::verify_report& report) -> std::string;

}  // namespace bestow::http
