#include "bench/peers/event_replay.hpp"
#include "bench/peers/sqlite_database.hpp"

namespace bestow::bench {
namespace {

auto column(sqlite3_stmt* s, int i) -> std::string_view {
  const auto* const text = static_cast<const char*>(sqlite3_column_blob(s, i));
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(s, i))};
}

}  // namespace

void fill_sqlite(const std::string& path, const lives& wanted) {
  sqlite_database db{path};
  db.run("PRAGMA journal_mode=WAL");
  db.run(sqlite_events_table);
  db.run("BEGIN");
  const auto insert =
      db.prepare("INSERT INTO events (stream, version, type, payload) VALUES (?, ?, ?, ?)");
  visit_lives(wanted, [&](const life_row& r) {
    auto* const s = insert.get();
    sqlite3_bind_int64(s, 1, static_cast<sqlite3_int64>(r.target));
    sqlite3_bind_int64(s, 2, static_cast<sqlite3_int64>(r.version));
    sqlite3_bind_text(s, 3, r.type.data(), static_cast<int>(r.type.size()), SQLITE_STATIC);
    sqlite3_bind_blob(s, 4, r.payload.data(), static_cast<int>(r.payload.size()), SQLITE_STATIC);
    db.must_be(sqlite3_step(s), SQLITE_DONE, "INSERT");
    db.must_be(sqlite3_reset(s), SQLITE_OK, "INSERT");
  });
  db.run("COMMIT");
  db.run("PRAGMA wal_checkpoint(TRUNCATE)");
}

auto replay_sqlite(const std::string& path) -> replayed {
  sqlite_database db{path};
  replayed out;
  const stopwatch watch;
  const auto facts = db.prepare("SELECT type, payload FROM events ORDER BY position");
  int code = sqlite3_step(facts.get());
  for (; code == SQLITE_ROW; code = sqlite3_step(facts.get()))
    out.counts.apply(column(facts.get(), 0), column(facts.get(), 1));
  db.must_be(code, SQLITE_DONE, "SELECT");
  out.took = watch.read();
  return out;
}

}  // namespace bestow::bench
