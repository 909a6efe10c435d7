// What measurements are made of: figures, spreads, latencies, crowds, lists. No disk, no engine.
#include <atomic>
#include <cmath>
#include <mutex>
#include <set>

#include "apps/measure/crowd.hpp"
#include "apps/measure/figures.hpp"
#include "apps/measure/inputs.hpp"
#include "apps/measure/latency.hpp"
#include "apps/measure/raw_parse.hpp"
#include "tests/catch.hpp"

namespace bestow::measure {
namespace {

auto begins_with_label(const std::string& line) -> bool {
  return line.starts_with(
      R"({"bench":"a \"work\"","repetition":2,"targets":10,"seed":3,"fsync":"each","filesystem":"ext4","cores":)");
}

}  // namespace

TEST_CASE("a line has its label, then the figures in their order", "[unit][measure]") {
  figures f;
  f.set("rate", 1234.5);
  f.set("count", std::uint64_t{7});
  f.set("why", std::string{"a\nb\\"});
  f.set("odd", std::nan(""));
  const auto line = json_line({"a \"work\"", "each", "ext4", 10, 3}, 2, f);
  CAPTURE(line);
  CHECK(begins_with_label(line));
  CHECK(line.ends_with(R"(,"rate":1234.5,"count":7,"why":"a\u000ab\\","odd":null})"));
  CHECK(json_line({"x", "", "", 1, 1}, 1, {}).find("filesystem") == std::string::npos);
}

TEST_CASE("a spread has the value in the middle", "[unit][measure]") {
  const auto odd = spread_of({3, 1, 2});
  CHECK(odd.min == 1);
  CHECK(odd.median == 2);
  CHECK(odd.max == 3);
  CHECK(spread_of({4, 1}).median == 4);
  CHECK(spread_of({}).max == 0);
}

TEST_CASE("a percentile is a latency that was measured", "[unit][measure]") {
  std::vector<float> values{5, 1, 4, 2, 3};
  CHECK(percentile(values, 0.5) == 3);
  CHECK(percentile(values, 0.99) == 5);
  CHECK(percentile(values, 0) == 1);
  std::vector<float> none;
  CHECK(percentile(none, 0.5) == 0);
}

TEST_CASE("a crowd makes every command once and times each", "[unit][measure]") {
  std::vector<std::atomic<int>> made(1'000);
  const auto r = run_crowd({8, 100, 900}, [&](unsigned client, std::uint64_t n) -> outcome<void> {
    if (client >= 8) return void_because("a client too many");
    ++made[n];
    return {};
  });
  REQUIRE(r);
  CHECK(r->milliseconds.size() == 900);
  for (std::size_t n = 0; n < made.size(); ++n) CHECK(made[n] == (n < 100 ? 0 : 1));
}

TEST_CASE("a crowd whose time is up has left no hole", "[unit][measure]") {
  std::mutex guard;
  std::set<std::uint64_t> made;
  const auto r = run_crowd({4, 0, 1'000'000'000, std::chrono::milliseconds{100}},
                           [&](unsigned, std::uint64_t n) -> outcome<void> {
                             const std::scoped_lock lock{guard};
                             made.insert(n);
                             return {};
                           });
  REQUIRE(r);
  REQUIRE_FALSE(made.empty());
  CHECK(r->milliseconds.size() == made.size());
  CHECK(*made.rbegin() == made.size() - 1);
}

TEST_CASE("the first trouble ends a crowd", "[unit][measure]") {
  std::atomic<int> after{0};
  const auto r = run_crowd({4, 0, 100'000}, [&](unsigned, std::uint64_t n) -> outcome<void> {
    if (n == 10) return void_because("number ten");
    if (n > 90'000) ++after;
    return {};
  });
  REQUIRE_FALSE(r);
  CHECK(text_of(r.error()) == "number ten");
  CHECK(after == 0);
}

TEST_CASE("a refusal makes a run void and a fault stays a fault", "[unit][measure]") {
  const auto refused =
      as_trouble(actors::trouble{domain::refusal{domain::rejection::not_sealed, "it is open"}});
  REQUIRE(std::holds_alternative<void_run>(refused));
  CHECK(text_of(refused) == "refused: not_sealed, it is open");
  const auto failed = as_trouble(
      actors::trouble{fault{fault_code::log_full, fault_action::call_operator, "put", "x"}});
  CHECK(std::get<fault>(failed).code == fault_code::log_full);
  CHECK(text_of(failed) == "log_full in put: x");
}

TEST_CASE("the same seed makes the same list, of customers who come once", "[unit][measure]") {
  const auto in = make_input(promotion_type::point, 2'000, 5);
  CHECK(in.csv == make_input(promotion_type::point, 2'000, 5).csv);
  CHECK(in.csv != make_input(promotion_type::point, 2'000, 6).csv);
  std::set<std::uint64_t> customers;
  for (std::uint64_t row = 0; row < in.count; ++row) customers.insert(customer_of(5, row));
  CHECK(customers.size() == in.count);
  CHECK_FALSE(customers.contains(0));
  CHECK(parse_alone(in.csv, promotion_type::point, {1'768'959'000'000}) == 2'000);
  const auto vouchers = make_input(promotion_type::voucher, 100, 5);
  CHECK(parse_alone(vouchers.csv, promotion_type::voucher, {1'768'959'000'000}) == 100);
}

TEST_CASE("an input that cannot be read is void", "[unit][measure]") {
  const auto r = parse_alone("nothing,known\n1,2\n", promotion_type::point, {1'768'959'000'000});
  REQUIRE_FALSE(r);
  CHECK(text_of(r.error()) == "the header was refused");
}

}  // namespace bestow::measure
