#include "store/lmdb_env.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "events/limits.hpp"
#include "store/files.hpp"

namespace bestow::store {
namespace {

auto code_for(int code) -> fault_code {
  switch (code) {
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return fault_code::log_full;
    case MDB_PAGE_NOTFOUND:
    case MDB_CORRUPTED:
    case MDB_INVALID:
    case MDB_INCOMPATIBLE:
    case MDB_BAD_VALSIZE:
    case MDB_BAD_DBI:
    case MDB_CURSOR_FULL:
    case MDB_NOTFOUND:  // Callers treat an absent key as an answer; here it is a missing table.
      return fault_code::log_corrupt;
    case MDB_VERSION_MISMATCH:
      return fault_code::log_version_unknown;
    case MDB_READERS_FULL:
      return fault_code::overloaded;
    default:
      return fault_code::log_io_failed;
  }
}

/// What is full, how full, and what to do.
auto why_full(int code, const std::string& path) -> std::string {
  if (code == MDB_MAP_FULL)
    return "the map is full: raise map_size (of a view: view_map_size) in [data] and restart";
  struct statvfs disk {};
  if (::statvfs(path.c_str(), &disk) != 0 && ::statvfs(parent_of(path).c_str(), &disk) != 0)
    return fmt::format("the disk is full: {}", mdb_strerror(code));
  return fmt::format("the disk is full, {} of {} bytes free: make room, and it goes on",
                     std::uint64_t{disk.f_bavail} * disk.f_frsize,
                     std::uint64_t{disk.f_blocks} * disk.f_frsize);
}

/// LMDB answers EIO for a write that was cut short, which is how a disk runs full.
auto code_of_write(int code, const std::string& path) -> int {
  struct statvfs disk {};
  if (code != EIO || ::statvfs(path.c_str(), &disk) != 0) return code;
  const auto free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  return free < limits::frame_bytes_max ? ENOSPC : code;
}

auto to_val(std::span<const std::byte> bytes) -> MDB_val {
  return {bytes.size(), const_cast<std::byte*>(bytes.data())};  // LMDB does not write through it.
}

auto to_span(const MDB_val& value) -> std::span<const std::byte> {
  return {static_cast<const std::byte*>(value.mv_data), value.mv_size};
}

/// LMDB maps its lock file and writes through the map: where the disk has no room for a page of it,
/// that would end the process. So the room is taken before. Closing the descriptor drops this
/// process's locks on the file, of which there are none before the environment is open.
auto reserve_lock_file(const std::string& path) -> int {
  constexpr std::size_t slot_bytes = 64;
  constexpr std::size_t header_bytes = 4'096;
  const int fd = ::open((path + "-lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return 0;  // A file system that is read-only: LMDB knows what to do.
  const int error = ::posix_fallocate(fd, 0, limits::lmdb_readers_max * slot_bytes + header_bytes);
  ::close(fd);
  return error == ENOSPC || error == EDQUOT ? error : 0;
}

}  // namespace

auto lmdb_fault(int code, std::string_view operation, std::string_view context)
    -> tl::unexpected<fault> {
  const auto named = code_for(code);
  return fail(named, operation,
              fmt::format("{}: {}", context,
                          named == fault_code::log_full ? why_full(code, std::string{context})
                                                        : std::string{mdb_strerror(code)}));
}

auto lmdb_env::open(const lmdb_options& options) -> result<lmdb_env> {
  lmdb_env out;
  out.path_ = options.path;
  out.read_only_ = options.read_only;
  MDB_env* raw = nullptr;
  if (const int rc = mdb_env_create(&raw); rc != 0)
    return lmdb_fault(rc, "mdb_env_create", options.path);
  out.env_.reset(raw);
  int rc = mdb_env_set_maxreaders(raw, limits::lmdb_readers_max);
  if (rc == 0) rc = mdb_env_set_maxdbs(raw, options.databases_max);
  if (rc == 0) rc = mdb_env_set_mapsize(raw, options.map_bytes);
  if (rc != 0) return lmdb_fault(rc, "mdb_env_set_mapsize", options.path);

  const bool existed = file_exists(options.path);
  if (options.locked && (existed || !options.read_only))
    if (const int full = reserve_lock_file(options.path); full != 0)
      return lmdb_fault(full, "open_lock_file", options.path);
  const unsigned flags = MDB_NOSUBDIR | MDB_NOTLS | (options.read_only ? MDB_RDONLY : 0U) |
                         (options.locked ? 0U : MDB_NOLOCK);
  rc = mdb_env_open(raw, options.path.c_str(), flags, 0600);
  if (rc != 0) return lmdb_fault(rc, "mdb_env_open", options.path);
  if (!existed && !options.read_only)
    if (auto synced = sync_directory(parent_of(options.path)); !synced)
      return tl::unexpected<fault>{std::move(synced.error())};
  if (auto checked = out.check_readers(); !checked)
    return tl::unexpected<fault>{std::move(checked.error())};
  return out;
}

auto lmdb_env::check_readers() const -> result<unsigned> {
  int dead = 0;
  if (const int rc = mdb_reader_check(env_.get(), &dead); rc != 0)
    return lmdb_fault(rc, "mdb_reader_check", path_);
  return static_cast<unsigned>(dead);
}

auto lmdb_txn::begin(const lmdb_env& env, access how) -> result<lmdb_txn> {
  MDB_txn* raw = nullptr;
  const int rc =
      mdb_txn_begin(env.handle(), nullptr, how == access::read ? MDB_RDONLY : 0U, &raw);
  if (rc != 0) return lmdb_fault(rc, "mdb_txn_begin", env.path());
  lmdb_txn out;
  out.txn_.reset(raw);
  out.env_ = &env;
  return out;
}

auto lmdb_txn::commit() -> result<void> {
  if (const int rc = mdb_txn_commit(txn_.release()); rc != 0)
    return lmdb_fault(code_of_write(rc, env_->path()), "mdb_txn_commit", env_->path());
  return {};
}

auto lmdb_txn::database(const char* name, bool create) const -> result<MDB_dbi> {
  MDB_dbi out = 0;
  if (const int rc = mdb_dbi_open(txn_.get(), name, create ? MDB_CREATE : 0U, &out); rc != 0)
    return lmdb_fault(rc, "mdb_dbi_open", fmt::format("{} {}", env_->path(), name));
  return out;
}

auto lmdb_txn::get(MDB_dbi database, std::span<const std::byte> key) const
    -> result<std::optional<std::span<const std::byte>>> {
  auto k = to_val(key);
  MDB_val value{};
  const int rc = mdb_get(txn_.get(), database, &k, &value);
  if (rc == MDB_NOTFOUND) return std::optional<std::span<const std::byte>>{};
  if (rc != 0) return lmdb_fault(rc, "mdb_get", env_->path());
  return std::optional{to_span(value)};
}

auto lmdb_txn::put(MDB_dbi database, std::span<const std::byte> key,
                   std::span<const std::byte> value, unsigned flags) const -> int {
  auto k = to_val(key);
  auto v = to_val(value);
  return mdb_put(txn_.get(), database, &k, &v, flags);
}

auto lmdb_txn::entries(MDB_dbi database) const -> result<std::uint64_t> {
  MDB_stat stat{};
  if (const int rc = mdb_stat(txn_.get(), database, &stat); rc != 0)
    return lmdb_fault(rc, "mdb_stat", env_->path());
  return std::uint64_t{stat.ms_entries};
}

auto lmdb_cursor::open(const lmdb_txn& txn, MDB_dbi database) -> result<lmdb_cursor> {
  MDB_cursor* raw = nullptr;
  if (const int rc = mdb_cursor_open(txn.handle(), database, &raw); rc != 0)
    return lmdb_fault(rc, "mdb_cursor_open", "cursor");
  lmdb_cursor out;
  out.cursor_.reset(raw);
  return out;
}

auto lmdb_cursor::move(MDB_cursor_op op) -> result<bool> {
  const int rc = mdb_cursor_get(cursor_.get(), &key_, &value_, op);
  if (rc == MDB_NOTFOUND) return false;
  if (rc != 0) return lmdb_fault(rc, "mdb_cursor_get", "cursor");
  return true;
}

auto lmdb_cursor::at_least(std::span<const std::byte> key) -> result<bool> {
  key_ = to_val(key);
  return move(MDB_SET_RANGE);
}

auto lmdb_cursor::at_most(std::span<const std::byte> key) -> result<bool> {
  auto found = at_least(key);
  if (!found) return found;
  if (!*found) return last();
  if (std::ranges::equal(this->key(), key)) return true;
  return previous();
}

auto lmdb_cursor::key() const -> std::span<const std::byte> { return to_span(key_); }
auto lmdb_cursor::value() const -> std::span<const std::byte> { return to_span(value_); }

}  // namespace bestow::store
