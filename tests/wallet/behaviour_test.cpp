#include "apps/wallet/behaviour.hpp"

#include <set>

#include "tests/catch.hpp"

using namespace bestow::wallet;

namespace {

auto bits(const conduct& c) -> unsigned {
  return unsigned{c.fail} | unsigned{c.transient} << 1U | unsigned{c.duplicate} << 2U |
         unsigned{c.early} << 3U | unsigned{c.delay} << 4U | unsigned{c.drop} << 5U;
}

}  // namespace

TEST_CASE("misbehaviour depends on seed, key and attempt alone", "[unit][wallet]") {
  const behaviour b{7, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, {}};
  unsigned differing = 0;
  for (int i = 0; i < 1'000; ++i) {
    const std::string key = "5:" + std::to_string(i);
    CHECK(bits(conduct_of(b, key, 1)) == bits(conduct_of(b, key, 1)));
    auto other = b;
    other.seed = 8;
    if (bits(conduct_of(b, key, 1)) != bits(conduct_of(other, key, 1))) ++differing;
  }
  CHECK(differing > 500);
}

TEST_CASE("rates are met, and nothing happens at rate 0", "[unit][wallet]") {
  behaviour b;
  b.fail = 0.01;
  b.duplicate = 0.2;
  int failed = 0;
  int doubled = 0;
  for (int i = 0; i < 100'000; ++i) {
    const auto c = conduct_of(b, "1:" + std::to_string(i), 1);
    failed += c.fail ? 1 : 0;
    doubled += c.duplicate ? 1 : 0;
    CHECK_FALSE((c.transient || c.early || c.delay || c.drop));
  }
  CHECK(failed > 850);
  CHECK(failed < 1'150);
  CHECK(doubled > 19'000);
  CHECK(doubled < 21'000);
}

TEST_CASE("a rate of 1 is always, and a permanent failure stays one at each attempt",
          "[unit][wallet]") {
  behaviour b;
  b.fail = 0.5;
  b.drop = 1;
  for (int i = 0; i < 1'000; ++i) {
    const std::string key = "1:" + std::to_string(i);
    CHECK(conduct_of(b, key, 1).drop);
    CHECK(conduct_of(b, key, 1).fail == conduct_of(b, key, 2).fail);
  }
}

TEST_CASE("a grant's transaction key is always the same, another grant's another",
          "[unit][wallet]") {
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) seen.insert(transaction_key_of("1:" + std::to_string(i)));
  CHECK(seen.size() == 10'000);
  CHECK(transaction_key_of("1:2") == transaction_key_of("1:2"));
  CHECK(transaction_key_of("1:2").size() == 33);
}
