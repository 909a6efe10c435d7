// LMDB with destructors and faults instead of codes. Private to store/: the only folder that
// includes lmdb.h.
//
// Promise: environments are opened with the default durability only (never NOSYNC, NOMETASYNC,
// MAPASYNC, WRITEMAP; databases never DUPSORT). A transaction that is not committed is aborted.
// Threads: an environment from any thread; a write transaction and a cursor stay on one thread;
// a read transaction is used by one thread at a time (MDB_NOTLS). An environment is opened once
// per process and not carried across fork.
#pragma once

#include <lmdb.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "events/result.hpp"

namespace bestow::store {

/// log_full: map or disk full. log_corrupt: pages make no sense. log_version_unknown.
/// overloaded: reader table full. log_io_failed: everything else.
[[nodiscard]] auto lmdb_fault(int code, std::string_view operation, std::string_view context)
    -> tl::unexpected<fault>;

struct lmdb_options {
  std::string path;            ///< The data file; <path>-lock stands beside it.
  std::uint64_t map_bytes{0};  ///< Address space; the file grows only as used.
  unsigned databases_max{4};
  bool read_only{false};
  bool locked{true};  ///< False for a file that nobody writes, or that nobody else knows yet.
};

class lmdb_env {
 public:
  /// Opens or (unless read_only) creates the file with mode 0600, makes its name durable and frees
  /// the slots of readers that died.
  [[nodiscard]] static auto open(const lmdb_options& options) -> result<lmdb_env>;

  [[nodiscard]] auto handle() const -> MDB_env* { return env_.get(); }
  [[nodiscard]] auto path() const -> const std::string& { return path_; }
  [[nodiscard]] auto read_only() const -> bool { return read_only_; }
  /// Frees the slots of readers whose process is gone, so that they do not pin old pages.
  [[nodiscard]] auto check_readers() const -> result<unsigned>;

 private:
  struct closer {
    void operator()(MDB_env* env) const { mdb_env_close(env); }
  };
  std::unique_ptr<MDB_env, closer> env_;
  std::string path_;
  bool read_only_{false};
};

class lmdb_txn {
 public:
  enum class access : std::uint8_t { read, write };
  /// A write transaction blocks while another process writes.
  [[nodiscard]] static auto begin(const lmdb_env& env, access how) -> result<lmdb_txn>;
  [[nodiscard]] auto handle() const -> MDB_txn* { return txn_.get(); }
  /// Durable when it returns without a fault. The transaction is over either way.
  [[nodiscard]] auto commit() -> result<void>;

  /// Opens (or creates, in a write transaction) a named database.
  [[nodiscard]] auto database(const char* name, bool create) const -> result<MDB_dbi>;
  [[nodiscard]] auto get(MDB_dbi database, std::span<const std::byte> key) const
      -> result<std::optional<std::span<const std::byte>>>;
  /// The code of mdb_put: callers tell MDB_KEYEXIST from the rest.
  [[nodiscard]] auto put(MDB_dbi database, std::span<const std::byte> key,
                         std::span<const std::byte> value, unsigned flags) const -> int;
  [[nodiscard]] auto entries(MDB_dbi database) const -> result<std::uint64_t>;

 private:
  struct aborter {
    void operator()(MDB_txn* txn) const { mdb_txn_abort(txn); }
  };
  std::unique_ptr<MDB_txn, aborter> txn_;
  const lmdb_env* env_{nullptr};
};

/// A place in a database. Must not outlive its transaction.
class lmdb_cursor {
 public:
  [[nodiscard]] static auto open(const lmdb_txn& txn, MDB_dbi database) -> result<lmdb_cursor>;
  /// Each answers whether there is an entry there; key() and value() are then valid.
  [[nodiscard]] auto first() -> result<bool> { return move(MDB_FIRST); }
  [[nodiscard]] auto last() -> result<bool> { return move(MDB_LAST); }
  [[nodiscard]] auto next() -> result<bool> { return move(MDB_NEXT); }
  [[nodiscard]] auto previous() -> result<bool> { return move(MDB_PREV); }
  /// The first entry whose key is not less.
  [[nodiscard]] auto at_least(std::span<const std::byte> key) -> result<bool>;
  /// The last entry whose key is not greater.
  [[nodiscard]] auto at_most(std::span<const std::byte> key) -> result<bool>;

  [[nodiscard]] auto key() const -> std::span<const std::byte>;
  [[nodiscard]] auto value() const -> std::span<const std::byte>;

 private:
  struct closer {
    void operator()(MDB_cursor* cursor) const { mdb_cursor_close(cursor); }
  };
  [[nodiscard]] auto move(MDB_cursor_op op) -> result<bool>;
  std::unique_ptr<MDB_cursor, closer> cursor_;
  MDB_val key_{};
  MDB_val value_{};
};

}  // namespace bestow::store
