#include <fmt/format.h>

#include <array>
#include <memory>
#include <vector>

#include "bench/peers/beside.hpp"
#include "bench/peers/event_stores.hpp"
#include "bench/peers/postgres_client.hpp"

namespace bestow::bench {
namespace {

/// Each fact once, every stream without a hole.
void check_events(postgres_client& client, const appends& wanted) {
  const auto rows = client.run(
      "SELECT count(*), sum(length(payload)), count(DISTINCT (stream, version)) FROM events");
  require(rows.number(0, 0) == wanted.count && rows.number(0, 2) == wanted.count,
          "PostgreSQL holds another count of facts");
  require(rows.number(0, 1) == wanted.count * wanted.payload.size(),
          "PostgreSQL holds other bytes");
  require(client.number("SELECT count(*) FROM (SELECT 1 FROM events GROUP BY stream "
                        "HAVING min(version) <> 0 OR max(version) + 1 <> count(*)) holes") == 0,
          "a stream of PostgreSQL has a hole");
}

}  // namespace

void make_events_table(postgres_client& client) {
  client.run("DROP TABLE IF EXISTS events");
  client.run(
      "CREATE TABLE events ("
      "position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
      "stream bigint NOT NULL,"
      "version bigint NOT NULL,"
      "type text NOT NULL,"
      "payload bytea NOT NULL,"
      "UNIQUE (stream, version))");
}

auto append_postgres(const postgres_server& server, const appends& wanted) -> measure::crowd_result {
  postgres_client keeper{server};
  make_events_table(keeper);
  keeper.run("CHECKPOINT");
  std::vector<std::unique_ptr<postgres_client>> clients;
  for (unsigned c = 0; c < wanted.clients; ++c) {
    clients.push_back(std::make_unique<postgres_client>(server));
    clients.back()->prepare("append",
                            "INSERT INTO events (stream, version, type, payload) "
                            "VALUES ($1, $2, $3, $4)");
  }
  const auto cpu_before = server.cpu_seconds();
  auto out = crowd_of(wanted.clients, wanted.count, [&](unsigned c, std::uint64_t n) {
    const std::array<std::string, 4> fact{fmt::to_string(n % wanted.streams),
                                          fmt::to_string(n / wanted.streams),
                                          "promotion_scheduled", wanted.payload};
    require(clients[c]->execute("append", fact, true).written() == 1, "an append wrote no row");
  });
  out.took.server_cpu_seconds = server.cpu_seconds() - cpu_before;
  check_events(keeper, wanted);
  return out;
}

}  // namespace bestow::bench
