#include "apps/cli/scratch_directory.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace bestow::cli {

scratch_directory::scratch_directory() {
  std::error_code error;
  auto name = std::filesystem::temp_directory_path(error).string() + "/bestow-XXXXXX";
  if (!error && ::mkdtemp(name.data()) != nullptr) path_ = std::move(name);
}

scratch_directory::~scratch_directory() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace bestow::cli
