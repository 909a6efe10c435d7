#include <fmt/format.h>

#include "bench/peers/postgres_client.hpp"
#include "bench/peers/postgres_targets.hpp"
#include "events/limits.hpp"

namespace bestow::bench {
namespace {

/// An empty amount is NULL: the promotion's default, as Bestow stores it.
constexpr const char* common_columns =
    "{}_target_id bigint PRIMARY KEY CHECK ({}_target_id > 0),"
    "customer_uid bigint NOT NULL UNIQUE CHECK (customer_uid > 0),"
    "amount bigint CHECK (amount > 0),"
    "reason text CHECK (char_length(reason) <= {})";
constexpr const char* voucher_columns =
    ",voucher_number text NOT NULL UNIQUE,"
    "merchant_code text NOT NULL,"
    "merchant_brand_code text NOT NULL,"
    "is_withdrawal boolean NOT NULL";

}  // namespace

auto copy_targets(const postgres_server& server, promotion_type type, const target_input& in)
    -> elapsed {
  const bool voucher = type == promotion_type::voucher;
  const auto* const word = voucher ? "voucher" : "point";
  postgres_client client{server};
  client.run("DROP TABLE IF EXISTS targets");
  client.run(fmt::format("CREATE TABLE targets ({}{})",
                         fmt::format(fmt::runtime(common_columns), word, word,
                                     limits::reason_chars_max),
                         voucher ? voucher_columns : ""));
  client.run("CHECKPOINT");
  // The first line of the CSV names the columns, in an order of its own.
  const auto names = in.csv.substr(0, in.csv.find('\n'));
  const auto sql = fmt::format("COPY targets ({}) FROM STDIN (FORMAT csv, HEADER true)", names);

  const postgres_stopwatch watch{server};
  const auto written = client.copy_in(sql, in.csv);
  const auto took = watch.read();

  const auto rows = client.run(fmt::format(
      "SELECT count(*), sum(coalesce(amount, {})), min({}_target_id), max({}_target_id) FROM targets",
      default_amount, word, word));
  require(written == in.count && rows.number(0, 0) == in.count, "PostgreSQL holds another count");
  require(rows.number(0, 1) == in.amount, "PostgreSQL holds another sum");
  require(rows.number(0, 2) == 1 && rows.number(0, 3) == in.count, "PostgreSQL holds other ids");
  return took;
}

}  // namespace bestow::bench
