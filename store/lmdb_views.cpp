#include <dirent.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <mutex>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "store/bytes.hpp"
#include "store/files.hpp"
#include "store/lmdb_env.hpp"
#include "store/view_names.hpp"
#include "store/view_store.hpp"

namespace bestow::store {
namespace {

constexpr std::size_t checkpoint_bytes = 40;  // Position, frame hash.
constexpr std::size_t serving_bytes_max = 16;

/// Paths open in this process: LMDB's locks break when a process opens one file twice.
class open_paths {
 public:
  [[nodiscard]] auto add(const std::string& path) -> bool {
    const std::lock_guard lock{mutex_};
    return paths_.insert(path).second;
  }
  void remove(const std::string& path) {
    const std::lock_guard lock{mutex_};
    paths_.erase(path);
  }

 private:
  std::mutex mutex_;
  std::set<std::string> paths_;
};

/// Holds a path's place in open_paths.
class open_path {
 public:
  [[nodiscard]] static auto claim(std::shared_ptr<open_paths> paths, const std::string& path)
      -> std::unique_ptr<open_path> {
    if (!paths->add(path)) return nullptr;
    return std::unique_ptr<open_path>{new open_path{std::move(paths), path}};
  }
  open_path(const open_path&) = delete;
  auto operator=(const open_path&) -> open_path& = delete;
  ~open_path() { paths_->remove(path_); }

 private:
  open_path(std::shared_ptr<open_paths> paths, std::string path)
      : paths_{std::move(paths)}, path_{std::move(path)} {}
  std::shared_ptr<open_paths> paths_;
  std::string path_;
};

struct view_file {
  std::unique_ptr<open_path> place;  ///< Declared first: released after the environment is closed.
  lmdb_env env;
  MDB_dbi rows{};
  MDB_dbi meta{};
};

/// Reading, the same for a snapshot and inside a write transaction.
class view_txn {
 public:
  view_txn(std::shared_ptr<const view_file> file, lmdb_txn txn)
      : file_{std::move(file)}, txn_{std::move(txn)} {}

  [[nodiscard]] auto get(std::string_view key) const -> result<std::optional<std::string_view>> {
    if (key.empty()) return std::optional<std::string_view>{};
    auto row = txn_.get(file_->rows, as_bytes(key));
    if (!row) return tl::unexpected<fault>{std::move(row.error())};
    if (!*row) return std::optional<std::string_view>{};
    return std::optional{as_text(**row)};
  }

  [[nodiscard]] auto scan(
      std::string_view from,
      const std::function<bool(std::string_view, std::string_view)>& visit) const -> result<void> {
    auto rows = lmdb_cursor::open(txn_, file_->rows);
    if (!rows) return tl::unexpected<fault>{std::move(rows.error())};
    auto found = from.empty() ? rows->first() : rows->at_least(as_bytes(from));
    for (; found && *found; found = rows->next())
      if (!visit(as_text(rows->key()), as_text(rows->value()))) return {};
    if (!found) return tl::unexpected<fault>{std::move(found.error())};
    return {};
  }

  [[nodiscard]] auto checkpoint() const -> result<view_checkpoint> {
    auto row = txn_.get(file_->meta, as_bytes("checkpoint"));
    if (!row) return tl::unexpected<fault>{std::move(row.error())};
    view_checkpoint out;
    if (!*row) return out;
    if ((*row)->size() != checkpoint_bytes)
      return fail(fault_code::log_corrupt, "checkpoint",
                  fmt::format("{}: the checkpoint is damaged", file_->env.path()));
    out.at = {load_le<std::uint64_t>((*row)->data())};
    std::copy_n((*row)->data() + 8, out.frame_hash.size(), out.frame_hash.begin());
    return out;
  }

 protected:
  std::shared_ptr<const view_file> file_;
  lmdb_txn txn_;
};

class lmdb_reader final : public view_reader, private view_txn {
 public:
  using view_txn::view_txn;
  auto get(std::string_view key) const -> result<std::optional<std::string_view>> override {
    return view_txn::get(key);
  }
  auto scan(std::string_view from,
            const std::function<bool(std::string_view, std::string_view)>& visit) const
      -> result<void> override {
    return view_txn::scan(from, visit);
  }
  auto checkpoint() const -> result<view_checkpoint> override { return view_txn::checkpoint(); }
};

class lmdb_writer final : public view_writer, private view_txn {
 public:
  using view_txn::view_txn;
  auto get(std::string_view key) const -> result<std::optional<std::string_view>> override {
    if (over()) return ended();
    return view_txn::get(key);
  }
  auto scan(std::string_view from,
            const std::function<bool(std::string_view, std::string_view)>& visit) const
      -> result<void> override {
    if (over()) return ended();
    return view_txn::scan(from, visit);
  }
  auto checkpoint() const -> result<view_checkpoint> override {
    if (over()) return ended();
    return view_txn::checkpoint();
  }

  auto put(std::string_view key, std::string_view value) -> result<void> override {
    if (auto fits = check_view_key(key); !fits) return fits;
    return put_row(file_->rows, key, as_bytes(value));
  }
  auto erase(std::string_view key) -> result<void> override {
    if (auto fits = check_view_key(key); !fits) return fits;
    if (over()) return ended();
    MDB_val k{key.size(), const_cast<char*>(key.data())};  // LMDB does not write through it.
    const int rc = mdb_del(txn_.handle(), file_->rows, &k, nullptr);
    if (rc != 0 && rc != MDB_NOTFOUND) return lmdb_fault(rc, "mdb_del", file_->env.path());
    return {};
  }
  auto set_checkpoint(const view_checkpoint& c) -> result<void> override {
    std::array<std::byte, checkpoint_bytes> row{};
    store_le(row.data(), c.at.value);
    std::ranges::copy(c.frame_hash, row.data() + 8);
    return put_row(file_->meta, "checkpoint", row);
  }
  auto commit() -> result<void> override {
    if (over()) return ended();
    return txn_.commit();
  }

 private:
  [[nodiscard]] auto over() const -> bool { return txn_.handle() == nullptr; }
  [[nodiscard]] auto ended() const -> tl::unexpected<fault> {
    return fail(fault_code::internal, "view_writer", "the transaction was committed");
  }
  [[nodiscard]] auto put_row(MDB_dbi table, std::string_view key, std::span<const std::byte> value)
      -> result<void> {
    if (over()) return ended();
    if (const int rc = txn_.put(table, as_bytes(key), value, 0); rc != 0)
      return lmdb_fault(rc, "mdb_put", file_->env.path());
    return {};
  }
};

class lmdb_view final : public view_store {
 public:
  explicit lmdb_view(std::shared_ptr<const view_file> file) : file_{std::move(file)} {}
  auto begin_read() const -> result<std::unique_ptr<view_reader>> override {
    auto txn = lmdb_txn::begin(file_->env, lmdb_txn::access::read);
    if (!txn) return tl::unexpected<fault>{std::move(txn.error())};
    return std::make_unique<lmdb_reader>(file_, std::move(*txn));
  }
  auto begin_write() -> result<std::unique_ptr<view_writer>> override {
    if (auto checked = file_->env.check_readers(); !checked)
      return tl::unexpected<fault>{std::move(checked.error())};
    auto txn = lmdb_txn::begin(file_->env, lmdb_txn::access::write);
    if (!txn) return tl::unexpected<fault>{std::move(txn.error())};
    return std::make_unique<lmdb_writer>(file_, std::move(*txn));
  }

 private:
  std::shared_ptr<const view_file> file_;
};

auto open_file(std::unique_ptr<open_path> place, const std::string& path, std::uint64_t map_bytes)
    -> result<std::shared_ptr<const view_file>> {
  auto env = lmdb_env::open({path, map_bytes, 2, false});
  if (!env) return tl::unexpected<fault>{std::move(env.error())};
  auto out = std::make_shared<view_file>(view_file{std::move(place), std::move(*env), {}, {}});
  auto txn = lmdb_txn::begin(out->env, lmdb_txn::access::write);
  if (!txn) return tl::unexpected<fault>{std::move(txn.error())};
  auto rows = txn->database("rows", true);
  if (!rows) return tl::unexpected<fault>{std::move(rows.error())};
  auto meta = txn->database("meta", true);
  if (!meta) return tl::unexpected<fault>{std::move(meta.error())};
  if (auto committed = txn->commit(); !committed)
    return tl::unexpected<fault>{std::move(committed.error())};
  out->rows = *rows;
  out->meta = *meta;
  return out;
}

class lmdb_views final : public view_store_factory {
 public:
  lmdb_views(std::string directory, std::uint64_t map_bytes)
      : directory_{std::move(directory)}, map_bytes_{map_bytes} {}

  auto open(std::string_view name, std::uint32_t version, std::uint32_t generation)
      -> result<std::unique_ptr<view_store>> override {
    if (auto fits = check_view_name(name); !fits)
      return tl::unexpected<fault>{std::move(fits.error())};
    const auto path = fmt::format("{}g{}.mdb", prefix(name, version), generation);
    auto file = claim_and_open(path);
    if (!file && file.error().code == fault_code::log_corrupt) {
      // A view is never the truth: an unreadable one starts empty and is filled from the log.
      std::remove(path.c_str());
      std::remove((path + "-lock").c_str());
      file = claim_and_open(path);
    }
    if (!file) return tl::unexpected<fault>{std::move(file.error())};
    return std::make_unique<lmdb_view>(std::move(*file));
  }

  auto serving(std::string_view name, std::uint32_t version) const
      -> result<std::uint32_t> override {
    const auto path = prefix(name, version) + "serving";
    auto text = read_file(path, serving_bytes_max);
    if (!text) return tl::unexpected<fault>{std::move(text.error())};
    if (!*text) return 1U;
    std::uint32_t generation = 0;
    const auto* end = (*text)->data() + (*text)->size();
    const auto parsed = std::from_chars((*text)->data(), end, generation);
    if (parsed.ec != std::errc{} || std::string_view{parsed.ptr, end} != "\n")
      return fail(fault_code::file_io_failed, "serving", fmt::format("{}: damaged", path));
    return generation;
  }

  auto flip(std::string_view name, std::uint32_t version, std::uint32_t generation)
      -> result<void> override {
    if (auto fits = check_view_name(name); !fits) return fits;
    if (auto replaced = replace_file(prefix(name, version) + "serving",
                                     fmt::format("{}\n", generation), durability::power_loss);
        !replaced)
      return replaced;
    // Durable before the old files go: a power cut must not leave the old name and no file.
    if (auto synced = sync_directory(directory_); !synced) return synced;
    remove_others(name, version, generation);
    return {};
  }

 private:
  [[nodiscard]] auto prefix(std::string_view name, std::uint32_t version) const -> std::string {
    return fmt::format("{}/{}.v{}.", directory_, name, version);
  }

  [[nodiscard]] auto claim_and_open(const std::string& path) const
      -> result<std::shared_ptr<const view_file>> {
    auto place = open_path::claim(open_, path);
    if (!place)
      return fail(fault_code::internal, "open_view", fmt::format("{}: open already", path));
    return open_file(std::move(place), path, map_bytes_);
  }

  /// A file that cannot be removed only takes room: the next flip tries again.
  void remove_others(std::string_view name, std::uint32_t version, std::uint32_t generation) const {
    const auto start = fmt::format("{}.v{}.g", name, version);
    const auto kept = fmt::format("{}.v{}.g{}.mdb", name, version, generation);
    const std::unique_ptr<DIR, int (*)(DIR*)> folder{::opendir(directory_.c_str()), &::closedir};
    if (!folder) return;
    while (const auto* entry = ::readdir(folder.get())) {
      const std::string_view file{entry->d_name};
      if (!file.starts_with(start) || file == kept || file == kept + "-lock") continue;
      std::remove(fmt::format("{}/{}", directory_, file).c_str());
    }
  }

  const std::string directory_;
  const std::uint64_t map_bytes_;
  std::shared_ptr<open_paths> open_ = std::make_shared<open_paths>();
};

}  // namespace

auto make_lmdb_view_stores(std::string directory, std::uint64_t map_bytes)
    -> result<std::unique_ptr<view_store_factory>> {
  if (auto made = make_directory(directory); !made)
    return tl::unexpected<fault>{std::move(made.error())};
  return std::make_unique<lmdb_views>(std::move(directory), map_bytes);
}

}  // namespace bestow::store
