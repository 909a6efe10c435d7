// The log as text for outsiders: every fact decoded, and every frame's own bytes, so that the hash
// chain can be computed again with SHA-256 alone. docs/guides/audit.md describes the lines.
//
// Promise: memory is bounded by one frame and its facts as text. What is exported is settled when
// the export begins: facts that are appended meanwhile are not in it. The last line says that the
// export is whole; without it, it is not.
// Threads: one export belongs to one thread at a time; any number run beside the log's writer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "events/result.hpp"
#include "events/types.hpp"
#include "store/event_log.hpp"
#include "store/frame.hpp"

namespace bestow::evidence {

enum class export_format : std::uint8_t {
  ndjson,  ///< Frames with their bytes, and their facts decoded.
  frames,  ///< Frames with their bytes.
  facts,   ///< Decoded facts with their frame's hash: for reading, not for checking.
};
inline constexpr std::string_view export_formats = "ndjson, frames, facts";
[[nodiscard]] auto parse_export_format(std::string_view word) -> std::optional<export_format>;
[[nodiscard]] auto name_of(export_format format) -> std::string_view;

struct export_request {
  position from{1};
  position to{};  ///< 0 = the head when the export begins; beyond it counts as the head.
  export_format format{export_format::ndjson};
};

class log_export {
 public:
  /// @fault internal  this log hands out no frames
  log_export(const store::event_log& log, const export_request& wanted);

  /// Appends the next lines to `out`: those of one frame, or the first or last line.
  /// @returns false after the last line.
  /// @fault log_corrupt  names the position; the export ends here and is not whole
  /// @fault log_io_failed
  [[nodiscard]] auto step(std::string& out) -> result<bool>;
  /// Facts written so far, and how many there will be.
  [[nodiscard]] auto facts() const -> std::uint64_t { return facts_; }
  [[nodiscard]] auto facts_total() const -> std::uint64_t;

 private:
  void write_begin(std::string& out) const;
  void write_end(std::string& out) const;
  [[nodiscard]] auto write_facts(const store::frame_view& frame, std::string_view hash,
                                 std::string& out) -> result<void>;

  const store::event_log* log_;
  store::log_head head_;
  export_request wanted_;
  position next_;
  bool begun_{false};
  std::uint64_t frames_{0};
  std::uint64_t facts_{0};
  std::string last_hash_;
};

/// One frame as a line of an export or a proof; `bytes` only when `whole`.
void append_frame_line(std::string& out, const store::frame_view& frame,
                       std::span<const std::byte> bytes, bool whole);

}  // namespace bestow::evidence
