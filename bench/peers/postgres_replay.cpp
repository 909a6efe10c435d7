#include <fmt/format.h>

#include <iterator>

#include "bench/peers/event_replay.hpp"
#include "bench/peers/postgres_client.hpp"

namespace bestow::bench {

void fill_postgres(const postgres_server& server, const lives& wanted) {
  postgres_client client{server};
  make_events_table(client);
  std::string rows;
  const auto flush = [&] {
    static_cast<void>(client.copy_in(
        "COPY events (stream, version, type, payload) FROM STDIN (FORMAT csv)", rows));
    rows.clear();
  };
  visit_lives(wanted, [&](const life_row& r) {
    fmt::format_to(std::back_inserter(rows), "{},{},{},\"{}\"\n", r.target, r.version, r.type,
                   r.payload);
    if (rows.size() > (64U << 20U)) flush();
  });
  flush();
  client.run("VACUUM (ANALYZE) events");
  client.run("CHECKPOINT");
}

auto replay_postgres(const postgres_server& server) -> replayed {
  postgres_client client{server};
  replayed out;
  const postgres_stopwatch watch{server};
  client.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  client.run("DECLARE facts CURSOR FOR SELECT type, payload FROM events ORDER BY position");
  for (;;) {
    const auto rows = client.run_binary("FETCH 10000 FROM facts");
    if (rows.count() == 0) break;
    for (int i = 0; i < rows.count(); ++i) out.counts.apply(rows.text(i, 0), rows.text(i, 1));
  }
  client.run("COMMIT");
  out.took = watch.read();
  return out;
}

auto group_postgres(const postgres_server& server) -> replayed {
  postgres_client client{server};
  replayed out;
  const postgres_stopwatch watch{server};
  const auto rows = client.run(
      "SELECT count(*) FILTER (WHERE type = 'target_released'),"
      "count(*) FILTER (WHERE type = 'grant_published'),"
      "count(*) FILTER (WHERE type = 'result_recorded'),"
      "sum(split_part(convert_from(payload, 'UTF8'), ' ', 1)::bigint) "
      "FILTER (WHERE type = 'result_recorded') FROM events");
  out.took = watch.read();
  out.counts = {rows.number(0, 0), rows.number(0, 1), rows.number(0, 2), rows.number(0, 3)};
  return out;
}

}  // namespace bestow::bench
