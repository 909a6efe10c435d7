#include "tests/domain/partition_spec.hpp"

namespace bestow::domain::test {
namespace {

/// A partition in which every field differs from its default.
auto lively() -> partition_spec {
  partition_spec spec{9};
  spec.when(releasing(100, {3}, 2));
  spec.when(releasing(100, {}, 2));
  spec.when(record_published{position{1}, 2});
  spec.when_said({success(0, "a"), retrying(1), failed(2), failed(2)});
  spec.when_said({success(0, "b"), failed(0), success(2, "c")});
  spec.when_said({failed(4)});
  spec.given({released({{4, 1}}, 2, 2), partition_done{run_no{2}, 1, 0, 0, {}}});
  return spec;
}

}  // namespace

TEST_CASE("a snapshot holds everything a partition knows", "[unit][snapshot]") {
  const auto spec = lively();
  REQUIRE(spec.state().open.size() == 2);
  REQUIRE(spec.state().open.back().attempt == attempt_no{2});
  REQUIRE(spec.state().double_keys.size() == 1);
  REQUIRE(spec.state().ignored == 1);
  REQUIRE(spec.state().duplicates == 1);
  partition restored;
  REQUIRE(from_snapshot(to_snapshot(spec.state()), restored));
  CHECK(same_partition(restored, spec.state()));
  CHECK(restored.version == spec.state().version);
}

TEST_CASE("a cut or lengthened snapshot is none", "[unit][snapshot]") {
  const auto whole = to_snapshot(lively().state());
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    partition untouched =
        make_partition(promotion_id{1}, partition_no{0}, promotion_type::point, 1);
    CHECK_FALSE(from_snapshot(std::span{whole}.first(bytes), untouched));
    CHECK(untouched.states.size() == 1);
  }
  auto longer = whole;
  longer.push_back(std::byte{0});
  partition p;
  CHECK_FALSE(from_snapshot(longer, p));
}

TEST_CASE("a snapshot of another fold version is none", "[unit][snapshot]") {
  auto bytes = to_snapshot(lively().state());
  bytes[0] = static_cast<std::byte>(partition_fold_version + 1);
  partition p;
  CHECK_FALSE(from_snapshot(bytes, p));
}

TEST_CASE("no single damaged byte makes reading a snapshot misbehave", "[unit][snapshot]") {
  const auto whole = to_snapshot(lively().state());
  for (std::size_t i = 0; i < whole.size(); ++i)
    for (const auto flip : {0x01, 0x80, 0xFF}) {
      auto damaged = whole;
      damaged[i] ^= static_cast<std::byte>(flip);
      partition p;
      if (from_snapshot(damaged, p)) CHECK(p.states.size() == 9);
    }
}

}  // namespace bestow::domain::test
