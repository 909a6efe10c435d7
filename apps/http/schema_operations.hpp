// Fields of the answers about log, views, streams and health. Part of schema.cpp's table; private to it.
#pragma once

#include <array>

#include "apps/http/schema.hpp"

namespace bestow::http {
namespace {

using enum shape;
using f = schema_field;

constexpr auto log_page = std::to_array<f>({
    {"facts", list, false, "Fact", ""},
    {"next", count, true, "", "Give as from for the next page."},
    {"as_of_position", count, false, "", ""},
});
constexpr auto fact = std::to_array<f>({
    {"position", count, false, "", ""},
    {"stream", text, false, "", ""},
    {"version", count, false, "", ""},
    {"event", text, false, "", ""},
    {"recorded_at", time, true, "", ""},
    {"principal", text, true, "", ""},
    {"data", object, false, "", "The fact's own fields."},
});
constexpr auto log_stat = std::to_array<f>({
    {"log_id", text, false, "", ""},
    {"head_position", count, false, "", ""},
    {"head_hash", text, false, "", ""},
    {"frames", count, false, "", ""},
    {"streams", count, false, "", ""},
    {"file_bytes", count, false, "", ""},
    {"map_bytes", count, false, "", ""},
    {"payload_bytes", count, false, "", "Pages that hold frames."},
    {"anchored_position", count, false, "", "What the anchor beside the log covers."},
    {"first_recorded_at", time, true, "", ""},
    {"last_recorded_at", time, true, "", ""},
    {"readers", count, false, "", ""},
    {"oldest_reader_lag", count, false, "", ""},
    {"segments", count, false, "", "Files of the log; all but the last are sealed."},
    {"active_bytes", count, false, "", "Size of the last file, which map_bytes bounds."},
    {"seal_problem", text, true, "", "Why a file that is due is not sealed."},
});
constexpr auto verify_report = std::to_array<f>({
    {"clean", flag, false, "", ""},
    {"frames", count, false, "", ""},
    {"events", count, false, "", ""},
    {"last_position", count, false, "", ""},
    {"head_hash", text, false, "", ""},
    {"bad_position", count, true, "", ""},
    {"problem", text, true, "", ""},
});
constexpr auto backup_create = std::to_array<f>({
    {"directory", text, false, "",
     "A path on the server's machine: a new or empty directory, which its user may make."},
});
constexpr auto backup_required = std::to_array<std::string_view>({"directory"});
constexpr auto backup = std::to_array<f>({
    {"directory", text, false, "", ""},
    {"log_id", text, false, "", ""},
    {"incarnation", count, false, "", "How often the log was restored, plus one."},
    {"head_position", count, false, "", "The last fact that is in it."},
    {"head_hash", text, false, "", "Hash of the last frame."},
    {"frames", count, false, "", ""},
    {"files", count, false, "", "Without the manifest."},
    {"bytes", count, false, "", ""},
    {"manifest_sha256", text, false, "", "Keep it elsewhere: it fixes every file of the backup."},
    {"made_at", time, true, "", ""},
});
constexpr auto view = std::to_array<f>({
    {"name", text, false, "", ""},
    {"version", count, false, "", ""},
    {"state", text, false, "", "following, rebuilding or stopped."},
    {"position", count, false, "", ""},
    {"lag", count, false, "", ""},
    {"problem", text, true, "", ""},
});
constexpr auto view_list = std::to_array<f>({
    {"views", list, false, "View", ""},
    {"as_of_position", count, false, "", ""},
});
constexpr auto stream = std::to_array<f>({
    {"name", text, false, "", ""},
    {"state", text, false, "", "ready, connecting, republishing, rebuilding, full or halted."},
    {"code", text, true, "", "The fault behind the state: `bestow explain CODE`."},
    {"detail", text, false, "", "The state in full."},
    {"generation", count, false, "", "0 before the stream is claimed for this log."},
    {"base_seq", count, false, "", "Sequence of the identity message; grants follow it."},
    {"planned_seq", count, false, "", "Last sequence the log plans."},
    {"acked_seq", count, false, "", "Last sequence that is known to be stored."},
    {"republished_count", count, false, "", "Sent again since the start: the broker lost them."},
});
constexpr auto stream_list = std::to_array<f>({
    {"streams", list, false, "Stream", ""},
});
constexpr auto stream_rebuild = std::to_array<f>({
    {"name", text, false, "", ""},
    {"generation", count, false, "", "The new generation; 0 of the event stream."},
    {"message_count", count, false, "", "Grants or facts that are published again."},
    {"reason", text, true, "", "What was wrong."},
    {"repeated", flag, false, "", "A rebuild was under way already."},
    {"position", count, false, "", "Log position of the fact; of the event stream the head."},
});
constexpr auto stream_adoption = std::to_array<f>({
    {"name", text, false, "", ""},
    {"first_seq", count, false, "", "First message that was taken in."},
    {"last_seq", count, false, "", "Last one."},
    {"message_count", count, false, "", ""},
    {"release_count", count, false, "", "Releases they became in the log."},
    {"position", count, false, "", "Log position of the fact."},
});
constexpr auto health = std::to_array<f>({
    {"status", text, false, "", "alive, ready or not_ready."},
    {"version", text, false, "", "Of /healthz."},
    {"checks", list, false, "Check", "Of /readyz."},
});
constexpr auto check_fields = std::to_array<f>({
    {"name", text, false, "", ""},
    {"ok", flag, false, "", ""},
    {"detail", text, true, "", ""},
});
constexpr auto problem_fields = std::to_array<f>({
    {"type", text, false, "", ""},
    {"title", text, false, "", "What the code means."},
    {"status", count, false, "", ""},
    {"code", text, false, "", "The rejection's, fault's or request error's name."},
    {"detail", text, false, "", "What was wrong this time."},
    {"field", text, false, "", "Where it applies."},
    {"line", count, false, "", "Where it applies."},
    {"open_batch", text, false, "", "An import that can be gone on with or given up."},
    {"import", object, false, "ImportResult", "What a refused strict import found."},
    {"as_of_position", count, false, "", "Where it applies."},
});

}  // namespace
}  // namespace bestow::http
