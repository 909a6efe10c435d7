#include "store/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "store/descriptor.hpp"

namespace bestow::store {

mapped_file::mapped_file(mapped_file&& other) noexcept
    : data_{std::exchange(other.data_, nullptr)},
      size_{std::exchange(other.size_, 0)},
      anonymous_{other.anonymous_} {}

auto mapped_file::operator=(mapped_file&& other) noexcept -> mapped_file& {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(anonymous_, other.anonymous_);
  return *this;
}

mapped_file::~mapped_file() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

auto mapped_file::create(const std::string& path, std::size_t bytes) -> result<mapped_file> {
  mapped_file made;
  made.size_ = std::max<std::size_t>(bytes, 1);
  made.anonymous_ = path.empty();
  void* at = MAP_FAILED;
  if (path.empty()) {
    at = ::mmap(nullptr, made.size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return file_fault("mmap", "anonymous memory", errno);
  } else {
    // A new inode, never a truncated old one: someone may still have the old one mapped.
    ::unlink(path.c_str());
    const descriptor file{::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (file.get() < 0) return file_fault("open", path, errno);
    if (const int error = ::posix_fallocate(file.get(), 0, static_cast<off_t>(made.size_));
        error != 0) {
      ::unlink(path.c_str());
      return file_fault("posix_fallocate", path, error);
    }
    at = ::mmap(nullptr, made.size_, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    if (at == MAP_FAILED) {
      const int error = errno;
      ::unlink(path.c_str());
      return file_fault("mmap", path, error);
    }
  }
  made.data_ = static_cast<std::byte*>(at);
  return made;
}

auto mapped_file::open(const std::string& path, access mode) -> result<mapped_file> {
  const bool writes = mode == access::read_write;
  const descriptor file{::open(path.c_str(), (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC)};
  if (file.get() < 0) return file_fault("open", path, errno);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return file_fault("fstat", path, errno);
  if (info.st_size <= 0) return file_fault("mmap", path, EINVAL);
  mapped_file made;
  made.size_ = static_cast<std::size_t>(info.st_size);
  void* const at = ::mmap(nullptr, made.size_, writes ? PROT_READ | PROT_WRITE : PROT_READ,
                          MAP_SHARED, file.get(), 0);
  if (at == MAP_FAILED) return file_fault("mmap", path, errno);
  made.data_ = static_cast<std::byte*>(at);
  return made;
}

auto mapped_file::sync(std::size_t length) const -> result<void> {
  if (anonymous_ || data_ == nullptr) return {};
  if (::msync(data_, std::min(length, size_), MS_SYNC) != 0)
    return file_fault("msync", "mapped file", errno);
  return {};
}

auto make_directories(const std::string& path) -> result<void> {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const auto part = path.substr(0, slash);
    if (!part.empty() && ::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST)
      return file_fault("mkdir", part, errno);
    if (slash == std::string::npos) return {};
  }
}

auto make_parent_directories(const std::string& path) -> result<void> {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0) return {};
  return make_directories(path.substr(0, slash));
}

}  // namespace bestow::store
