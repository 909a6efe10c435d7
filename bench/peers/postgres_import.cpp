#include <fmt/format.h>

#include "bench/peers/postgres_client.hpp"
#include "bench/peers/postgres_targets.hpp"
#include "events/limits.hpp"

namespace bestow::bench {
namespace {

/// An empty amount is NULL: the promotion's default, as Bestow stores it.
constexpr const char* common_columns =
    "{0}_target_id bigint NOT NULL CHECK ({0}_target_id > 0),"
    "customer_uid bigint NOT NULL CHECK (customer_uid > 0),"
    "amount bigint CHECK (amount > 0),"
    "reason text CHECK (char_length(reason) <= {1})";
constexpr const char* voucher_columns =
    ",voucher_number text NOT NULL,"
    "merchant_code text NOT NULL,"
    "merchant_brand_code text NOT NULL,"
    "is_withdrawal boolean NOT NULL";

void check_table(postgres_client& client, const char* word, const measure::target_input& in) {
  const auto rows = client.run(
      fmt::format("SELECT count(*), sum(coalesce(amount, {1})), min({0}_target_id), "
                  "max({0}_target_id) FROM targets",
                  word, measure::default_amount));
  require(rows.number(0, 0) == in.count, "PostgreSQL holds another count");
  require(rows.number(0, 1) == in.amount, "PostgreSQL holds another sum");
  require(rows.number(0, 2) == 1 && rows.number(0, 3) == in.count, "PostgreSQL holds other ids");
}

}  // namespace

auto copy_targets(const postgres_server& server, promotion_type type, const measure::target_input& in,
                  index_time when) -> elapsed {
  const bool voucher = type == promotion_type::voucher;
  const auto* const word = voucher ? "voucher" : "point";
  const auto index = fmt::format("ALTER TABLE targets ADD PRIMARY KEY ({}_target_id), "
                                 "ADD UNIQUE (customer_uid){}",
                                 word, voucher ? ", ADD UNIQUE (voucher_number)" : "");
  postgres_client client{server};
  client.run("DROP TABLE IF EXISTS targets");
  client.run(fmt::format(
      "CREATE TABLE targets ({}{})",
      fmt::format(fmt::runtime(common_columns), word, limits::reason_chars_max),
      voucher ? voucher_columns : ""));
  if (when == index_time::before) client.run(index);
  client.run("CHECKPOINT");
  // The first line of the CSV names the columns, in an order of its own.
  const auto names = in.csv.substr(0, in.csv.find('\n'));
  const auto sql = fmt::format("COPY targets ({}) FROM STDIN (FORMAT csv, HEADER true)", names);

  const postgres_stopwatch watch{server};
  client.run("BEGIN");
  const auto written = client.copy_in(sql, in.csv);
  if (when == index_time::behind) client.run(index);
  client.run("COMMIT");
  const auto took = watch.read();

  require(written == in.count, "PostgreSQL took another count");
  check_table(client, word, in);
  return took;
}

}  // namespace bestow::bench
