// Backups over HTTP: made on the server's machine.
#include <fmt/format.h>

#include "apps/evidence/backup.hpp"
#include "apps/evidence/digest.hpp"
#include "apps/http/handlers.hpp"
#include "apps/http/input.hpp"
#include "apps/http/json_writer.hpp"
#include "apps/http/render.hpp"

namespace bestow::http {
namespace {

/// The one backup that may be made at a time.
class backup_turn {
 public:
  explicit backup_turn(http_state& state)
      : state_{&state}, taken_{!state.backing_up.exchange(true)} {}
  backup_turn(const backup_turn&) = delete;
  auto operator=(const backup_turn&) -> backup_turn& = delete;
  ~backup_turn() {
    if (taken_) state_->backing_up = false;
  }
  [[nodiscard]] auto taken() const -> bool { return taken_; }

 private:
  http_state* state_;
  bool taken_{false};
};

}  // namespace

auto create_backup(const http_parts& parts, const request& in) -> answer {
  auto fields = body_fields(in);
  if (!fields) return tl::unexpected(std::move(fields.error()));
  fields->require("directory");
  const auto directory = fields->text("directory");
  if (auto p = fields->finish()) return tl::unexpected(std::move(*p));
  if (!directory.starts_with('/'))
    return tl::unexpected(problem_of(request_error::field_out_of_range,
                                     fmt::format("directory is '{}'; it wants a path that begins "
                                                 "with /, on the server's machine",
                                                 shown(directory)),
                                     "directory"));
  if (const auto why = evidence::why_no_backup(parts.settings->data.dir, directory); !why.empty())
    return tl::unexpected(problem_of(request_error::backup_directory_taken, why, "directory"));
  const backup_turn turn{*parts.state};
  if (!turn.taken())
    return tl::unexpected(problem_of(request_error::backup_running, "it is under way"));
  const auto made = evidence::create_backup(
      {parts.settings->data.dir, directory, parts.version, parts.time->wall(),
       [state = parts.state] { return state->stopping.load(); }},
      {});
  if (!made) return tl::unexpected(problem_of(made.error()));
  return json_response(backup_json(directory, *made), 201);
}

auto backup_json(const std::string& directory, const evidence::manifest& m) -> std::string {
  json_writer w;
  w.begin_object()
      .field("directory", directory)
      .field("log_id", m.log_id)
      .count("incarnation", m.incarnation)
      .count("head_position", m.head.value)
      .field("head_hash", to_hex(m.head_hash))
      .count("frames", m.frames)
      .count("files", m.files.size())
      .count("bytes", m.bytes())
      .field("manifest_sha256", to_hex(evidence::sha256_of(evidence::to_json(m))))
      .time("made_at", m.made_at)
      .end_object();
  return w.take();
}

}  // namespace bestow::http
