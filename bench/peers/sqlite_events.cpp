#include <fmt/format.h>
#include <sqlite3.h>

#include <memory>

#include "bench/peers/event_stores.hpp"

namespace bestow::bench {
namespace {

struct close_database {
  void operator()(sqlite3* d) const { sqlite3_close(d); }
};
struct end_statement {
  void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
};
using statement = std::unique_ptr<sqlite3_stmt, end_statement>;

class database {
 public:
  explicit database(const std::string& path) {
    sqlite3* opened = nullptr;
    const int code = sqlite3_open(path.c_str(), &opened);
    handle_.reset(opened);
    must_be(code, SQLITE_OK, path);
  }
  void run(const char* sql) {
    must_be(sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr), SQLITE_OK, sql);
  }
  [[nodiscard]] auto prepare(const char* sql) const -> statement {
    sqlite3_stmt* made = nullptr;
    must_be(sqlite3_prepare_v2(handle_.get(), sql, -1, &made, nullptr), SQLITE_OK, sql);
    return statement{made};
  }
  [[nodiscard]] auto number(const char* sql) const -> std::uint64_t {
    const auto s = prepare(sql);
    must_be(sqlite3_step(s.get()), SQLITE_ROW, sql);
    return static_cast<std::uint64_t>(sqlite3_column_int64(s.get(), 0));
  }
  void must_be(int code, int wanted, const std::string& what) const {
    require(code == wanted, "SQLite, " + what + ": " + sqlite3_errmsg(handle_.get()));
  }

 private:
  std::unique_ptr<sqlite3, close_database> handle_;
};

}  // namespace

auto sqlite_description() -> std::string {
  return fmt::format("SQLite {} journal_mode=WAL synchronous=FULL", sqlite3_libversion());
}

auto append_sqlite(const std::string& path, const appends& wanted) -> crowd_result {
  require(wanted.clients == 1, "one connection serves one client");
  database db{path};
  db.run("PRAGMA journal_mode=WAL");
  db.run("PRAGMA synchronous=FULL");
  db.run("CREATE TABLE events (position INTEGER PRIMARY KEY, stream INTEGER NOT NULL,"
         "version INTEGER NOT NULL, type TEXT NOT NULL, payload BLOB NOT NULL,"
         "UNIQUE (stream, version))");
  require(db.number("PRAGMA synchronous") == 2, "SQLite does not sync at each commit");
  const auto insert = db.prepare(
      "INSERT INTO events (stream, version, type, payload) VALUES (?, ?, 'promotion_scheduled', ?)");
  auto out = run_crowd(1, 0, wanted.count, 0, [&](unsigned, std::uint64_t n) {
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
