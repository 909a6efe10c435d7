// One libpq connection. What goes wrong ends the program: a peer's error makes the run void.
//
// Threads: one thread at a time for each object.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "bench/peers/postgres_server.hpp"

namespace bestow::bench {

/// The rows of an answer; values as text unless asked for as bytes.
class postgres_rows {
 public:
  explicit postgres_rows(PGresult* r) : result_{r} {}
  [[nodiscard]] auto count() const -> int { return PQntuples(result_.get()); }
  [[nodiscard]] auto is_null(int row, int column) const -> bool {
    return PQgetisnull(result_.get(), row, column) != 0;
  }
  /// "" for NULL. Ends with the object.
  [[nodiscard]] auto text(int row, int column) const -> std::string_view {
    return {PQgetvalue(result_.get(), row, column),
            static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
  }
  /// 0 for NULL; ends the program on anything that is not a whole number.
  [[nodiscard]] auto number(int row, int column) const -> std::uint64_t;
  /// Rows that an INSERT, UPDATE or COPY wrote.
  [[nodiscard]] auto written() const -> std::uint64_t;
  [[nodiscard]] auto status() const -> ExecStatusType { return PQresultStatus(result_.get()); }

 private:
  struct clear {
    void operator()(PGresult* r) const { PQclear(r); }
  };
  std::unique_ptr<PGresult, clear> result_;
};

class postgres_client {
 public:
  explicit postgres_client(const postgres_server& server);
  /// Statements outside a transaction block are one transaction together.
  auto run(const std::string& sql) -> postgres_rows;
  /// One statement whose values come as PostgreSQL holds them: text and bytes as they are.
  auto run_binary(const std::string& sql) -> postgres_rows;
  /// The first column of the first row.
  [[nodiscard]] auto number(const std::string& sql) -> std::uint64_t;
  void prepare(const std::string& name, const std::string& sql);
  /// Parameters as text, but the last one as bytes if `last_is_binary`.
  auto execute(const std::string& name, std::span<const std::string> parameters,
               bool last_is_binary = false) -> postgres_rows;
  /// A COPY ... FROM STDIN of `data`, given in pieces of 1 MiB. @returns rows written
  auto copy_in(const std::string& sql, std::string_view data) -> std::uint64_t;

 private:
  auto checked(PGresult* r, const std::string& what) -> postgres_rows;
  struct close {
    void operator()(PGconn* c) const { PQfinish(c); }
  };
  std::unique_ptr<PGconn, close> connection_;
};

/// A new, empty table `events`: one row for each fact, by position, unique by stream and version.
void make_events_table(postgres_client& client);

}  // namespace bestow::bench
