// How a segment is sealed and the next one begun: the new file is complete before it has its name,
// and until it has its name nothing has changed.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include <fmt/format.h>

#include "events/limits.hpp"
#include "store/bytes.hpp"
#include "store/files.hpp"
#include "store/log_files.hpp"
#include "store/log_tables.hpp"

namespace bestow::store {
namespace {

auto unfinished_path(const std::string& directory, std::uint32_t number) -> std::string {
  return segment_path(directory, number) + ".new";
}

auto put(const lmdb_txn& txn, const lmdb_env& env, MDB_dbi table, std::span<const std::byte> key,
         std::span<const std::byte> value, unsigned flags) -> result<void> {
  if (const int rc = txn.put(table, key, value, flags); rc != 0)
    return lmdb_fault(rc, "mdb_put", env.path());
  return {};
}

struct fresh_segment {
  lmdb_env env;
  log_tables tables;
};

auto create_tables(const std::string& path, std::uint64_t map_bytes) -> result<fresh_segment> {
  auto env = lmdb_env::open({path, map_bytes, log_tables_max, false, false});
  if (!env) return tl::unexpected<fault>{std::move(env.error())};
  fresh_segment out{std::move(*env), {}};
  auto txn = lmdb_txn::begin(out.env, lmdb_txn::access::write);
  if (!txn) return tl::unexpected<fault>{std::move(txn.error())};
  for (const auto& [name, table] :
       {std::pair{"frames", &out.tables.frames}, {"index", &out.tables.index},
        {"heads", &out.tables.heads}, {"meta", &out.tables.meta},
        {"segments", &out.tables.segments}}) {
    auto opened = txn->database(name, true);
    if (!opened) return tl::unexpected<fault>{std::move(opened.error())};
    *table = *opened;
  }
  if (auto committed = txn->commit(); !committed)
    return tl::unexpected<fault>{std::move(committed.error())};
  return out;
}

auto carry_identity(const open_log& old, const lmdb_txn& from, const segment_row& sealed,
                    const fresh_segment& to) -> result<void> {
  auto txn = lmdb_txn::begin(to.env, lmdb_txn::access::write);
  if (!txn) return tl::unexpected<fault>{std::move(txn.error())};
  auto identity = from.get(old.tables.meta, as_bytes("identity"));
  if (!identity) return tl::unexpected<fault>{std::move(identity.error())};
  if (!*identity)
    return fail(fault_code::log_corrupt, "seal", fmt::format("{}: no identity", old.env.path()));
  auto done = put(*txn, to.env, to.tables.meta, as_bytes("identity"), **identity, 0);
  for (const auto& row : old.before)
    if (done)
      done = put(*txn, to.env, to.tables.segments, key_of(position{row.number}), encode_row(row),
                 MDB_APPEND);
  if (done)
    done = put(*txn, to.env, to.tables.segments, key_of(position{sealed.number}),
               encode_row(sealed), MDB_APPEND);
  if (!done) return done;
  return txn->commit();
}

/// In several transactions: the file has no name yet, so nobody sees a part of it.
auto carry_heads(const open_log& old, const lmdb_txn& from, const fresh_segment& to)
    -> result<void> {
  auto heads = lmdb_cursor::open(from, old.tables.heads);
  if (!heads) return tl::unexpected<fault>{std::move(heads.error())};
  auto found = heads->first();
  while (found && *found) {
    auto txn = lmdb_txn::begin(to.env, lmdb_txn::access::write);
    if (!txn) return tl::unexpected<fault>{std::move(txn.error())};
    for (std::size_t rows = 0; found && *found && rows < limits::log_carry_rows_max; ++rows) {
      if (auto done = put(*txn, to.env, to.tables.heads, heads->key(), heads->value(), MDB_APPEND);
          !done)
        return done;
      found = heads->next();
    }
    if (auto committed = txn->commit(); !committed) return committed;
  }
  if (!found) return tl::unexpected<fault>{std::move(found.error())};
  return {};
}

auto fill(const std::string& path, const open_log& old, const lmdb_txn& from,
          const segment_row& sealed, std::uint64_t map_bytes) -> result<void> {
  auto fresh = create_tables(path, map_bytes);
  if (!fresh) return tl::unexpected<fault>{std::move(fresh.error())};
  if (auto done = carry_identity(old, from, sealed, *fresh); !done) return done;
  return carry_heads(old, from, *fresh);
}

}  // namespace

void forget_unfinished(const std::string& directory, std::uint32_t number) {
  static_cast<void>(::unlink(unfinished_path(directory, number).c_str()));
}

void settle_sealed(const std::string& directory, std::uint32_t number) {
  const auto path = segment_path(directory, number);
  // A file system without modes may refuse: nobody writes to it all the same.
  static_cast<void>(::chmod(path.c_str(), S_IRUSR));
  static_cast<void>(::unlink((path + "-lock").c_str()));
}

auto row_for(const open_log& old, const lmdb_txn& txn, const log_head& head)
    -> result<segment_row> {
  segment_row out;
  out.number = old.number;
  out.first = old.begin();
  out.last = head.last;
  out.frames = head.frames - head_after(old.before).frames;
  out.recorded_at = head.recorded_at;
  out.frame_hash = head.frame_hash;
  auto frames = lmdb_cursor::open(txn, old.tables.frames);
  if (!frames) return tl::unexpected<fault>{std::move(frames.error())};
  auto first = frames->first();
  if (!first) return tl::unexpected<fault>{std::move(first.error())};
  if (!*first)
    return fail(fault_code::log_corrupt, "seal", fmt::format("{}: no frame", old.env.path()));
  const auto frame = decode_frame(frames->value(), out.first);
  if (!frame) return tl::unexpected<fault>{frame.error()};
  out.first_recorded_at = frame->header.recorded_at;
  MDB_stat pages{};
  if (const int rc = mdb_stat(txn.handle(), old.tables.frames, &pages); rc != 0)
    return lmdb_fault(rc, "mdb_stat", old.env.path());
  out.payload_bytes =
      (std::uint64_t{pages.ms_leaf_pages} + pages.ms_overflow_pages) * pages.ms_psize;
  struct stat file {};
  if (::stat(old.env.path().c_str(), &file) != 0)
    return lmdb_fault(errno, "stat", old.env.path());
  out.file_bytes = static_cast<std::uint64_t>(file.st_size);
  return out;
}

auto begin_next_segment(const open_log& old, const lmdb_txn& txn, const segment_row& sealed,
                        const log_place& next) -> result<void> {
  const auto path = segment_path(next.directory, next.number);
  const auto aside = unfinished_path(next.directory, next.number);
  forget_unfinished(next.directory, next.number);
  if (auto filled = fill(aside, old, txn, sealed, next.map_bytes); !filled) {
    forget_unfinished(next.directory, next.number);
    return filled;
  }
  if (std::rename(aside.c_str(), path.c_str()) != 0)
    return lmdb_fault(errno, "rename", path);
  return sync_directory(next.directory);
}

}  // namespace bestow::store
