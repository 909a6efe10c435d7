// Where a long document goes: a file that appears when it is whole (whole_file), or standard output.
// Private to apps/cli.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "apps/cli/context.hpp"
#include "apps/cli/whole_file.hpp"

namespace bestow::cli {

class out_file {
 public:
  /// `path` "" or "-" = standard output. Complains when the file cannot be made or may not be replaced.
  out_file(const context& ctx, const std::string& path);
  out_file(const out_file&) = delete;
  auto operator=(const out_file&) -> out_file& = delete;
  [[nodiscard]] auto good() const -> bool;
  /// False: no room, or the reader has gone.
  [[nodiscard]] auto write(std::string_view piece) -> bool;
  /// Gives the file its name. Complains when that fails.
  [[nodiscard]] auto finish() -> bool;
  [[nodiscard]] auto to_stdout() const -> bool { return to_stdout_; }

 private:
  auto note(std::string problem) -> bool;

  const context& ctx_;
  const bool to_stdout_;
  std::unique_ptr<whole_file> file_;  ///< Null: standard output, or there is none.
  bool failed_{false};                ///< The disk refused; said already.
};

}  // namespace bestow::cli
