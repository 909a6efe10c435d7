#include "store/bare_file.hpp"

#include <array>
#include <cstring>
#include <utility>

#include "events/limits.hpp"
#include "store/lmdb_env.hpp"

namespace bestow::store {

struct bare_file::environment {
  lmdb_env lmdb;
};

bare_file::bare_file(std::unique_ptr<environment> env) : env_{std::move(env)} {}
bare_file::bare_file(bare_file&&) noexcept = default;
bare_file::~bare_file() = default;

auto bare_file::create(const std::string& path) -> result<bare_file> {
  auto env = lmdb_env::open({path, limits::log_map_bytes_default, 1, false});
  if (!env) return tl::unexpected<fault>{env.error()};
  return bare_file{std::make_unique<environment>(environment{std::move(*env)})};
}

auto bare_file::append(std::span<const std::vector<std::byte>> values) -> result<void> {
  auto txn = lmdb_txn::begin(env_->lmdb, lmdb_txn::access::write);
  if (!txn) return tl::unexpected<fault>{txn.error()};
  const auto table = txn->database("raw", true);
  if (!table) return tl::unexpected<fault>{table.error()};
  auto key = next_;
  for (const auto& value : values) {
    const std::uint64_t big_endian = __builtin_bswap64(key++);
    std::array<std::byte, sizeof big_endian> bytes{};
    std::memcpy(bytes.data(), &big_endian, sizeof big_endian);
    if (const int code = txn->put(*table, bytes, value, MDB_APPEND); code != 0)
      return lmdb_fault(code, "mdb_put", env_->lmdb.path());
  }
  auto done = txn->commit();
  if (done) next_ = key;
  return done;
}

auto bare_file::count() const -> result<std::uint64_t> {
  const auto txn = lmdb_txn::begin(env_->lmdb, lmdb_txn::access::read);
  if (!txn) return tl::unexpected<fault>{txn.error()};
  const auto table = txn->database("raw", false);
  if (!table) return tl::unexpected<fault>{table.error()};
  return txn->entries(*table);
}

}  // namespace bestow::store
