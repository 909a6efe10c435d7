// A directory of this command's own, gone with it. Private to apps/cli.
#pragma once

#include <string>

namespace bestow::cli {

class scratch_directory {
 public:
  /// Under TMPDIR, mode 0700. path() is "" when none can be made.
  scratch_directory();
  scratch_directory(const scratch_directory&) = delete;
  auto operator=(const scratch_directory&) -> scratch_directory& = delete;
  ~scratch_directory();
  [[nodiscard]] auto path() const -> const std::string& { return path_; }

 private:
  std::string path_;
};

}  // namespace bestow::cli
