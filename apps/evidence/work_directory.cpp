#include "apps/evidence/work_directory.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "apps/evidence/backup.hpp"
#include "store/files.hpp"

namespace bestow::evidence {
namespace {

namespace fs = std::filesystem;

auto without_last_slashes(std::string path) -> std::string {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

/// With the links of all that exists followed; no slash at its end.
auto real_path(const std::string& path) -> std::optional<fs::path> {
  std::error_code error;
  auto out = fs::absolute(without_last_slashes(path), error);
  if (!error) out = fs::weakly_canonical(out, error);
  if (error) return std::nullopt;
  return out.has_filename() ? out : out.parent_path();
}

/// What an attempt may have left.
constexpr std::array<std::string_view, 9> ours{
    "LOCK", "log", "rejects", "views", "lists", "manifest.json", "manifest.json.tmp",
    "restored", "restored.tmp"};

}  // namespace

auto io_failed(std::string_view operation, const std::string& path, const std::error_code& error)
    -> tl::unexpected<fault> {
  return fail(fault_code::file_io_failed, operation,
              fmt::format("{}: {}", path, error.message()));
}

auto make_folder(const std::string& path) -> result<void> {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) fs::permissions(path, fs::perms::owner_all, error);
  if (error) return io_failed("mkdir", path, error);
  return {};
}

auto why_not_into(const std::string& directory) -> std::string {
  std::error_code error;
  const auto status = fs::symlink_status(directory, error);
  if (status.type() == fs::file_type::not_found) return "";
  if (fs::is_symlink(status)) return fmt::format("{} is a link: name the directory", directory);
  if (!fs::is_directory(status)) return fmt::format("{} exists and is no directory", directory);
  const bool empty = fs::is_empty(directory, error);
  if (error) return fmt::format("{}: {}", directory, error.message());
  return empty ? "" : fmt::format("{} is not empty: name a new directory", directory);
}

auto why_no_backup(const std::string& data, const std::string& directory) -> std::string {
  if (auto why = why_not_into(directory); !why.empty()) return why;
  const auto place = real_path(directory);
  const auto root = real_path(data);
  if (!place || !root) return fmt::format("{}: its parents cannot be read", directory);
  const auto rest = std::mismatch(root->begin(), root->end(), place->begin(), place->end());
  if (rest.first != root->end()) return "";
  return fmt::format("{} lies inside the data directory: name one outside of it", directory);
}

auto work_directory::open(const std::string& final_name) -> result<work_directory> {
  const auto target = without_last_slashes(final_name);
  if (const auto why = why_not_into(target); !why.empty())
    return fail(fault_code::file_io_failed, "open", why);
  work_directory out{target, target + ".incomplete"};
  auto lock = store::data_lock::acquire(out.path_);
  if (!lock) return tl::unexpected<fault>{std::move(lock.error())};
  out.lock_.emplace(std::move(*lock));
  if (auto cleared = out.clear(); !cleared) return tl::unexpected<fault>{cleared.error()};
  return out;
}

auto work_directory::clear() const -> result<void> {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{path_, error})
    if (std::ranges::find(ours, entry.path().filename().native()) == ours.end())
      return fail(fault_code::file_io_failed, "open",
                  fmt::format("{} holds {}, which is not ours: move it away", path_,
                              entry.path().filename().native()));
  if (error) return io_failed("read", path_, error);
  for (const auto name : ours) {
    if (name == "LOCK") continue;
    fs::remove_all(path_ + "/" + std::string{name}, error);
    if (error) return io_failed("remove", path_, error);
  }
  return {};
}

auto work_directory::finish() -> result<void> {
  if (auto synced = store::sync_directory(path_); !synced) return synced;
  std::error_code error;
  fs::rename(path_, target_, error);  // Replaces an empty directory, and nothing else.
  if (error) return io_failed("rename", target_, error);
  // The lock goes last: until here nobody else could begin under either name.
  fs::remove(target_ + "/LOCK", error);
  if (error) return io_failed("remove", target_ + "/LOCK", error);
  lock_.reset();
  if (auto synced = store::sync_directory(target_); !synced) return synced;
  return store::sync_directory(store::parent_of(target_));
}

auto work_directory::discard() -> result<void> {
  if (auto cleared = clear(); !cleared) return cleared;
  std::error_code error;
  fs::remove(path_ + "/LOCK", error);
  if (!error) fs::remove(path_, error);
  if (error) return io_failed("remove", path_, error);
  lock_.reset();
  return store::sync_directory(store::parent_of(path_));
}

}  // namespace bestow::evidence
