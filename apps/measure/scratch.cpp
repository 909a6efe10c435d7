#include "apps/measure/scratch.hpp"

#include <fmt/format.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/vfs.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace bestow::measure {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto remove_within = 5s;
constexpr int try_again_ms = 10;
constexpr std::uint64_t xfs_magic = 0x58465342;
constexpr std::uint64_t zfs_magic = 0x2FC12FC1;

struct named_filesystem {
  std::uint64_t magic;
  std::string_view name;
};
constexpr std::array<named_filesystem, 10> known{{{EXT4_SUPER_MAGIC, "ext4"},
                                                  {xfs_magic, "xfs"},
                                                  {BTRFS_SUPER_MAGIC, "btrfs"},
                                                  {zfs_magic, "zfs"},
                                                  {F2FS_SUPER_MAGIC, "f2fs"},
                                                  {OVERLAYFS_SUPER_MAGIC, "overlayfs"},
                                                  {NFS_SUPER_MAGIC, "nfs"},
                                                  {FUSE_SUPER_MAGIC, "fuse"},
                                                  {RAMFS_MAGIC, "ramfs"},
                                                  {TMPFS_MAGIC, "tmpfs"}}};

}  // namespace

auto scratch::make(const std::string& parent, std::string_view name) -> result<scratch> {
  auto pattern = fmt::format("{}/bestow-{}-XXXXXX", parent, name);
  if (mkdtemp(pattern.data()) == nullptr)
    return fail(fault_code::file_io_failed, "mkdtemp",
                fmt::format("{}: {}", pattern, std::generic_category().message(errno)));
  return scratch{std::move(pattern)};
}

scratch::~scratch() {
  if (!path_.empty()) static_cast<void>(remove());
}

auto scratch::remove() -> result<void> {
  const auto path = std::exchange(path_, "");
  const auto give_up_at = std::chrono::steady_clock::now() + remove_within;
  std::error_code error;
  while (fs::remove_all(path, error), error && std::chrono::steady_clock::now() < give_up_at)
    ::poll(nullptr, 0, try_again_ms);
  if (!error) return {};
  return fail(fault_code::file_io_failed, "remove", fmt::format("{}: {}", path, error.message()));
}

auto filesystem_of(const std::string& directory) -> std::string {
  struct statfs info {};
  if (statfs(directory.c_str(), &info) != 0) return "";
  const auto magic = static_cast<std::uint64_t>(info.f_type);
  for (const auto& f : known)
    if (f.magic == magic) return std::string{f.name};
  return fmt::format("{:x}", magic);
}

auto free_bytes(const std::string& directory) -> std::uint64_t {
  std::error_code error;
  const auto space = fs::space(directory, error);
  return error ? 0 : space.available;
}

}  // namespace bestow::measure
