#include "events/fault_table.hpp"

#include <array>
#include <cstddef>

namespace bestow {
namespace {

using enum fault_code;
using enum fault_action;

constexpr auto rows = std::to_array<fault_row>({
    {version_conflict, "version_conflict", decide_again,
     "The stream moved on between reading it and appending to it. Nothing was written.",
     "Send the command again: it is decided on the new state. If it keeps happening, two programs "
     "are working on the same promotion."},
    {outcome_unknown, "outcome_unknown", retry_later,
     "No answer came in time. The request may or may not have been done.",
     "Send it again with the same Idempotency-Key: if it was done, the first answer comes back; "
     "if not, it is done now. It is never done twice."},
    {overloaded, "overloaded", retry_later,
     "A bounded queue is full, so the request was refused at the door. Nothing was done.",
     "Wait a moment and send it again. If it lasts, look at the queue metrics and at the disk."},
    {view_behind, "view_behind", retry_later,
     "The view that answers this question has not reached the log's head in time. The log is "
     "intact.",
     "Ask again, or add ?stale=1 to read the view as it is. `bestow view list` shows the lag."},
    {shutting_down, "shutting_down", retry_later,
     "The process is stopping and takes no new work. Nothing was done.",
     "Send the request again once the service is up."},
    {broker_unavailable, "broker_unavailable", retry_later,
     "NATS cannot be reached or did not answer in time. What the log holds is safe and is "
     "published when NATS is back.",
     "Check that nats-server runs and that url, credentials and TLS in [nats] are right. "
     "`bestow doctor` tests the connection."},
    {broker_stream_foreign, "broker_stream_foreign", call_operator,
     "The JetStream stream belongs to another log. Nothing was published to it.",
     "Point [nats] at the right server or account, or choose other stream names in [grants]. Never "
     "let two logs write to one stream."},
    {broker_stream_full, "broker_stream_full", call_operator,
     "The stream refuses messages for want of room. Publishing pauses; nothing is lost.",
     "Give JetStream more room (its disk, account limits or the stream's max_bytes). Publishing "
     "goes on by itself."},
    {broker_stream_ahead, "broker_stream_ahead", call_operator,
     "The stream holds messages that this log never planned: the log was probably restored from "
     "an older backup. Publishing to it is halted, and nothing can be started or retried.",
     "Do not publish over them: those grants may have been paid. `bestow nats adopt` reads them, "
     "proves that they are grants of this log and takes them into it."},
    {broker_stream_damaged, "broker_stream_damaged", call_operator,
     "Messages are missing in the middle of the stream. Publishing to it is halted; the log still "
     "knows every message.",
     "Find out what removed them. Bring JetStream's store back as it was and restart, or let "
     "`bestow nats rebuild` publish everything again as a new generation."},
    {broker_stream_missing, "broker_stream_missing", call_operator,
     "The stream does not exist or is empty, although the log has published to it. Publishing to "
     "it is halted; the log still knows every message.",
     "Check that [nats] names the right server and account. Bring JetStream's store back and "
     "restart, or let `bestow nats rebuild` publish everything again as a new generation."},
    {broker_stream_purged, "broker_stream_purged", call_operator,
     "The stream's first messages are gone: it was purged. Publishing to it is halted; the log "
     "still knows every message.",
     "Find out who purged it. Bring JetStream's store back and restart, or let `bestow nats "
     "rebuild` publish everything again as a new generation."},
    {broker_stream_behind, "broker_stream_behind", retry_later,
     "The stream lost messages at its end that it had acknowledged, as after a power cut of the "
     "broker. They are being sent again from the log, byte for byte.",
     "Nothing to do: it mends itself and stands in the log as stream_tail_republished. Find out "
     "why the broker lost what it had acknowledged."},
    {broker_stream_differs, "broker_stream_differs", call_operator,
     "The stream holds another message than the log plans at that sequence: somebody else wrote "
     "to it, or a copy of this data directory did. Publishing to it is halted.",
     "Stop the other writer and compare the stream with the payer's ledger: what stands there may "
     "have been paid. Keep a copy, delete the stream by hand, then `bestow nats rebuild`."},
    {broker_stream_misconfigured, "broker_stream_misconfigured", call_operator,
     "The stream's settings are not the ones Bestow needs: messages could be dropped, deleted or "
     "lost. Nothing is published to it.",
     "Set what the detail names as docs/guides/broker.md says (`nats stream edit`). What cannot "
     "be edited: `bestow nats rebuild` makes the stream anew and publishes everything again."},
    {broker_access_refused, "broker_access_refused", call_operator,
     "NATS refuses the connection or a request: user, password, key, certificate or a permission "
     "is wrong.",
     "Check user, password, credentials, nkey and tls_* in [nats], and the permissions of that "
     "user against docs/guides/broker.md."},
    {broker_version_unsupported, "broker_version_unsupported", call_operator,
     "The NATS server is too old: 2.9.10 is needed, and 2.10.23 for replicated streams.",
     "Upgrade nats-server, or set replicas in [nats] to 1."},
    {log_full, "log_full", call_operator,
     "The disk or the log's map is full. The fact was not written; every acknowledged fact is "
     "intact.",
     "`/readyz` and the service's log say which of the two. Disk: make room, and it goes on by "
     "itself. Map: raise map_size in [data] and restart. Queries keep working meanwhile."},
    {log_io_failed, "log_io_failed", call_operator,
     "Reading, writing or syncing the log failed. Nothing of the failed group was acknowledged; "
     "the log is opened anew before it is used again.",
     "Look at the kernel's messages and at the disk's health. If it comes back, move the data "
     "directory to a sound disk."},
    {log_corrupt, "log_corrupt", stop_process,
     "Bytes of the log are not what was written: the hash chain, a checksum, a page or an event "
     "does not fit.",
     "Stop, keep the damaged directory as evidence, run `bestow log verify` to find the position, "
     "and restore the newest backup."},
    {log_rolled_back, "log_rolled_back", stop_process,
     "The log is shorter than its anchor says it was: facts that were acknowledged are missing.",
     "Do not start from it: grants could be sent twice. Restore the newest backup of the whole "
     "data directory."},
    {log_locked, "log_locked", call_operator,
     "Another bestow holds the data directory.",
     "Stop the other process, or give this one another directory with --data."},
    {log_version_unknown, "log_version_unknown", call_operator,
     "The data was written by a newer Bestow than this one.",
     "Run the newer version. Formats are only ever extended, so it reads the old data too."},
    {file_io_failed, "file_io_failed", call_operator,
     "A file beside the log could not be read or written.",
     "Check the path, its permissions and the free space. Files beside the log are rebuilt from "
     "it when they are missing."},
    {view_poisoned, "view_poisoned", call_operator,
     "A view met an event that it cannot apply and stopped there. It never skips one, so its "
     "answers are complete up to that position.",
     "Report the event's position. After an upgrade that mends it, `bestow view rebuild NAME`."},
    {bad_config, "bad_config", call_operator,
     "bestow.toml, an override from the environment or an option is wrong.",
     "The message names the key, the value and what is allowed. config/bestow.toml is a complete "
     "example."},
    {internal, "internal", stop_process,
     "A promise between parts of the program was broken. Continuing could spread it.",
     "This is a bug: please report it with the log output. The log itself is safe."},
});

constexpr auto in_enum_order() -> bool {
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (static_cast<std::size_t>(rows[i].code) != i) return false;
  return true;
}
static_assert(in_enum_order());
static_assert(rows.back().code == internal, "the last fault_code has the last row");

}  // namespace

auto fault_table() -> std::span<const fault_row> { return rows; }

}  // namespace bestow
