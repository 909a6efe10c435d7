#include "store/log_tables.hpp"

#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "events/limits.hpp"
#include "store/bytes.hpp"
#include "store/log_files.hpp"

namespace bestow::store {
namespace {

constexpr std::size_t identity_bytes = 40;

auto size_of(const std::string& path) -> result<std::uint64_t> {
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) return lmdb_fault(errno, "stat", path);
  return static_cast<std::uint64_t>(file.st_size);
}

auto encode_identity(const log_identity& identity) -> std::array<std::byte, identity_bytes> {
  std::array<std::byte, identity_bytes> out{};
  store_le(out.data(), log_format_version);
  store_le(out.data() + 4, identity.epoch);
  store_le(out.data() + 8, identity.incarnation);
  store_le(out.data() + 12, identity.shard);
  std::ranges::copy(identity.log_id, out.data() + 16);
  store_le(out.data() + 32, std::uint64_t{XXH3_64bits(out.data(), 32)});
  return out;
}

auto decode_identity(std::span<const std::byte> row, const std::string& path)
    -> result<log_identity> {
  if (row.size() != identity_bytes ||
      load_le<std::uint64_t>(row.data() + 32) != XXH3_64bits(row.data(), 32))
    return fail(fault_code::log_corrupt, "open_log", fmt::format("{}: identity damaged", path));
  if (const auto format = load_le<std::uint32_t>(row.data()); format != log_format_version)
    return fail(fault_code::log_version_unknown, "open_log",
                fmt::format("{}: format {}, this program knows {}", path, format,
                            log_format_version));
  log_identity out;
  out.epoch = load_le<std::uint32_t>(row.data() + 4);
  out.incarnation = load_le<std::uint32_t>(row.data() + 8);
  out.shard = load_le<std::uint32_t>(row.data() + 12);
  std::copy_n(row.data() + 16, out.log_id.size(), out.log_id.begin());
  return out;
}

auto read_tables(const lmdb_txn& txn, std::uint32_t number, bool create) -> result<log_tables> {
  log_tables out;
  for (const auto& [name, table] :
       {std::pair{"frames", &out.frames}, {"index", &out.index}, {"heads", &out.heads},
        {"meta", &out.meta}, {"segments", &out.segments}}) {
    if (number == 1 && table == &out.segments) continue;
    auto opened = txn.database(name, create);
    if (!opened) return tl::unexpected<fault>{std::move(opened.error())};
    *table = *opened;
  }
  return out;
}

/// The stored identity; a new log gets one made from the seed.
auto settle_identity(const lmdb_txn& txn, const open_log& log, std::uint64_t seed)
    -> result<log_identity> {
  const auto key = as_bytes("identity");
  auto row = txn.get(log.tables.meta, key);
  if (!row) return tl::unexpected<fault>{std::move(row.error())};
  if (*row) return decode_identity(**row, log.env.path());
  auto frames = txn.entries(log.tables.frames);
  if (!frames) return tl::unexpected<fault>{std::move(frames.error())};
  if (log.env.read_only() || log.number != 1 || *frames != 0)
    return fail(fault_code::log_corrupt, "open_log",
                fmt::format("{}: no identity", log.env.path()));
  log_identity fresh;
  fresh.log_id = make_log_id(seed);
  if (const int rc = txn.put(log.tables.meta, key, encode_identity(fresh), 0); rc != 0)
    return lmdb_fault(rc, "mdb_put", log.env.path());
  return fresh;
}

/// The rows of all earlier segments. Reads one page for about 35 of them.
auto read_rows(const lmdb_txn& txn, const open_log& log) -> result<std::vector<segment_row>> {
  std::vector<segment_row> out;
  if (log.number == 1) return out;
  const auto damaged = [&](std::string_view what) {
    return fail(fault_code::log_corrupt, "open_log",
                fmt::format("{}: the table of earlier segments {}", log.env.path(), what));
  };
  auto rows = lmdb_cursor::open(txn, log.tables.segments);
  if (!rows) return tl::unexpected<fault>{std::move(rows.error())};
  auto found = rows->first();
  for (; found && *found && out.size() < log.number; found = rows->next()) {
    const auto row = decode_row(rows->value());
    if (!row || row->number != out.size() + 1 || number_in(rows->key()) != row->number ||
        row->first.value != (out.empty() ? 1 : out.back().last.value + 1) || row->last < row->first)
      return damaged("is damaged");
    out.push_back(*row);
  }
  if (!found) return tl::unexpected<fault>{std::move(found.error())};
  if (out.size() != log.number - 1)
    return damaged(fmt::format("is that of segment {}", out.size() + 1));
  return out;
}

/// The first frame continues what is before it.
auto check_first_frame(const open_log& log, const lmdb_txn& txn) -> result<void> {
  auto frames = lmdb_cursor::open(txn, log.tables.frames);
  if (!frames) return tl::unexpected<fault>{std::move(frames.error())};
  auto found = frames->first();
  if (!found) return tl::unexpected<fault>{std::move(found.error())};
  if (!*found || log.before.empty()) return {};
  auto key = frame_key(*frames);
  if (!key) return tl::unexpected<fault>{std::move(key.error())};
  const auto frame = decode_frame(frames->value(), *key);
  if (!frame) return tl::unexpected<fault>{frame.error()};
  if (*key == log.begin() && frame->header.previous == log.before.back().frame_hash) return {};
  return fail(fault_code::log_corrupt, "open_log",
              fmt::format("{}: position {}: does not continue {}", log.env.path(), key->value,
                          describe(log.before.back())));
}

}  // namespace

auto key_of(position at) -> position_key {
  position_key out{};
  store_be(out.data(), at.value);
  return out;
}

auto key_of(const stream_id& stream) -> stream_key {
  stream_key out{};
  out[0] = static_cast<std::byte>(stream.kind);
  store_be(out.data() + 1, stream.id);
  store_be(out.data() + 9, stream.part);
  return out;
}

auto key_of(const stream_id& stream, stream_version first) -> index_key {
  index_key out{};
  std::ranges::copy(key_of(stream), out.data());
  store_be(out.data() + sizeof(stream_key), first.value);
  return out;
}

auto number_in(std::span<const std::byte> bytes) -> std::optional<std::uint64_t> {
  if (bytes.size() != sizeof(std::uint64_t)) return std::nullopt;
  return load_be<std::uint64_t>(bytes.data());
}

auto stream_in(std::span<const std::byte> bytes) -> std::optional<stream_id> {
  if (bytes.size() != sizeof(stream_key)) return std::nullopt;
  return stream_id{static_cast<aggregate>(bytes[0]), load_be<std::uint64_t>(bytes.data() + 1),
                   load_be<std::uint32_t>(bytes.data() + 9)};
}

auto open_tables(const log_place& place, std::uint64_t new_log_seed) -> result<open_log> {
  const auto path = segment_path(place.directory, place.number);
  std::uint64_t map_bytes = place.map_bytes;
  if (place.sealed) {
    auto bytes = size_of(path);
    if (!bytes) return tl::unexpected<fault>{std::move(bytes.error())};
    map_bytes = *bytes;
  }
  const bool read_only = place.read_only || place.sealed;
  auto env = lmdb_env::open({path, map_bytes, log_tables_max, read_only, !place.sealed});
  if (!env) return tl::unexpected<fault>{std::move(env.error())};
  open_log out{std::move(*env), {}, {}, place.number, {}};
  auto txn =
      lmdb_txn::begin(out.env, read_only ? lmdb_txn::access::read : lmdb_txn::access::write);
  if (!txn) return tl::unexpected<fault>{std::move(txn.error())};
  auto tables = read_tables(*txn, place.number, !read_only && place.number == 1);
  if (!tables) return tl::unexpected<fault>{std::move(tables.error())};
  out.tables = *tables;
  auto identity = settle_identity(*txn, out, new_log_seed);
  if (!identity) return tl::unexpected<fault>{std::move(identity.error())};
  out.identity = *identity;
  auto rows = read_rows(*txn, out);
  if (!rows) return tl::unexpected<fault>{std::move(rows.error())};
  out.before = std::move(*rows);
  if (auto begins = check_first_frame(out, *txn); !begins)
    return tl::unexpected<fault>{std::move(begins.error())};
  // Commits a read transaction too: only then do its table handles outlive it.
  if (auto committed = txn->commit(); !committed)
    return tl::unexpected<fault>{std::move(committed.error())};
  return out;
}

auto open_sealed(const std::string& directory, const segment_row& expected,
                 const log_identity& identity) -> result<open_log> {
  if (auto whole = check_sealed_file(directory, expected); !whole)
    return tl::unexpected<fault>{std::move(whole.error())};
  auto out = open_tables({directory, 0, true, expected.number, true}, 0);
  if (!out) return out;
  const auto differs = [&](std::string_view what) {
    return fail(fault_code::log_corrupt, "open_log",
                fmt::format("{}: {}: {} belongs there", out->env.path(), what,
                            describe(expected)));
  };
  if (out->identity.log_id != identity.log_id)
    return differs(fmt::format("it is of log {}", log_id_text(out->identity.log_id)));
  auto txn = lmdb_txn::begin(out->env, lmdb_txn::access::read);
  if (!txn) return tl::unexpected<fault>{std::move(txn.error())};
  const auto head = load_head(*out, *txn);
  if (!head) return tl::unexpected<fault>{head.error()};
  if (out->begin() != expected.first || head->last != expected.last ||
      head->frame_hash != expected.frame_hash)
    return differs(fmt::format("it holds positions {} to {} of another history",
                               out->begin().value, head->last.value));
  return out;
}

auto raise_incarnation_of(const std::string& path) -> result<std::uint32_t> {
  auto env = lmdb_env::open({path, limits::log_map_bytes_default, log_tables_max, false});
  if (!env) return tl::unexpected<fault>{std::move(env.error())};
  auto txn = lmdb_txn::begin(*env, lmdb_txn::access::write);
  if (!txn) return tl::unexpected<fault>{std::move(txn.error())};
  const auto meta = txn->database("meta", false);
  if (!meta) return tl::unexpected<fault>{meta.error()};
  const auto key = as_bytes("identity");
  const auto row = txn->get(*meta, key);
  if (!row) return tl::unexpected<fault>{row.error()};
  if (!*row)
    return fail(fault_code::log_corrupt, "raise_incarnation", fmt::format("{}: no identity", path));
  auto identity = decode_identity(**row, path);
  if (!identity) return tl::unexpected<fault>{std::move(identity.error())};
  ++identity->incarnation;
  if (const int rc = txn->put(*meta, key, encode_identity(*identity), 0); rc != 0)
    return lmdb_fault(rc, "mdb_put", path);
  if (auto committed = txn->commit(); !committed)
    return tl::unexpected<fault>{std::move(committed.error())};
  return identity->incarnation;
}

auto file_is_short(const log_place& place) -> result<bool> {
  const auto path = segment_path(place.directory, place.number);
  auto bytes = size_of(path);
  if (!bytes) return tl::unexpected<fault>{std::move(bytes.error())};
  if (*bytes == 0) return place.number != 1;  // Created and never written: a new log.
  auto env = lmdb_env::open({path, place.sealed ? *bytes : place.map_bytes, log_tables_max, true,
                             !place.sealed});
  if (!env) return tl::unexpected<fault>{std::move(env.error())};
  MDB_envinfo info{};
  MDB_stat stat{};
  int rc = mdb_env_info(env->handle(), &info);
  if (rc == 0) rc = mdb_env_stat(env->handle(), &stat);
  if (rc != 0) return lmdb_fault(rc, "mdb_env_info", path);
  return *bytes < (std::uint64_t{info.me_last_pgno} + 1) * stat.ms_psize;
}

auto load_head(const open_log& log, const lmdb_txn& txn) -> result<log_head> {
  auto frames = lmdb_cursor::open(txn, log.tables.frames);
  if (!frames) return tl::unexpected<fault>{std::move(frames.error())};
  auto found = frames->last();
  if (!found) return tl::unexpected<fault>{std::move(found.error())};
  const auto before = head_after(log.before);
  if (!*found) return before;
  auto key = frame_key(*frames);
  if (!key) return tl::unexpected<fault>{std::move(key.error())};
  auto frame = decode_frame(frames->value(), *key);
  if (!frame) return tl::unexpected<fault>{std::move(frame.error())};
  if (frame->header.identity.log_id != log.identity.log_id)
    return fail(fault_code::log_corrupt, "open_log",
                fmt::format("position {}: the frame belongs to another log", key->value));
  auto count = txn.entries(log.tables.frames);
  if (!count) return tl::unexpected<fault>{std::move(count.error())};
  return log_head{frame->header.last(), hash_of_frame(frames->value()), before.frames + *count,
                  frame->header.recorded_at};
}

auto version_in(const open_log& log, const lmdb_txn& txn, const stream_id& stream)
    -> result<stream_version> {
  auto row = txn.get(log.tables.heads, key_of(stream));
  if (!row) return tl::unexpected<fault>{std::move(row.error())};
  if (!*row) return stream_version{};
  const auto version = number_in(**row);
  if (!version)
    return fail(fault_code::log_corrupt, "version_of",
                fmt::format("{}: its version is damaged", to_string(stream)));
  return stream_version{*version};
}

auto seek_frame(lmdb_cursor& frames, position at) -> result<bool> {
  return frames.at_most(key_of(at));
}

auto frame_key(const lmdb_cursor& frames) -> result<position> {
  const auto number = number_in(frames.key());
  if (!number)
    return fail(fault_code::log_corrupt, "read", "a key of the frames table is not a position");
  return position{*number};
}

}  // namespace bestow::store
