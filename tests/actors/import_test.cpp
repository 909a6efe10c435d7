#include "tests/actors/engine_on_fakes.hpp"
#include "tests/catch.hpp"

using namespace bestow;
using namespace bestow::tests;

namespace {

constexpr promotion_id one{7};

/// Rows `first`.. of a batch; customer of row n is customers[n - first], 0 = refused by the parser.
auto points(std::uint64_t first, const std::vector<std::uint64_t>& customers)
    -> actors::import_request {
  auto chunk = std::make_shared<actors::import_chunk>();
  chunk->batch = "batch";
  auto& f = chunk->facts;
  f.batch = "batch";
  f.first_row = first;
  f.row_count = static_cast<std::uint32_t>(customers.size());
  f.byte_end = (first + customers.size() - 1) * 10;
  std::vector<std::uint64_t> good, bad;
  for (std::size_t i = 0; i < customers.size(); ++i) {
    if (customers[i] == 0) {
      bad.push_back(first + i);
      continue;
    }
    good.push_back(customers[i]);
    chunk->row_numbers.push_back(first + i);
  }
  const auto n = good.size();
  f.customer_uids = u64_column::of(std::move(good));
  f.partitions = u64_column::constant(0, n);
  f.amounts = u64_column::constant(5, n);
  f.expiries = u64_column::constant(1'800'000'000'000, n);
  f.reasons = string_column::constant("r", n);
  f.rejected_fields =
      u64_column::constant(static_cast<std::uint64_t>(domain::row_field::amount), bad.size());
  f.rejected_codes = u64_column::constant(
      static_cast<std::uint64_t>(domain::row_rejection::amount_malformed), bad.size());
  f.rejected_rows = u64_column::of(std::move(bad));
  return actors::import_request{chunk};
}

void open(process& p) {
  REQUIRE(p.create(point_promotion(one.value, 1)));
  REQUIRE(p.command<actors::batch_reply>(
      one, actors::open_batch_request{{"batch", import_format::csv, p.w.time.wall()}, {}}));
}

auto send(process& p, const actors::import_request& r) -> actors::chunk_receipt {
  const auto answer = p.command<actors::import_reply>(one, r);
  REQUIRE(answer);
  return *answer;
}

auto rows_of(const actors::chunk_receipt& r) -> std::vector<std::uint64_t> {
  std::vector<std::uint64_t> rows;
  for (const auto& refused : r.refused) rows.push_back(refused.row);
  return rows;
}

}  // namespace

TEST_CASE("a chunk that was sent twice is answered with the rows refused the first time",
          "[actor]") {
  world w{31};
  process p{w};
  open(p);
  const std::vector<std::uint64_t> first = {11, 12, 0, 11, 13};
  const std::vector<std::uint64_t> second = {12, 0, 14, 14};
  const auto a = send(p, points(1, first));
  CHECK(a.accepted == 3);
  CHECK(rows_of(a) == std::vector<std::uint64_t>{4});
  const auto b = send(p, points(6, second));
  CHECK(b.accepted == 1);
  CHECK(rows_of(b) == std::vector<std::uint64_t>{6, 9});
  for (int round = 0; round < 2; ++round) {
    const auto again = send(p, points(1, first));
    CHECK(again.accepted == a.accepted);
    CHECK(rows_of(again) == rows_of(a));
    CHECK(again.refused.front().code == domain::row_rejection::customer_duplicate);
    CHECK(again.refused.front().field == domain::row_field::customer_uid);
    const auto last = send(p, points(6, second));
    CHECK(last.accepted == b.accepted);
    CHECK(rows_of(last) == rows_of(b));
  }
}

TEST_CASE("a repeated chunk may end elsewhere than the one that is durable", "[actor]") {
  world w{32};
  process p{w};
  open(p);
  static_cast<void>(send(p, points(1, {11, 12, 11})));
  static_cast<void>(send(p, points(4, {12, 13})));
  const auto both = send(p, points(1, {11, 12, 11, 12, 13}));
  CHECK(both.accepted == 3);
  CHECK(rows_of(both) == std::vector<std::uint64_t>{3, 4});
  const auto part = send(p, points(3, {11, 12}));
  CHECK(part.accepted == 0);
  CHECK(rows_of(part) == std::vector<std::uint64_t>{3, 4});
}
