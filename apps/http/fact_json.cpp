#include "apps/http/fact_json.hpp"

#include "events/codec.hpp"

namespace bestow::http {

void write_fact(json_writer& w, const store::stored_event& e) {
  w.begin_object()
      .count("position", e.at.value)
      .field("stream", to_string(e.stream))
      .count("version", e.version.value)
      .field("event", name_of(e.type))
      .time("recorded_at", e.recorded_at);
  const auto metadata = decode_metadata(e.metadata);
  w.text_or_null("principal", metadata ? std::string_view{metadata->principal} : "");
  if (const auto event = decode_any(e.type, e.payload))
    w.key("data").raw(event_to_json(*event, true));
  else
    w.field("error", name_of(event.error().code));
  w.end_object();
}

auto log_stat_json(const store::log_stat& stat) -> std::string {
  json_writer w;
  w.begin_object()
      .field("log_id", stat.log_id)
      .count("head_position", stat.head.last.value)
      .field("head_hash", to_hex(stat.head.frame_hash))
      .count("frames", stat.head.frames)
      .count("streams", stat.stream_count)
      .count("file_bytes", stat.file_bytes)
      .count("map_bytes", stat.map_bytes)
      .count("payload_bytes", stat.payload_bytes)
      .count("anchored_position", stat.anchored.value)
      .time("first_recorded_at", stat.first_recorded_at)
      .time("last_recorded_at", stat.head.recorded_at)
      .count("readers", stat.readers)
      .count("oldest_reader_lag", stat.oldest_reader_lag)
      .count("segments", stat.segments)
      .count("active_bytes", stat.active_bytes)
      .text_or_null("seal_problem", stat.seal_problem)
      .end_object();
  return w.take();
}

auto verify_json(const store::verify_report& report) -> std::string {
  json_writer w;
  w.begin_object()
      .flag("clean", report.clean)
      .count("frames", report.frames)
      .count("events", report.events)
      .count("last_position", report.last.value)
      .field("head_hash", to_hex(report.head_hash));
  if (report.clean)
    w.key("bad_position").null();
  else
    w.count("bad_position", report.bad_at.value);
  w.text_or_null("problem", report.problem).end_object();
  return w.take();
}

}  // namespace bestow::http
