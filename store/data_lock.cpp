#include "store/data_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "store/files.hpp"

namespace bestow::store {
namespace {

auto io_fault(std::string_view operation, const std::string& path, int error)
    -> tl::unexpected<fault> {
  return fail(fault_code::file_io_failed, operation,
              fmt::format("{}: {}", path, std::generic_category().message(error)));
}

auto held(int fd, const std::string& path) -> tl::unexpected<fault> {
  std::array<char, 32> text{};
  const auto got = ::pread(fd, text.data(), text.size(), 0);
  std::string pid{text.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
  while (!pid.empty() && pid.back() == '\n') pid.pop_back();
  return fail(fault_code::log_locked, "flock",
              fmt::format("{}: held by process {}", path, pid.empty() ? "?" : pid));
}

}  // namespace

auto data_lock::acquire(const std::string& directory) -> result<data_lock> {
  if (auto made = make_directory(directory); !made)
    return tl::unexpected<fault>{std::move(made.error())};
  const auto path = directory + "/LOCK";
  data_lock out{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR)};
  if (out.fd_ < 0) return io_fault("open", path, errno);
  if (::flock(out.fd_, LOCK_EX | LOCK_NB) != 0)
    return errno == EWOULDBLOCK ? held(out.fd_, path) : io_fault("flock", path, errno);
  const auto pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(out.fd_, 0) != 0 ||
      ::pwrite(out.fd_, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return io_fault("write", path, errno);
  return out;
}

data_lock::data_lock(data_lock&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}

auto data_lock::operator=(data_lock&& other) noexcept -> data_lock& {
  std::swap(fd_, other.fd_);
  return *this;
}

data_lock::~data_lock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace bestow::store
