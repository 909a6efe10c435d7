#include "apps/cli/whole_file.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

namespace bestow::cli {
namespace {

auto not_writable(const context& ctx, const std::string& path, std::string_view why)
    -> std::unique_ptr<whole_file> {
  ctx.complain(fmt::format("file_unwritable: {}: {}", path, why));
  return nullptr;
}

}  // namespace

auto whole_file::create(const context& ctx, const std::string& path)
    -> std::unique_ptr<whole_file> {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (path.empty()) return not_writable(ctx, path, "give a file's name");
  if (std::filesystem::is_directory(status))
    return not_writable(ctx, path, "it is a directory; give a file");
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    return not_writable(ctx, path, "it is no regular file");
  if (std::filesystem::exists(status) && !ctx.confirmed(fmt::format("Replace {}?", path)))
    return not_writable(ctx, path, "it exists; --yes replaces it");
  auto scratch = path + ".XXXXXX";
  const int fd = ::mkostemp(scratch.data(), O_CLOEXEC);
  if (fd < 0) return not_writable(ctx, path, std::strerror(errno));
  return std::unique_ptr<whole_file>{new whole_file{path, std::move(scratch), fd}};
}

whole_file::~whole_file() {
  ::close(fd_);
  if (!kept_) std::remove(scratch_.c_str());
}

auto whole_file::why(int error) const -> std::string {
  return fmt::format("{}: {}", path_, std::strerror(error));
}

auto whole_file::write(std::string_view bytes) -> std::string {
  while (!bytes.empty()) {
    const auto done = ::write(fd_, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return why(errno);
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return "";
}

auto whole_file::keep() -> std::string {
  if (::fsync(fd_) != 0) return why(errno);
  if (std::rename(scratch_.c_str(), path_.c_str()) != 0) return why(errno);
  kept_ = true;
  return "";
}

}  // namespace bestow::cli
