// A fresh directory that goes away with the object.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "events/assert.hpp"

namespace bestow::testing {

class temp_directory {
 public:
  temp_directory() {
    auto pattern = (std::filesystem::temp_directory_path() / "bestow-store-XXXXXX").string();
    BESTOW_ASSERT(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  temp_directory(const temp_directory&) = delete;
  auto operator=(const temp_directory&) -> temp_directory& = delete;
  ~temp_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] auto path() const -> const std::string& { return path_; }
  [[nodiscard]] auto file(const std::string& name) const -> std::string {
    return path_ + "/" + name;
  }

 private:
  std::string path_;
};

}  // namespace bestow::testing
