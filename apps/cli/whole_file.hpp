// A file that appears complete under its name or not at all, with mode 0600. Private to apps/cli;
// one thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "apps/cli/context.hpp"

namespace bestow::cli {

class whole_file {
 public:
  /// A scratch file beside `path`. nullptr after a complaint: `path` is a directory or a device, its
  /// folder takes no file, or it exists and the user does not want it replaced.
  [[nodiscard]] static auto create(const context& ctx, const std::string& path)
      -> std::unique_ptr<whole_file>;
  whole_file(const whole_file&) = delete;
  auto operator=(const whole_file&) -> whole_file& = delete;
  /// Removes the scratch file unless keep() gave it its name.
  ~whole_file();

  /// Where the content is gathered.
  [[nodiscard]] auto scratch_path() const -> const std::string& { return scratch_; }
  /// "" or why the disk refused.
  [[nodiscard]] auto write(std::string_view bytes) -> std::string;
  /// Makes the content durable and gives it its name. "" or why not.
  [[nodiscard]] auto keep() -> std::string;

 private:
  whole_file(std::string path, std::string scratch, int descriptor)
      : path_{std::move(path)}, scratch_{std::move(scratch)}, fd_{descriptor} {}
  [[nodiscard]] auto why(int error) const -> std::string;

  std::string path_;
  std::string scratch_;
  int fd_;
  bool kept_{false};
};

}  // namespace bestow::cli
