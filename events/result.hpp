// The machine's failures, as values.
//
// Three kinds of trouble are never mixed: a rejection is an answer (domain/rejection.hpp), a fault
// is a failure of the machine (here), an assertion is a bug (events/assert.hpp). Nothing in Bestow
// throws across a folder's border; every call that can fail returns result<T>.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace bestow {

/// Named for what the caller must do next.
enum class fault_action : std::uint8_t {
  retry_later,    ///< Transient: bus away, queue full. Nothing was done, or it is read back.
  decide_again,   ///< Version conflict: reload the stream, decide again.
  call_operator,  ///< Disk or map full, stream foreign or full: no retry will help by itself.
  stop_process,   ///< Corruption: continuing would spread it.
};

/// One name per cause, stable: shown as `code` in problem documents and read by `bestow explain`.
/// The table of meanings and remedies is events/fault_table.hpp; a test holds them together.
enum class fault_code : std::uint8_t {
  version_conflict,      ///< The stream moved on since it was read.
  outcome_unknown,       ///< No answer in time: the request may have been done. Read it back.
  overloaded,            ///< A bounded queue is full.
  view_behind,           ///< The view did not reach the log head in time.
  shutting_down,         ///< The process is stopping.
  broker_unavailable,    ///< NATS cannot be reached or did not answer in time.
  broker_stream_foreign, ///< The stream belongs to another log.
  broker_stream_full,    ///< The stream refuses messages for want of room.
  broker_stream_ahead,   ///< The stream holds messages the log never planned.
  broker_stream_damaged, ///< Messages are missing in the middle of the stream.
  broker_stream_missing, ///< The stream does not exist, or is empty though grants were planned.
  broker_stream_purged,  ///< The stream's first messages are gone.
  broker_stream_behind,  ///< The stream lost its tail, which is being sent again.
  broker_stream_differs, ///< The stream holds another message than the log plans there.
  broker_stream_misconfigured,  ///< The stream's settings are not the ones Bestow needs.
  broker_access_refused,        ///< NATS refuses the credentials, the certificate or a permission.
  broker_version_unsupported,   ///< The server is too old for what is asked of it.
  log_full,              ///< LMDB's map or the disk is full. Acknowledged facts are intact.
  log_io_failed,         ///< A read, write or fsync failed. The environment must be reopened.
  log_corrupt,           ///< Hash chain, checksum or page is wrong.
  log_rolled_back,       ///< The log is shorter than its anchor says it was.
  log_locked,            ///< Another bestow holds the data directory.
  log_version_unknown,   ///< Written by a newer format than this binary knows.
  file_io_failed,        ///< A file beside the log could not be read or written.
  view_poisoned,         ///< A view met an event it cannot apply, and stopped.
  bad_config,            ///< bestow.toml or an override is wrong.
  internal,              ///< A promise between parts of the program was broken.
};

struct fault {
  fault_code code{fault_code::internal};
  fault_action action{fault_action::stop_process};
  std::string_view operation;  ///< The call that failed, e.g. "mdb_txn_commit". Static storage.
  std::string detail;          ///< For a human: path, stream, errno text. Never parsed.
};

template <class T>
using result = tl::expected<T, fault>;

/// The action that belongs to a code. Total.
[[nodiscard]] auto action_for(fault_code code) -> fault_action;

/// Shorthand: `return fail(fault_code::log_full, "mdb_put", path);` The action follows the code.
[[nodiscard]] inline auto fail(fault_code code, std::string_view operation, std::string detail)
    -> tl::unexpected<fault> {
  return tl::unexpected<fault>{fault{code, action_for(code), operation, std::move(detail)}};
}

[[nodiscard]] auto name_of(fault_action a) -> std::string_view;
[[nodiscard]] auto name_of(fault_code c) -> std::string_view;
/// "log_full in mdb_put: /data/log/000001.mdb".
[[nodiscard]] auto to_string(const fault& f) -> std::string;

}  // namespace bestow
