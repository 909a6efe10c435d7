#include "bench/raw_log.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "bench/harness.hpp"
#include "events/limits.hpp"
#include "store/lmdb_env.hpp"

namespace bestow::bench {

auto payloads_of(const store::event_log& log, event_type type)
    -> std::vector<std::vector<std::byte>> {
  std::vector<std::vector<std::byte>> out;
  store::read_options options;
  options.types = {type};
  must(log.read({}, options, [&](const store::stored_event& e) {
    out.emplace_back(e.payload.begin(), e.payload.end());
    return true;
  }));
  return out;
}

void append_raw(const std::string& path, std::span<const std::vector<std::byte>> values,
                std::size_t per_commit) {
  const auto env = must(store::lmdb_env::open({path, limits::log_map_bytes_default, 1, false}));
  std::uint64_t written = 0;
  while (written < values.size()) {
    auto txn = must(store::lmdb_txn::begin(env, store::lmdb_txn::access::write));
    const auto table = must(txn.database("raw", true));
    const auto end = std::min<std::uint64_t>(values.size(), written + per_commit);
    for (; written < end; ++written) {
      const std::uint64_t key = __builtin_bswap64(written + 1);
      std::byte bytes[sizeof key];
      std::memcpy(bytes, &key, sizeof key);
      require(txn.put(table, bytes, values[written], MDB_APPEND) == 0, "raw append failed");
    }
    must(txn.commit());
  }
  auto txn = must(store::lmdb_txn::begin(env, store::lmdb_txn::access::read));
  require(must(txn.entries(must(txn.database("raw", false)))) == values.size(),
          "the raw log lacks values");
}

}  // namespace bestow::bench
