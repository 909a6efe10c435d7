// Runs of sealed customers: every place of a customer is found, others are not, damage is noticed.
#include "store/customer_run.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <vector>

#include "tests/catch.hpp"
#include "tests/store/lists/list_fixture.hpp"
#include "tests/store/lists/scratch.hpp"

namespace bestow::testing {
namespace {

using store::customer_run;
using store::import_place;

auto points() -> promotion_created {
  return a_promotion(promotion_type::point, 4);
}

/// A sealed promotion with batches of these customers, one fact a batch.
struct sealed_log : promotion_log {
  explicit sealed_log(const std::vector<std::vector<std::uint64_t>>& batches)
      : promotion_log{points()} {
    std::uint64_t id = 0;
    int number = 0;
    for (const auto& customers : batches) {
      const auto batch = "b" + std::to_string(++number);
      std::vector<target_line> lines;
      for (const auto c : customers) lines.push_back({++id, c, id % 4, 100, 1, "r", "", "", "", false});
      import(batch, lines);
      facts.push_back(log().head().last);
      close(batch);
    }
    const auto lists = store::make_target_lists("");
    const auto built = (*lists)->build(log(), {7});
    REQUIRE(built);
    sealed = built->totals;
    seal(sealed);
  }
  list_sealed sealed;
  std::vector<position> facts;
};

auto places_of(const customer_run& run, std::uint64_t customer) -> std::vector<import_place> {
  std::vector<import_place> out;
  REQUIRE(run.find({customer}, [&](const import_place& p) {
    out.push_back(p);
    return true;
  }));
  return out;
}

TEST_CASE("a customer is found wherever it was imported, and nowhere else", "[lists]") {
  constexpr auto largest = ~0ULL;
  sealed_log world{{{5, 3, 9}, {3, largest, 1}, {3, 3}}};
  const auto lists = store::make_target_lists("");
  const auto run = (*lists)->customers(world.log(), {7}, world.sealed.list_sha256);
  REQUIRE(run);
  CHECK((*run)->size() == 8);
  CHECK((*run)->lowest().value == 1);
  CHECK((*run)->highest().value == largest);
  const auto& f = world.facts;
  CHECK(places_of(**run, 3) ==
        std::vector<import_place>{{f[0], 1}, {f[1], 0}, {f[2], 0}, {f[2], 1}});
  CHECK(places_of(**run, 5) == std::vector<import_place>{{f[0], 0}});
  CHECK(places_of(**run, largest) == std::vector<import_place>{{f[1], 1}});
  for (const std::uint64_t other : {0ULL, 2ULL, 4ULL, 10ULL, largest - 1})
    CHECK(places_of(**run, other).empty());
}

TEST_CASE("batches that do not count are not in the run", "[lists]") {
  promotion_log other{points()};
  other.import("kept", {{1, 11, 0, 100, 1, "r", "", "", "", false}});
  other.close("kept");
  other.import("left", {{2, 12, 0, 100, 1, "r", "", "", "", false}});
  other.abandon("left");
  const auto lists = store::make_target_lists("");
  const auto built = (*lists)->build(other.log(), {7});
  REQUIRE(built);
  CHECK_FALSE((*lists)->build_customers(other.log(), {7}));  // Not sealed yet.
  other.seal(built->totals);
  const auto run = (*lists)->build_customers(other.log(), {7});
  REQUIRE(run);
  CHECK((*run)->size() == 1);
  CHECK(places_of(**run, 11).size() == 1);
  CHECK(places_of(**run, 12).empty());
}

TEST_CASE("an empty list has an empty run", "[lists]") {
  sealed_log world{{}};
  const auto lists = store::make_target_lists("");
  const auto run = (*lists)->build_customers(world.log(), {7});
  REQUIRE(run);
  CHECK((*run)->size() == 0);
  CHECK(places_of(**run, 1).empty());
}

/// Customers at random, some in many blocks: what a map says, the run says.
TEST_CASE("runs of many blocks find what was put in", "[lists]") {
  std::mt19937_64 random{3};
  std::vector<std::vector<std::uint64_t>> batches;
  std::map<std::uint64_t, std::size_t> expected;
  for (int b = 0; b < 6; ++b) {
    auto& batch = batches.emplace_back();
    for (int i = 0; i < 1'000; ++i) {
      const auto customer = random() % 5 == 0 ? 77 : 1 + random() % 3'000;
      batch.push_back(customer);
      ++expected[customer];
    }
  }
  sealed_log world{batches};
  const scratch_directory dir;
  const auto lists = store::make_target_lists(dir.path());
  const auto run = (*lists)->build_customers(world.log(), {7});
  REQUIRE(run);
  for (std::uint64_t c = 0; c <= 3'001; ++c) {
    const auto at = expected.find(c);
    const auto found = places_of(**run, c);
    REQUIRE(found.size() == (at == expected.end() ? 0 : at->second));
    REQUIRE(std::is_sorted(found.begin(), found.end(), [](const auto& a, const auto& b) {
      return std::pair{a.fact, a.row} < std::pair{b.fact, b.row};
    }));
  }
  std::uint64_t seen = 0;
  std::uint64_t last = 0;
  REQUIRE((*run)->visit(10, [&](customer_uid c, const import_place&) {
    REQUIRE(c.value >= last);
    last = c.value;
    ++seen;
    return true;
  }));
  CHECK(seen == 6'000 - 10);
  // Another set of lists over the same directory maps the same file.
  const auto again = store::make_target_lists(dir.path());
  const auto opened = (*again)->customers(world.log(), {7}, world.sealed.list_sha256);
  REQUIRE(opened);
  CHECK((*opened)->digest() == (*run)->digest());
}

TEST_CASE("one wrong byte is noticed before an entry is used", "[lists]") {
  std::vector<std::uint64_t> customers;
  for (std::uint64_t i = 1; i <= 1'000; ++i) customers.push_back(i * 3);
  sealed_log world{{customers}};
  const scratch_directory dir;
  const auto path = dir.path() + "/7/customers";
  {
    const auto lists = store::make_target_lists(dir.path());
    REQUIRE((*lists)->build_customers(world.log(), {7}));
  }
  std::ifstream in{path, std::ios::binary};
  const std::string good{std::istreambuf_iterator<char>{in}, {}};
  std::mt19937_64 random{9};
  const auto answers = [&](customer_run const& run) {
    for (std::uint64_t c = 1; c <= 3'001; ++c) {
      std::size_t count = 0;
      const auto done = run.find({c}, [&](const import_place& p) {
        REQUIRE(p.fact == world.facts[0]);
        REQUIRE(p.row == c / 3 - 1);
        ++count;
        return true;
      });
      if (!done) return false;
      REQUIRE(count == (c % 3 == 0 ? 1 : 0));
    }
    return true;
  };
  std::size_t noticed = 0;
  for (int i = 0; i < 200; ++i) {
    auto bad = good;
    bad[random() % bad.size()] ^= static_cast<char>(1U << random() % 8);
    std::ofstream{path, std::ios::binary | std::ios::trunc} << bad;
    const auto run = customer_run::open(path, {7});
    noticed += !run || !answers(**run) ? 1 : 0;
  }
  CHECK(noticed > 60);  // The rest fell on unused bytes: every answer was right.
  for (const std::size_t cut : {std::size_t{0}, std::size_t{100}, good.size() - 1}) {
    std::ofstream{path, std::ios::binary | std::ios::trunc} << good.substr(0, cut);
    CHECK_FALSE(customer_run::open(path, {7}));
  }
  std::ofstream{path, std::ios::binary | std::ios::trunc} << good;
  CHECK(customer_run::open(path, {7}));
  CHECK_FALSE(customer_run::open(path, {8}));
  // The lists mend what cannot be opened.
  std::ofstream{path, std::ios::binary | std::ios::trunc} << "rubbish";
  const auto lists = store::make_target_lists(dir.path());
  const auto mended = (*lists)->customers(world.log(), {7}, world.sealed.list_sha256);
  REQUIRE(mended);
  CHECK(answers(**mended));
}

/// Printed, and checked for truth, not for speed. BESTOW_RATE_TARGETS: how many.
TEST_CASE("a large run is built and asked", "[lists][rate]") {
  using clock = std::chrono::steady_clock;
  using seconds = std::chrono::duration<double>;
  const char* wanted = std::getenv("BESTOW_RATE_TARGETS");
  const std::uint64_t count = wanted != nullptr ? std::stoull(wanted) : 400'000;
  constexpr std::uint64_t rows = 4'000;
  // A multiplication by an odd number deals every customer once, in no order.
  const auto customer_of = [](std::uint64_t i) { return (i + 1) * 0x9E3779B97F4A7C15ULL; };
  promotion_log world{points()};
  for (std::uint64_t first = 0; first < count; first += rows) {
    targets_imported f;
    f.batch = "b1";
    f.row_count = rows;
    std::vector<std::uint64_t> customers;
    for (std::uint64_t i = first; i < first + rows; ++i) customers.push_back(customer_of(i));
    f.target_ids = u64_column::arithmetic(first + 1, 1, rows);
    f.customer_uids = u64_column::of(std::move(customers));
    f.partitions = u64_column::constant(0, rows);
    f.amounts = u64_column::constant(100, rows);
    f.expiries = u64_column::constant(1, rows);
    f.reasons = string_column::constant("r", rows);
    world.append(f);
  }
  world.close("b1");
  list_sealed sealed;
  sealed.total_count = count;
  world.seal(sealed);
  const scratch_directory dir;
  const auto lists = store::make_target_lists(dir.path());
  const auto begun = clock::now();
  REQUIRE((*lists)->build_customers(world.log(), {7}));
  const seconds built = clock::now() - begun;
  const auto path = dir.path() + "/7/customers";
  const auto opening = clock::now();
  const auto run = customer_run::open(path, {7});
  const seconds opened = clock::now() - opening;
  REQUIRE(run);
  constexpr std::uint64_t asked = 20'000;
  const auto asking = clock::now();
  for (std::uint64_t i = 0; i < asked; ++i) {
    const auto n = i * 7'919 % count;
    const auto found = places_of(**run, customer_of(n));
    REQUIRE(found.size() == 1);
    REQUIRE(found[0].row == n % rows);
  }
  const seconds answered = clock::now() - asking;
  WARN("customers: " << count << " built in " << built.count() << " s, file of "
                     << std::filesystem::file_size(path) << " bytes opened in "
                     << opened.count() * 1e3 << " ms, found in " << answered.count() / asked * 1e6
                     << " us each");
}

}  // namespace
}  // namespace bestow::testing
