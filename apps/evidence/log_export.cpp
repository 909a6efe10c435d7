#include "apps/evidence/log_export.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/evidence/digest.hpp"
#include "events/codec.hpp"
#include "store/log_frames.hpp"

namespace bestow::evidence {
namespace {

constexpr std::array<std::pair<std::string_view, export_format>, 3> formats{
    {{"ndjson", export_format::ndjson},
     {"frames", export_format::frames},
     {"facts", export_format::facts}}};

auto json_text(std::string_view text) -> std::string {
  using json = nlohmann::json;
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

auto text_or_null(std::string_view text) -> std::string {
  return text.empty() ? "null" : json_text(text);
}

struct fact_parts {
  const store::frame_header& header;
  position at{};
  const store::frame_record& record;
  std::string_view hash;
};

auto append_fact_line(std::string& out, const fact_parts& f) -> result<void> {
  const auto metadata = decode_metadata(f.record.metadata);
  const auto event = decode_any(f.record.type, f.record.payload);
  if (!metadata || !event)
    return fail(fault_code::log_corrupt, "export",
                fmt::format("position {}: {}", f.at.value,
                            to_string(metadata ? event.error() : metadata.error())));
  fmt::format_to(
      std::back_inserter(out),
      R"({{"kind":"fact","position":{},"stream":{},"version":{},"type":{},"event":"{}",)"
      R"("recorded_at":"{}","wall_at":"{}","principal":{},"idempotency_key":{},)"
      R"("request_hash":"{}","frame_hash":"{}","data":)",
      f.at.value, json_text(to_string(f.record.stream)), f.record.version.value,
      static_cast<unsigned>(f.record.type), name_of(f.record.type),
      to_rfc3339(f.header.recorded_at), to_rfc3339(f.header.wall_at),
      text_or_null(metadata->principal), text_or_null(metadata->idempotency_key),
      metadata->request_hash, f.hash);
  out += event_to_json(*event, false);
  out += "}\n";
  return {};
}

}  // namespace

auto parse_export_format(std::string_view word) -> std::optional<export_format> {
  for (const auto& [name, format] : formats)
    if (name == word) return format;
  return std::nullopt;
}

auto name_of(export_format format) -> std::string_view {
  for (const auto& [name, value] : formats)
    if (value == format) return name;
  return "";
}

void append_frame_line(std::string& out, const store::frame_view& frame,
                       std::span<const std::byte> bytes, bool whole) {
  const auto& h = frame.header;
  fmt::format_to(std::back_inserter(out),
                 R"({{"kind":"frame","first":{},"last":{},"recorded_at":"{}","wall_at":"{}",)"
                 R"("epoch":{},"incarnation":{},"previous":"{}","hash":"{}")",
                 h.first.value, h.last().value, to_rfc3339(h.recorded_at), to_rfc3339(h.wall_at),
                 h.identity.epoch, h.identity.incarnation, to_hex(h.previous),
                 to_hex(store::hash_of_frame(bytes)));
  if (whole) out.append(R"(,"bytes":")").append(to_base64(bytes)).append("\"");
  out += "}\n";
}

log_export::log_export(const store::event_log& log, const export_request& wanted)
    : log_{&log}, head_{log.head()}, wanted_{wanted}, next_{wanted.from} {
  if (wanted_.to.value == 0 || wanted_.to > head_.last) wanted_.to = head_.last;
}

auto log_export::facts_total() const -> std::uint64_t {
  return wanted_.to < wanted_.from ? 0 : wanted_.to.value - wanted_.from.value + 1;
}

void log_export::write_begin(std::string& out) const {
  fmt::format_to(std::back_inserter(out),
                 R"({{"kind":"export","format":"bestow-export 1","content":"{}","log_id":"{}",)"
                 R"("from":{},"to":{},"head_position":{},"head_hash":"{}"}})"
                 "\n",
                 name_of(wanted_.format), log_->log_id(), wanted_.from.value, wanted_.to.value,
                 head_.last.value, to_hex(head_.frame_hash));
}

void log_export::write_end(std::string& out) const {
  fmt::format_to(std::back_inserter(out),
                 R"({{"kind":"end","frames":{},"facts":{},"last_position":{},"last_hash":{}}})"
                 "\n",
                 frames_, facts_, next_.value - 1, text_or_null(last_hash_));
}

auto log_export::write_facts(const store::frame_view& frame, std::string_view hash,
                             std::string& out) -> result<void> {
  store::record_cursor records{frame.records};
  for (auto at = frame.header.first; const auto record = records.next(); ++at.value) {
    if (at < wanted_.from || at > wanted_.to) continue;
    ++facts_;
    if (wanted_.format == export_format::frames) continue;
    if (auto written = append_fact_line(out, {frame.header, at, *record, hash}); !written)
      return written;
  }
  return {};
}

auto log_export::step(std::string& out) -> result<bool> {
  if (!std::exchange(begun_, true)) {
    write_begin(out);
    return true;
  }
  if (next_ > wanted_.to) {
    write_end(out);
    return false;
  }
  const auto found = store::frame_holding(*log_, next_);
  if (!found) return tl::unexpected<fault>{found.error()};
  const auto damaged = [this] {
    return fail(fault_code::log_corrupt, "export",
                fmt::format("position {}: not in the log", next_.value));
  };
  if (!*found) return damaged();
  const auto& bytes = (*found)->bytes;
  const auto frame = store::decode_frame(bytes, (*found)->first);
  if (!frame) return tl::unexpected<fault>{frame.error()};
  if (frame->header.first > next_ || frame->header.last() < next_ ||
      !store::records_complete(*frame))
    return damaged();
  last_hash_ = to_hex(store::hash_of_frame(bytes));
  ++frames_;
  if (wanted_.format != export_format::facts) append_frame_line(out, *frame, bytes, true);
  if (auto written = write_facts(*frame, last_hash_, out); !written)
    return tl::unexpected<fault>{written.error()};
  next_ = {std::min(frame->header.last().value, wanted_.to.value) + 1};
  return true;
}

}  // namespace bestow::evidence
