#include "store/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "store/descriptor.hpp"

namespace bestow::store {
namespace {

auto write_all(int fd, std::string_view content) -> bool {
  while (!content.empty()) {
    const auto written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

auto parent_of(const std::string& path) -> std::string {
  const auto end = path.find_last_not_of('/');
  const auto slash = end == std::string::npos ? end : path.find_last_of('/', end);
  if (slash == std::string::npos) return path.starts_with('/') ? "/" : ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

auto file_exists(const std::string& path) -> bool { return ::access(path.c_str(), F_OK) == 0; }

auto sync_directory(const std::string& path) -> result<void> {
  const descriptor fd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (fd.get() < 0) return file_fault("open", path, errno);
  if (::fsync(fd.get()) != 0) return file_fault("fsync", path, errno);
  return {};
}

auto make_directory(const std::string& path) -> result<void> {
  if (::mkdir(path.c_str(), 0700) == 0) return sync_directory(parent_of(path));
  if (errno == ENOENT && parent_of(path) != path) {
    if (auto made = make_directory(parent_of(path)); !made) return made;
    if (::mkdir(path.c_str(), 0700) == 0) return sync_directory(parent_of(path));
  }
  struct stat status {};
  const int error = errno;
  if (error == EEXIST && ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return {};
  return file_fault("mkdir", path, error);
}

auto read_file(const std::string& path, std::size_t bytes_max)
    -> result<std::optional<std::string>> {
  const descriptor fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (fd.get() < 0) {
    if (errno == ENOENT) return std::optional<std::string>{};
    return file_fault("open", path, errno);
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return file_fault("fstat", path, errno);
  if (static_cast<std::uint64_t>(status.st_size) > bytes_max)
    return file_fault("read", path, EFBIG);
  std::string content(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t have = 0;
  while (have < content.size()) {
    const auto got = ::read(fd.get(), content.data() + have, content.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_fault("read", path, errno);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  content.resize(have);
  return std::optional{std::move(content)};
}

auto replace_file(const std::string& path, std::string_view content, durability lasting)
    -> result<void> {
  const auto aside = path + ".tmp";
  {
    const descriptor fd{
        ::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR)};
    if (fd.get() < 0) return file_fault("open", aside, errno);
    if (!write_all(fd.get(), content)) return file_fault("write", aside, errno);
    if (lasting == durability::power_loss && ::fdatasync(fd.get()) != 0)
      return file_fault("fdatasync", aside, errno);
  }
  if (std::rename(aside.c_str(), path.c_str()) != 0) return file_fault("rename", path, errno);
  return {};
}

}  // namespace bestow::store
