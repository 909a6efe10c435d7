// One SQLite file. What goes wrong ends the program: a peer's error makes the run void.
//
// Threads: one at a time.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>

#include "bench/harness.hpp"

namespace bestow::bench {

constexpr const char* sqlite_events_table =
    "CREATE TABLE events (position INTEGER PRIMARY KEY, stream INTEGER NOT NULL,"
    "version INTEGER NOT NULL, type TEXT NOT NULL, payload BLOB NOT NULL,"
    "UNIQUE (stream, version))";

struct close_sqlite {
  void operator()(sqlite3* d) const { sqlite3_close(d); }
};
struct end_sqlite_statement {
  void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
};
using sqlite_statement = std::unique_ptr<sqlite3_stmt, end_sqlite_statement>;

class sqlite_database {
 public:
  explicit sqlite_database(const std::string& path) {
    sqlite3* opened = nullptr;
    const int code = sqlite3_open(path.c_str(), &opened);
    handle_.reset(opened);
    must_be(code, SQLITE_OK, path);
  }
  void run(const char* sql) {
    must_be(sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr), SQLITE_OK, sql);
  }
  [[nodiscard]] auto prepare(const char* sql) const -> sqlite_statement {
    sqlite3_stmt* made = nullptr;
    must_be(sqlite3_prepare_v2(handle_.get(), sql, -1, &made, nullptr), SQLITE_OK, sql);
    return sqlite_statement{made};
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
  std::unique_ptr<sqlite3, close_sqlite> handle_;
};

}  // namespace bestow::bench
