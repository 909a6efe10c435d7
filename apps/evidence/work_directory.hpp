// A directory that is filled beside its final name and gets it when it is whole. Private to
// apps/evidence.
//
// Promise: the final name is given by one rename, durably, and never to anything that exists but an
// empty directory. Whatever is killed when, only NAME.incomplete is left.
// Threads: one object belongs to one thread; two for one name exclude each other over processes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "events/result.hpp"
#include "store/data_lock.hpp"

namespace bestow::evidence {

class work_directory {
 public:
  /// Makes FINAL_NAME.incomplete, or clears what an earlier attempt left in it.
  /// @fault file_io_failed  the final name is taken, or the other one holds what is not ours
  /// @fault log_locked      another process or thread fills it now
  [[nodiscard]] static auto open(const std::string& final_name) -> result<work_directory>;
  [[nodiscard]] auto path() const -> const std::string& { return path_; }
  /// Gives it its final name. @fault file_io_failed
  [[nodiscard]] auto finish() -> result<void>;
  /// Removes it with all that is in it; the final name stays as it was. @fault file_io_failed
  [[nodiscard]] auto discard() -> result<void>;

 private:
  work_directory(std::string target, std::string path)
      : target_{std::move(target)}, path_{std::move(path)} {}
  [[nodiscard]] auto clear() const -> result<void>;

  std::string target_;
  std::string path_;
  std::optional<store::data_lock> lock_;
};

/// file_io_failed that names the operation, the path and the system's words.
[[nodiscard]] auto io_failed(std::string_view operation, const std::string& path,
                             const std::error_code& error) -> tl::unexpected<fault>;
/// Creates a folder and its parents, mode 0700. @fault file_io_failed
[[nodiscard]] auto make_folder(const std::string& path) -> result<void>;

}  // namespace bestow::evidence
