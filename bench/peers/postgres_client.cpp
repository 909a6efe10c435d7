#include "bench/peers/postgres_client.hpp"

#include <charconv>
#include <vector>

namespace bestow::bench {
namespace {

constexpr std::size_t piece_bytes = 1U << 20U;

auto to_number(std::string_view text) -> std::uint64_t {
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  require(error == std::errc{} && end == text.data() + text.size(),
          "PostgreSQL answered no number: " + std::string{text});
  return n;
}

}  // namespace

auto postgres_rows::number(int row, int column) const -> std::uint64_t {
  return is_null(row, column) ? 0 : to_number(text(row, column));
}

auto postgres_rows::written() const -> std::uint64_t {
  return to_number(PQcmdTuples(result_.get()));
}

postgres_client::postgres_client(const postgres_server& server)
    : connection_{PQconnectdb(server.address().c_str())} {
  require(PQstatus(connection_.get()) == CONNECTION_OK,
          std::string{"PostgreSQL: "} + PQerrorMessage(connection_.get()));
}

auto postgres_client::checked(PGresult* r, const std::string& what) -> postgres_rows {
  postgres_rows rows{r};
  const auto status = rows.status();
  require(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK,
          "PostgreSQL, " + what + ": " + PQerrorMessage(connection_.get()));
  return rows;
}

auto postgres_client::run(const std::string& sql) -> postgres_rows {
  return checked(PQexec(connection_.get(), sql.c_str()), sql);
}

auto postgres_client::run_binary(const std::string& sql) -> postgres_rows {
  auto* const c = connection_.get();
  return checked(PQexecParams(c, sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 1), sql);
}

auto postgres_client::number(const std::string& sql) -> std::uint64_t {
  const auto rows = run(sql);
  require(rows.count() == 1, "PostgreSQL answered no row to " + sql);
  return rows.number(0, 0);
}

void postgres_client::prepare(const std::string& name, const std::string& sql) {
  checked(PQprepare(connection_.get(), name.c_str(), sql.c_str(), 0, nullptr), sql);
}

auto postgres_client::execute(const std::string& name, std::span<const std::string> parameters,
                              bool last_is_binary) -> postgres_rows {
  std::vector<const char*> values;
  std::vector<int> lengths;
  for (const auto& p : parameters) {
    values.push_back(p.c_str());
    lengths.push_back(static_cast<int>(p.size()));
  }
  std::vector<int> formats(parameters.size(), 0);
  if (last_is_binary) formats.back() = 1;
  return checked(PQexecPrepared(connection_.get(), name.c_str(), static_cast<int>(values.size()),
                                values.data(), lengths.data(), formats.data(), 0),
                 name);
}

auto postgres_client::copy_in(const std::string& sql, std::string_view data) -> std::uint64_t {
  auto* const c = connection_.get();
  require(postgres_rows{PQexec(c, sql.c_str())}.status() == PGRES_COPY_IN,
          "PostgreSQL, " + sql + ": " + PQerrorMessage(c));
  for (std::size_t at = 0; at < data.size(); at += piece_bytes) {
    const auto piece = data.substr(at, piece_bytes);
    require(PQputCopyData(c, piece.data(), static_cast<int>(piece.size())) == 1,
            std::string{"PostgreSQL, COPY: "} + PQerrorMessage(c));
  }
  require(PQputCopyEnd(c, nullptr) == 1, std::string{"PostgreSQL, COPY: "} + PQerrorMessage(c));
  const auto written = checked(PQgetResult(c), sql).written();
  require(PQgetResult(c) == nullptr, "PostgreSQL goes on after COPY");
  return written;
}

}  // namespace bestow::bench
