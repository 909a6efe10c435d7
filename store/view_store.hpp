// One environment per view: rows and the checkpoint commit together.
//
// Threads: one writer thread at a time; readers from any thread, each with a short snapshot.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "events/result.hpp"
#include "events/types.hpp"

namespace bestow::store {

/// How far a view has read, and in which history.
struct view_checkpoint {
  position at{};
  sha256_digest frame_hash{};
  auto operator==(const view_checkpoint&) const -> bool = default;
};

/// A consistent snapshot. Keep it short-lived: an old reader stops page reuse.
class view_reader {
 public:
  view_reader() = default;
  view_reader(const view_reader&) = delete;
  auto operator=(const view_reader&) -> view_reader& = delete;
  virtual ~view_reader() = default;
  /// The view lives as long as the reader.
  [[nodiscard]] virtual auto get(std::string_view key) const -> result<std::optional<std::string_view>> = 0;
  /// Visits keys >= from, ascending, until the visitor returns false.
  [[nodiscard]] virtual auto scan(std::string_view from,
                                  const std::function<bool(std::string_view key, std::string_view value)>& visit)
      const -> result<void> = 0;
  [[nodiscard]] virtual auto checkpoint() const -> result<view_checkpoint> = 0;
};

/// A write transaction; sees its own writes. Destroying it without commit() drops everything.
class view_writer : public view_reader {
 public:
  /// Keys are 1..511 bytes. @fault log_full, log_io_failed.
  [[nodiscard]] virtual auto put(std::string_view key, std::string_view value) -> result<void> = 0;
  [[nodiscard]] virtual auto erase(std::string_view key) -> result<void> = 0;
  [[nodiscard]] virtual auto set_checkpoint(const view_checkpoint& c) -> result<void> = 0;
  /// Ends the transaction. @fault any: nothing of it stands after reopen.
  [[nodiscard]] virtual auto commit() -> result<void> = 0;
};

class view_store {
 public:
  view_store() = default;
  view_store(const view_store&) = delete;
  auto operator=(const view_store&) -> view_store& = delete;
  virtual ~view_store() = default;
  [[nodiscard]] virtual auto begin_read() const -> result<std::unique_ptr<view_reader>> = 0;
  [[nodiscard]] virtual auto begin_write() -> result<std::unique_ptr<view_writer>> = 0;
};

/// Opens the environments of views by (name, version). The file of another version is never read.
class view_store_factory {
 public:
  view_store_factory() = default;
  view_store_factory(const view_store_factory&) = delete;
  auto operator=(const view_store_factory&) -> view_store_factory& = delete;
  virtual ~view_store_factory() = default;
  /// `generation` separates a rebuild in progress from the serving one.
  [[nodiscard]] virtual auto open(std::string_view name, std::uint32_t version,
                                  std::uint32_t generation) -> result<std::unique_ptr<view_store>> = 0;
  /// The generation that serves; 1 when none was ever set.
  [[nodiscard]] virtual auto serving(std::string_view name, std::uint32_t version) const
      -> result<std::uint32_t> = 0;
  /// Atomically makes `generation` the serving one and removes files of all others.
  /// Precondition: no store of the others is open.
  [[nodiscard]] virtual auto flip(std::string_view name, std::uint32_t version,
                                  std::uint32_t generation) -> result<void> = 0;
};

/// LMDB files <directory>/<name>.v<version>.g<generation>.mdb.
[[nodiscard]] auto make_lmdb_view_stores(std::string directory, std::uint64_t map_bytes)
    -> result<std::unique_ptr<view_store_factory>>;
/// std::map behind the same contract.
[[nodiscard]] auto make_memory_view_stores() -> std::unique_ptr<view_store_factory>;

}  // namespace bestow::store
