#include "tests/domain/partition_spec.hpp"

namespace bestow::domain::test {
namespace {

/// Four targets, released and on the stream.
auto on_stream() -> partition_spec {
  partition_spec spec{4};
  spec.given({released({{0, 4}}), grants_published{position{1}, 2, 4}});
  return spec;
}
/// Target 0 answered FAILED once and was released a second time.
auto tried_twice() -> partition_spec {
  auto spec = on_stream();
  spec.when_said({failed(0)});
  spec.given({released({{0, 1}}, 2, 2)});
  return spec;
}

}  // namespace

TEST_CASE("answers move their targets and the counts", "[unit][result]") {
  auto spec = on_stream();
  const std::vector rows{success(0, "a"), retrying(1), failed(2)};
  spec.when_said(rows)
      .then({recorded(rows)})
      .and_target(0, target_state::success)
      .and_target(1, target_state::retrying)
      .and_target(2, target_state::failed)
      .and_target(3, target_state::published);
  CHECK(spec.counts().success == 1);
  CHECK(spec.counts().retry_success == 0);
  CHECK(spec.counts().retrying == 1);
  CHECK(spec.counts().fail == 1);
  CHECK(spec.counts().success_amount == money_minor{1'000});
}

TEST_CASE("an answer before the acknowledgement implies published", "[unit][result]") {
  partition_spec spec{2};
  spec.given({released({{0, 2}})});
  spec.when_said({success(1, "a")}).and_target(1, target_state::success);
  CHECK(spec.counts().published == 1);
  spec.when(record_published{position{1}, 2})
      .then({grants_published{position{1}, 2, 2}})
      .and_target(0, target_state::published)
      .and_target(1, target_state::success);
  CHECK(spec.counts().published == 2);
}

TEST_CASE("success after trouble is counted as such", "[unit][result]") {
  auto spec = on_stream();
  spec.when_said({retrying(0)})
      .when_said({success(0, "a")})
      .and_target(0, target_state::success_after_retry);
  spec.when_said({failed(1)})
      .when_said({success(1, "b")})
      .and_target(1, target_state::success_after_retry);
  CHECK(spec.counts().success == 2);
  CHECK(spec.counts().retry_success == 2);
  CHECK(spec.counts().fail == 0);
  CHECK(spec.counts().retrying == 0);
  CHECK(spec.counts().success_amount == money_minor{2'001});
}

TEST_CASE("trouble after the end is kept and changes nothing", "[unit][result]") {
  auto spec = on_stream();
  spec.when_said({success(0, "a"), failed(1)});
  const std::vector late{retrying(0), failed(0), retrying(1)};
  spec.when_said(late)
      .then({recorded(late)})
      .and_target(0, target_state::success)
      .and_target(1, target_state::failed);
  CHECK(spec.state().ignored == 3);
  spec.when_said(late).then({recorded({}, 3)});
  CHECK(spec.state().ignored == 3);
  CHECK(spec.state().duplicates == 3);
}

TEST_CASE("an exact repeat is only counted", "[unit][result]") {
  auto spec = on_stream();
  spec.when_said({success(0, "a"), retrying(1), failed(2)});
  spec.when_said({success(0, "a"), retrying(1), failed(2)}).then({recorded({}, 3)});
  CHECK(spec.state().duplicates == 3);
  spec.when_said({success(0, "a"), success(3, "d")}).then({recorded({success(3, "d")}, 1)});
  spec.when_said({}).then_nothing();
}

TEST_CASE("a redelivered batch adds nothing although its targets moved on", "[unit][result]") {
  auto spec = on_stream();
  const std::vector batch{retrying(0), failed(1), retrying(2), success(0, "a"), success(1, "b")};
  spec.when_said(batch).then({recorded(batch)});
  spec.when_said(batch).then({recorded({}, 5)});
}

TEST_CASE("answers in one command count as if they came one by one", "[unit][result]") {
  auto spec = on_stream();
  spec.when_said({failed(0), failed(0), success(0, "a"), success(0, "a"), retrying(0)})
      .then({recorded({failed(0), success(0, "a"), retrying(0)}, 2)})
      .and_target(0, target_state::success_after_retry);
}

TEST_CASE("a second success under another key is an alarm, once, and overwrites nothing",
          "[unit][result]") {
  auto spec = on_stream();
  const double_grant_detected alarm{target_ordinal{0}, "b", attempt_no{1}, timestamp{5'000}};
  spec.when_said({success(0, "a")});
  spec.when_said({success(0, "b")}).then({alarm}).and_target(0, target_state::success);
  CHECK(spec.state().double_grants == 1);
  CHECK(spec.counts().success == 1);
  CHECK(spec.counts().success_amount == money_minor{1'000});
  spec.when_said({success(0, "b")}).then({recorded({}, 1)});
  spec.when_said({success(0, "a")}).then({recorded({}, 1)});
  auto third = alarm;
  third.transaction_key = "c";
  spec.when_said({success(0, "c"), success(0, "c")}).then({recorded({}, 1), third});
  CHECK(spec.state().double_grants == 2);
}

TEST_CASE("two keys in one command are an alarm too", "[unit][result]") {
  auto spec = on_stream();
  spec.when_said({success(0, "a"), success(0, "b")})
      .then({recorded({success(0, "a")}),
             double_grant_detected{target_ordinal{0}, "b", attempt_no{1}, timestamp{5'000}}});
}

TEST_CASE("a success without a key does not contradict one with a key", "[unit][result]") {
  auto spec = on_stream();
  spec.when_said({success(0, "a"), success(1, "")});
  spec.when_said({success(0, "")}).then({recorded({}, 1)});
  spec.when_said({success(1, "")}).then({recorded({}, 1)});
  // The other way round nothing shows that both are one payment.
  spec.when_said({success(1, "b")})
      .then({double_grant_detected{target_ordinal{1}, "b", attempt_no{1}, timestamp{5'000}}});
}

TEST_CASE("a missing attempt means the first where only one was released", "[unit][result]") {
  auto spec = on_stream();
  spec.when_said({failed(0, 0)}).and_target(0, target_state::failed);
  spec.when_said({retrying(1, 0)}).and_target(1, target_state::retrying);
  spec.when_said({failed(0, 1)}).then({recorded({}, 1)});
}

TEST_CASE("where two attempts are out a missing attempt is only kept", "[unit][result]") {
  auto spec = tried_twice();
  spec.when_said({failed(0, 0)})
      .then({recorded({failed(0, 0)})})
      .and_target(0, target_state::released);
  spec.when_said({retrying(0, 0)})
      .then({recorded({retrying(0, 0)})})
      .and_target(0, target_state::released);
  CHECK(spec.state().ignored == 2);
  spec.when_said({success(0, "a", 0)}).and_target(0, target_state::success_after_retry);
}

TEST_CASE("an older attempt's trouble is kept, its success counts", "[unit][result]") {
  auto spec = tried_twice();
  spec.when_said({retrying(0, 1)})
      .then({recorded({retrying(0, 1)})})
      .and_target(0, target_state::released);
  spec.when_said({failed(0, 1)}).then({recorded({}, 1)});  // Stored before the second release.
  spec.when_said({failed(0, 2)})
      .then({recorded({failed(0, 2)})})
      .and_target(0, target_state::failed);
  spec.when_said({success(0, "a", 1)}).and_target(0, target_state::success_after_retry);
  CHECK(spec.counts().success == 1);
  CHECK(spec.counts().fail == 0);
}

TEST_CASE("with three attempts out an older row is rather kept twice than lost", "[unit][result]") {
  auto spec = tried_twice();
  spec.when_said({failed(0, 2)});
  spec.given({released({{0, 1}}, 3, 3)});
  spec.when_said({failed(0, 1)})
      .then({recorded({failed(0, 1)})})
      .and_target(0, target_state::released);
}

TEST_CASE("an attempt that never was changes nothing", "[unit][result]") {
  auto spec = on_stream();
  spec.when_said({failed(0, 9)})
      .then({recorded({failed(0, 9)})})
      .and_target(0, target_state::published);
  spec.when_said({failed(0, 9)}).then({recorded({}, 1)});
}

TEST_CASE("a first attempt's late acknowledgement does not publish the second", "[unit][result]") {
  partition_spec spec{1};
  spec.given({released({{0, 1}})});
  spec.when_said({failed(0)});
  spec.given({released({{0, 1}}, 2, 2)});
  spec.when(record_published{position{1}, 2}).and_target(0, target_state::released);
  spec.when(record_published{position{3}, 3}).and_target(0, target_state::published);
  CHECK(spec.counts().published == 1);
}

TEST_CASE("a long error message is cut and marked", "[unit][result]") {
  const auto stored = [](std::string_view message) {
    auto spec = on_stream();
    auto row = failed(0);
    row.error_message = message;
    spec.when_said({row});
    return std::string{std::get<results_recorded>(spec.facts().back()).error_messages[0]};
  };
  std::string fits, long_by_one;
  for (int i = 0; i < 500; ++i) fits += "한";
  long_by_one = fits + "도";
  CHECK(stored("no account") == "no account");
  CHECK(stored(fits) == fits);
  CHECK(stored(long_by_one) == fits.substr(0, 3 * 499) + "…");
  CHECK(stored("cut \xff here") == "cut …");
}

TEST_CASE("what one row does depends on state, attempts and nothing else", "[unit][result]") {
  using s = target_state;
  using p = process_status;
  struct row {
    s now;
    std::uint16_t attempts;
    p status;
    std::uint16_t attempt;
    s next;
    bool changes;
  };
  for (const auto& r :
       std::vector<row>{{s::released, 1, p::success, 1, s::success, true},
                        {s::published, 1, p::success, 0, s::success, true},
                        {s::unknown, 1, p::success, 1, s::success, true},
                        {s::unknown, 1, p::retrying, 1, s::unknown_after_retrying, true},
                        {s::unknown_after_retrying, 1, p::retrying, 1, s::unknown_after_retrying, false},
                        {s::unknown, 1, p::failed, 1, s::failed, true},
                        {s::retrying, 1, p::success, 1, s::success_after_retry, true},
                        {s::failed, 1, p::success, 1, s::success_after_retry, true},
                        {s::published, 2, p::success, 2, s::success_after_retry, true},
                        {s::published, 2, p::success, 1, s::success_after_retry, true},
                        {s::retrying, 1, p::failed, 1, s::failed, true},
                        {s::retrying, 1, p::retrying, 1, s::retrying, false},
                        {s::failed, 1, p::retrying, 1, s::failed, false},
                        {s::failed, 1, p::failed, 1, s::failed, false},
                        {s::success, 1, p::failed, 1, s::success, false},
                        {s::success, 1, p::success, 1, s::success, false},
                        {s::success_after_retry, 2, p::retrying, 2, s::success_after_retry, false},
                        {s::published, 2, p::failed, 1, s::published, false},
                        {s::published, 2, p::failed, 0, s::published, false},
                        {s::published, 2, p::retrying, 3, s::published, false},
                        {s::pending, 0, p::success, 1, s::pending, false},
                        {s::publish_failed, 0, p::success, 1, s::publish_failed, false}}) {
    CAPTURE(name_of(r.now), r.attempts, static_cast<int>(r.status), r.attempt);
    const auto effect = effect_of(r.now, r.attempts, r.status, r.attempt);
    CHECK(static_cast<int>(effect.next) == static_cast<int>(r.next));
    CHECK(effect.changes == r.changes);
  }
}

}  // namespace bestow::domain::test
