// Where a long document goes: a file that appears when it is whole, or standard output.
// Private to apps/cli.
#pragma once

#include <fstream>
#include <string>
#include <string_view>

#include "apps/cli/context.hpp"

namespace bestow::cli {

class out_file {
 public:
  /// `path` "" or "-" = standard output. Complains when the file cannot be made.
  out_file(const context& ctx, std::string path);
  out_file(const out_file&) = delete;
  auto operator=(const out_file&) -> out_file& = delete;
  /// What was not finished is removed again.
  ~out_file();
  [[nodiscard]] auto good() const -> bool;
  /// False: no room, or the reader has gone.
  [[nodiscard]] auto write(std::string_view piece) -> bool;
  /// Gives the file its name. Complains when that fails.
  [[nodiscard]] auto finish() -> bool;
  [[nodiscard]] auto to_stdout() const -> bool { return path_.empty(); }

 private:
  const context& ctx_;
  std::string path_;  ///< "" = standard output.
  std::string part_;
  std::ofstream file_;
};

}  // namespace bestow::cli
