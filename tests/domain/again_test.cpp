// A partition's second axis and second attempts: retry, recall, abandon, overdue.
#include "tests/domain/partition_spec.hpp"

namespace bestow::domain::test {
namespace {

auto retry_of(std::uint32_t run, retry_scope scope = retry_scope::failed) -> run_started {
  auto e = run_of(run);
  e.retry = scope;
  e.retry_run = run_no{run};
  return e;
}
auto retrying_next(std::uint32_t run = 2, retry_scope scope = retry_scope::failed)
    -> release_retries {
  return {retry_of(run, scope), 4, timestamp{1'000}, {}, {}};
}
auto retried(std::vector<ordinal_ranges::range> of, std::uint16_t attempt, std::uint32_t run = 2)
    -> targets_released {
  auto e = released(std::move(of), attempt, run);
  e.kind = release_kind::retry;
  e.retry_run = run_no{run};
  return e;
}
auto recalling_next(std::uint32_t recall = 1) -> release_recalls {
  return {{recall_no{recall}, "error", {}, "lee"}, run_of(1), 4, timestamp{1'000}, {}};
}
auto recall_release(std::vector<ordinal_ranges::range> of, std::uint32_t recall = 1)
    -> targets_released {
  auto e = released(std::move(of));
  e.kind = release_kind::recall;
  e.recall = recall_no{recall};
  e.recall_reason = "error";
  return e;
}
auto published(std::uint64_t released_at, std::uint32_t count, std::int64_t at) -> grants_published {
  return {position{released_at}, 1, count, timestamp{at}};
}
auto answered(std::uint32_t ordinal, recall_status status, std::uint32_t recall = 1) -> recall_row {
  return {target_ordinal{ordinal}, status, recall_no{recall}, timestamp{5'000}, "rx", ""};
}

/// Six targets: 0 and 1 granted, 2 and 4 failed, 3 retrying, 5 failed on its second attempt.
auto mixed() -> partition_spec {
  partition_spec spec{6};
  spec.given({released({{0, 6}}), published(1, 6, 1'000)})
      .when_said({success(0, "a"), success(1, "b"), failed(2), retrying(3), failed(4), failed(5)})
      .given({retried({{5, 1}}, 2)})
      .when_said({failed(5, 2)});
  return spec;
}

}  // namespace

TEST_CASE("a retry releases failed targets as their next attempts, in list order, once",
          "[unit][partition]") {
  auto spec = mixed();
  // Run 3: 2 and 4 were tried once, 5 twice; 3 has no final answer and is left alone.
  spec.when(retrying_next(3))
      .then({retried({{2, 1}, {4, 1}}, 2, 3), retried({{5, 1}}, 3, 3), retry_planned{run_no{3}, 3}});
  spec.and_target(2, target_state::released).and_target(3, target_state::retrying);
  CHECK(spec.counts().fail == 0);
  spec.when_said({failed(2, 2)}).when(retrying_next(3)).then_nothing();
  spec.when(retrying_next(2)).then_refused(rejection::stale_run);
  spec.when_said({success(2, "late", 1)});
  CHECK(spec.counts().retry_success == 1);
}

TEST_CASE("a retry goes on from the last target it released", "[unit][partition]") {
  partition_spec spec{6};
  spec.given({released({{0, 6}})})
      .when_said({failed(0), failed(1), failed(2), failed(3), failed(4), failed(5)});
  spec.when(retrying_next()).then({retried({{0, 4}}, 2)});
  spec.when_said({failed(0, 2)});
  spec.when(retrying_next()).then({retried({{4, 2}}, 2), retry_planned{run_no{2}, 6}});
  spec.and_target(0, target_state::failed);
}

TEST_CASE("a retry of named targets leaves the others alone", "[unit][partition]") {
  auto spec = mixed();
  auto command = retrying_next(3);
  command.run.retry_targets = u64_column::of({105});
  command.named = {4};
  spec.when(command).then({retried({{4, 1}}, 2, 3), retry_planned{run_no{3}, 1}});
}

TEST_CASE("a retry skips what is still too large", "[unit][partition]") {
  partition_spec spec{2};
  spec.when(releasing(4, {0})).when_said({failed(1)});
  auto command = retrying_next();
  command.too_large = {0};
  spec.when(command).then({retried({{1, 1}}, 2), retry_planned{run_no{2}, 1}});
  spec.and_target(0, target_state::publish_failed);
  spec.when_said({failed(1, 2)});
  spec.when(retrying_next(3)).then(
      {retried({{0, 1}}, 1, 3), retried({{1, 1}}, 3, 3), retry_planned{run_no{3}, 2}});
}

TEST_CASE("a partition is not done before its retry is released", "[unit][partition]") {
  partition_spec spec{1};
  spec.given({released({{0, 1}}), published(1, 1, 1'000)}).when_said({failed(0)});
  spec.when(conclude_partition{run_no{2}, false, run_no{2}}).then_nothing();
  spec.when(retrying_next());
  spec.when(conclude_partition{run_no{2}, false, run_no{2}}).then_nothing();
  spec.when_said({success(0, "a", 2)});
  spec.when(conclude_partition{run_no{2}, false, run_no{2}})
      .then({partition_done{run_no{2}, 2, 1, 0, money_minor{1'000}}});
}

TEST_CASE("answers overdue make a target unknown until a later answer", "[unit][partition]") {
  partition_spec spec{4};
  spec.given({released({{0, 2}}), published(1, 2, 1'000), released({{2, 2}}), published(3, 2, 2'000)});
  spec.when_said({success(0, "a"), retrying(1)});
  CHECK(next_awaited(spec.state(), 0) == timestamp{1'000});
  CHECK(look_for_overdue(spec.state(), 0, timestamp{999}).events.empty());
  auto look = look_for_overdue(spec.state(), 0, timestamp{1'500});
  CHECK((look.events == std::vector<partition_event>{
                            results_overdue{attempt_no{1}, ranges({{1, 1}}), timestamp{1'000}}}));
  CHECK(look.next == 1);
  spec.given(look.events).and_target(1, target_state::unknown_after_retrying);
  CHECK(spec.counts().unknown == 1);
  CHECK(spec.counts().retrying == 0);
  CHECK(next_awaited(spec.state(), 1) == timestamp{2'000});
  spec.given(look_for_overdue(spec.state(), 1, timestamp{9'000}).events);
  CHECK(spec.counts().unknown == 3);
  spec.when_said({success(1, "b"), success(2, "c"), failed(3)});
  CHECK(spec.counts().unknown == 0);
  CHECK(spec.counts().retry_success == 1);
  CHECK(spec.counts().fail == 1);
  CHECK_FALSE(next_awaited(spec.state(), 2).has_value());
}

TEST_CASE("RETRYING is no final answer: what is overdue stays overdue", "[unit][partition]") {
  partition_spec spec{2};
  spec.given({released({{0, 2}}), published(1, 2, 1'000)});
  spec.given(look_for_overdue(spec.state(), 0, timestamp{1'000}).events);
  spec.when_said({retrying(0), retrying(0), failed(1)});
  spec.and_target(0, target_state::unknown_after_retrying).and_target(1, target_state::failed);
  CHECK(spec.counts().unknown == 1);
  CHECK(spec.counts().retrying == 0);
  CHECK(spec.state().duplicates == 1);
  spec.when(conclude_partition{run_no{1}, false})
      .then({partition_done{run_no{1}, 1, 0, 1, money_minor{}}});
}

TEST_CASE("a target found overdue twice still knows that the payer would try again",
          "[unit][partition]") {
  partition_spec spec{2};
  const results_overdue overdue{attempt_no{1}, ranges({{0, 2}}), timestamp{1'000}};
  spec.given({released({{0, 2}}), published(1, 2, 1'000)}).when_said({retrying(0)});
  spec.given({overdue}).given({overdue});
  spec.and_target(0, target_state::unknown_after_retrying).and_target(1, target_state::unknown);
  spec.when_said({success(0, "a"), success(1, "b")});
  CHECK(spec.counts().success == 2);
  CHECK(spec.counts().retry_success == 1);
}

TEST_CASE("deadlines hold after the clock was set back", "[unit][partition]") {
  partition_spec spec{3};
  spec.given({released({{0, 1}}), published(1, 1, 5'000)});
  const auto first = look_for_overdue(spec.state(), 0, timestamp{9'000});
  spec.given(first.events);
  // An hour later by everyone's watch, an hour earlier by this machine's.
  spec.given({released({{1, 1}}), published(4, 1, 2'000), released({{2, 1}})});
  CHECK(next_awaited(spec.state(), first.next).has_value());
  const auto second = look_for_overdue(spec.state(), first.next, timestamp{9'000});
  spec.given(second.events).and_target(1, target_state::unknown);
  // Chunks are numbered on when every target was terminal and the list of them was emptied.
  spec.when_said({success(0, "a"), success(1, "b")}).given({published(6, 1, 2'500)});
  spec.when_said({success(2, "c")}).when(conclude_partition{run_no{1}, false});
  CHECK(spec.state().awaited.empty());
  CHECK_FALSE(next_awaited(spec.state(), second.next).has_value());
}

TEST_CASE("a retry of unknown targets is asked for by name", "[unit][partition]") {
  partition_spec spec{2};
  spec.given({released({{0, 2}}), published(1, 2, 1'000)}).when_said({failed(1)});
  spec.given(look_for_overdue(spec.state(), 0, timestamp{1'000}).events);
  CHECK(survey(spec.state()).unknown == 1);
  spec.when(retrying_next(2, retry_scope::unknown));
  spec.and_target(0, target_state::released).and_target(1, target_state::failed);
}

TEST_CASE("an older attempt's deadline says nothing of the one under way", "[unit][partition]") {
  partition_spec spec{1};
  spec.given({released({{0, 1}}), published(1, 1, 1'000)}).when_said({failed(0)});
  spec.when(retrying_next());
  CHECK(look_for_overdue(spec.state(), 0, timestamp{1'000}).events.empty());
}

TEST_CASE("granted targets are recalled once, and their state stays", "[unit][partition]") {
  auto spec = mixed();
  CHECK(survey(spec.state()).granted == 2);
  CHECK(survey(spec.state()).open == 1);
  spec.when(recalling_next()).then({recall_release({{0, 2}})});
  const auto release_count = spec.state().release_count;
  spec.when(recalling_next()).then({recall_planned{recall_no{1}, 2, money_minor{2'001}}});
  spec.when(recalling_next()).then_nothing();
  CHECK(spec.state().release_count == release_count);
  CHECK(spec.counts().recalling == 2);
  CHECK(spec.counts().success == 2);
  CHECK(survey(spec.state()).granted == 0);
  spec.and_target(0, target_state::success);

  spec.when(record_recalls{{answered(0, recall_status::recalled), answered(0, recall_status::failed),
                            answered(1, recall_status::failed)}});
  CHECK(spec.recall_of(0) == recall_state::recalled);
  CHECK(spec.recall_of(1) == recall_state::recall_failed);
  CHECK(spec.counts().recalled == 1);
  CHECK(spec.counts().recall_failed == 1);
  CHECK(spec.counts().recalled_amount == money_minor{1'000});
  CHECK(spec.state().duplicates == 1);

  // What could not be taken back is asked for again by another recall.
  spec.when(recalling_next(2)).then({recall_release({{1, 1}}, 2)});
  spec.when(record_recalls{{answered(1, recall_status::failed, 1)}});
  CHECK(spec.recall_of(1) == recall_state::recalling);
  spec.when(record_recalls{{answered(1, recall_status::recalled, 1)}});
  CHECK(spec.recall_of(1) == recall_state::recalled);
  CHECK(spec.counts().success == 2);
}

TEST_CASE("a recall's messages are published without touching the grants", "[unit][partition]") {
  partition_spec spec{1};
  spec.given({released({{0, 1}}), published(1, 1, 1'000)}).when_said({success(0, "a")});
  const auto awaited = spec.state().awaited.size();
  spec.when(recalling_next()).given({published(4, 1, 3'000)});
  CHECK(spec.state().open.empty());
  CHECK(spec.state().awaited.size() == awaited);
  CHECK(spec.counts().published == 1);
}

TEST_CASE("what was never released is abandoned at the close", "[unit][partition]") {
  partition_spec spec{4};
  spec.given({released({{0, 1}}), published(1, 1, 1'000)});
  spec.when(abandon_pending{}).then({targets_abandoned{ranges({{1, 3}})}});
  spec.when(abandon_pending{}).then_nothing();
  CHECK(spec.counts().abandoned == 3);
  spec.when(releasing(4)).then_nothing();
  spec.when(conclude_partition{run_no{1}, false}).then_nothing();
  spec.when_said({success(0, "a")});
  spec.when(conclude_partition{run_no{1}, false})
      .then({partition_done{run_no{1}, 1, 1, 0, money_minor{1'000}}});
  CHECK(spec.state().awaited.empty());
}

TEST_CASE("a snapshot keeps retries, recalls and what is awaited", "[unit][partition]") {
  auto spec = mixed();
  spec.when(retrying_next(3)).when(recalling_next());
  spec.when(record_recalls{{answered(0, recall_status::recalled)}});
  partition loaded;
  REQUIRE(from_snapshot(to_snapshot(spec.state()), loaded));
  CHECK(same_partition(loaded, spec.state()));
}

}  // namespace bestow::domain::test
