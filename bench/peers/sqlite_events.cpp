#include <fmt/format.h>

#include "bench/peers/beside.hpp"
#include "bench/peers/event_stores.hpp"
#include "bench/peers/sqlite_database.hpp"

namespace bestow::bench {
auto sqlite_description() -> std::string {
  return fmt::format("SQLite {} journal_mode=WAL synchronous=FULL", sqlite3_libversion());
}

auto append_sqlite(const std::string& path, const appends& wanted) -> measure::crowd_result {
  require(wanted.clients == 1, "one connection serves one client");
  sqlite_database db{path};
  db.run("PRAGMA journal_mode=WAL");
  db.run("PRAGMA synchronous=FULL");
  db.run(sqlite_events_table);
  require(db.number("PRAGMA synchronous") == 2, "SQLite does not sync at each commit");
  const auto insert = db.prepare(
      "INSERT INTO events (stream, version, type, payload) "
      "VALUES (?, ?, 'promotion_scheduled', ?)");
  auto out = crowd_of(1, wanted.count, [&](unsigned, std::uint64_t n) {
    auto* const s = insert.get();
    sqlite3_bind_int64(s, 1, static_cast<sqlite3_int64>(n % wanted.streams));
    sqlite3_bind_int64(s, 2, static_cast<sqlite3_int64>(n / wanted.streams));
    sqlite3_bind_blob(s, 3, wanted.payload.data(), static_cast<int>(wanted.payload.size()),
                      SQLITE_STATIC);
    db.must_be(sqlite3_step(s), SQLITE_DONE, "INSERT");
    db.must_be(sqlite3_reset(s), SQLITE_OK, "INSERT");
  });
  require(db.number("SELECT count(*) FROM events") == wanted.count &&
              db.number("SELECT sum(length(payload)) FROM events") ==
                  wanted.count * wanted.payload.size(),
          "SQLite holds another count of facts");
  require(db.number("SELECT count(*) FROM (SELECT 1 FROM events GROUP BY stream "
                    "HAVING min(version) <> 0 OR max(version) + 1 <> count(*))") == 0,
          "a stream of SQLite has a hole");
  return out;
}

}  // namespace bestow::bench
