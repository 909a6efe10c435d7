// Replay on databases used as an event store: three rows for each target, released, published and
// answered, read back in the order of their position and folded into the counts that
// promotion_summary shows. Nothing is written: the fold of a peer is in memory alone.
//
// Threads: the main thread; blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "bench/peers/postgres_server.hpp"

namespace bestow::bench {

/// Which facts a table of events is filled with.
struct lives {
  std::uint64_t targets{0};
  std::uint64_t seed{1};
};

/// One row. `payload` of an answer: the amount, a blank and the payer's key of 33 characters; of
/// the others: empty.
struct life_row {
  std::uint64_t target{0};
  unsigned version{0};
  std::string_view type;
  std::string payload;
};

/// In the order of a real run: each 1,000 targets released, then published, then answered.
void visit_lives(const lives& wanted, const std::function<void(const life_row&)>& visit);

struct summary {
  std::uint64_t released{0};
  std::uint64_t published{0};
  std::uint64_t success{0};
  std::uint64_t success_amount{0};

  void apply(std::string_view type, std::string_view payload);
  auto operator==(const summary&) const -> bool = default;
};

struct replayed {
  elapsed took;
  summary counts;
};

/// Fills a new table and vacuums it. Blocks for some 10 s a million targets.
void fill_postgres(const postgres_server& server, const lives& wanted);
/// Every row to this process, through a cursor, 10,000 at a time.
[[nodiscard]] auto replay_postgres(const postgres_server& server) -> replayed;
/// The same counts by one GROUP BY inside the server: no fold of the application's.
[[nodiscard]] auto group_postgres(const postgres_server& server) -> replayed;

/// Into a new file at `path`.
void fill_sqlite(const std::string& path, const lives& wanted);
[[nodiscard]] auto replay_sqlite(const std::string& path) -> replayed;

}  // namespace bestow::bench
