// Taking in releases that the stream holds and the log has lost.
#include "tests/domain/partition_spec.hpp"

namespace bestow::domain::test {
namespace {

auto adopting(targets_released facts) -> adopt_release {
  return {std::move(facts)};
}

}  // namespace

TEST_CASE("a release that the log has lost is taken in when it is the next one",
          "[unit][partition]") {
  partition_spec spec{10};
  spec.given({released({{0, 4}}, 1, 3)});
  // The stream does not say the run: it is the latest one known.
  spec.when(adopting(released({{4, 4}}, 1, 0))).then({released({{4, 4}}, 1, 3)});
  CHECK(spec.state().next == 8);
  CHECK(spec.state().open.size() == 2);
  spec.when(adopting(released({{8, 2}}, 1, 0))).then({released({{8, 2}}, 1, 3)});
  spec.when(releasing(100, {}, 3)).then_nothing();
}

TEST_CASE("a partition that never ran adopts under the first run", "[unit][partition]") {
  partition_spec spec{4};
  spec.when(adopting(released({{0, 2}}, 1, 0))).then({released({{0, 2}}, 1, 1)});
}

TEST_CASE("a release that is not the next one is not adopted", "[unit][partition]") {
  partition_spec spec{6};
  spec.given({released({{0, 2}})});
  const auto refused = rejection::stream_cannot_be_adopted;
  spec.when(adopting(released({{0, 2}}))).then_refused(refused);           // Released already.
  spec.when(adopting(released({{3, 1}}))).then_refused(refused);           // 2 is passed over.
  spec.when(adopting(released({{2, 1}, {4, 1}}))).then_refused(refused);   // 3 is passed over.
  spec.when(adopting(released({{2, 5}}))).then_refused(refused);           // Beyond the list.
  spec.when(adopting(released({{1, 1}}, 3))).then_refused(refused);        // Attempt 2 comes first.
  spec.when(adopting(released({{4, 1}}, 2))).then_refused(refused);        // Never released.
  spec.when(adopting(released({}))).then_refused(refused);
  auto voucher = released({{2, 1}});
  voucher.type = promotion_type::voucher;
  spec.when(adopting(voucher)).then_refused(refused);
  CHECK(spec.state().next == 2);
}

TEST_CASE("a retry that the log has lost is taken in as the target's next attempt",
          "[unit][partition]") {
  partition_spec spec{6};
  spec.given({released({{0, 4}}), recorded({failed(1), failed(3)})});
  spec.when(adopting(released({{1, 1}, {3, 1}}, 2, 0)))
      .then({released({{1, 1}, {3, 1}}, 2, 1)})
      .and_target(1, target_state::released);
  spec.when(adopting(released({{1, 1}}, 2, 0))).then_refused(rejection::stream_cannot_be_adopted);
}

}  // namespace bestow::domain::test
