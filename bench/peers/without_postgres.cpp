// Stands in for the peers on PostgreSQL in a build without libpq: there is never a server, so
// nothing else can be called.
#include <fmt/format.h>

#include "bench/peers/event_replay.hpp"
#include "bench/peers/event_stores.hpp"
#include "bench/peers/peers.hpp"
#include "bench/peers/postgres_targets.hpp"

namespace bestow::bench {

auto start_postgres(const arguments& args) -> std::unique_ptr<postgres_server> {
  if (wants_peers(args))
    fmt::print("PostgreSQL is left out: built without libpq; Debian's package is libpq-dev\n");
  return nullptr;
}

auto copy_targets(const postgres_server&, promotion_type, const measure::target_input&, index_time)
    -> elapsed {
  give_up("built without libpq");
}

auto publish_outbox(const postgres_server&, const measure::target_input&, const outbox_options&) -> elapsed {
  give_up("built without libpq");
}

auto append_postgres(const postgres_server&, const appends&) -> measure::crowd_result {
  give_up("built without libpq");
}

void fill_postgres(const postgres_server&, const lives&) { give_up("built without libpq"); }

auto replay_postgres(const postgres_server&) -> replayed { give_up("built without libpq"); }

auto group_postgres(const postgres_server&) -> replayed { give_up("built without libpq"); }

}  // namespace bestow::bench
