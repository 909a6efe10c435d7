#include "tests/domain/partition_spec.hpp"

namespace bestow::domain::test {

TEST_CASE("targets are released in list order, a chunk at a time", "[unit][partition]") {
  partition_spec spec{10};
  spec.when(releasing(100)).then({released({{0, 4}})});
  spec.when(releasing(3)).then({released({{4, 3}})});
  spec.when(releasing(100)).then({released({{7, 3}})});
  spec.when(releasing(100)).then_nothing();
  spec.when(releasing(0)).then_nothing();
  CHECK(spec.state().release_count == 3);
  CHECK(spec.state().open.size() == 3);
  CHECK(was_released(spec.state(), target_ordinal{9}));
  CHECK_FALSE(was_released(spec.state(), target_ordinal{10}));
}

TEST_CASE("a release carries the run's settings", "[unit][partition]") {
  auto c = releasing(2);
  c.run.topic = "prepay.campaign.voucher.publish";
  c.run.extra_fields = false;
  c.run.partition_token = false;
  c.run.encoder_version = 3;
  auto wanted = released({{0, 2}});
  wanted.topic = c.run.topic;
  wanted.extra_fields = false;
  wanted.partition_token = false;
  wanted.encoder_version = 3;
  wanted.type = promotion_type::voucher;
  auto p = make_partition(promotion_id{7}, partition_no{2}, promotion_type::voucher, 2);
  const auto decided = decide(c, p);
  REQUIRE(std::holds_alternative<std::vector<partition_event>>(decided));
  CHECK((std::get<std::vector<partition_event>>(decided) == std::vector<partition_event>{wanted}));
}

TEST_CASE("a target whose message is too large fails before release", "[unit][partition]") {
  const std::string reason = "the message exceeds the broker's max_payload";
  partition_spec spec{8};
  spec.when(releasing(100, {2, 0, 2, 9}))
      .then({released({{1, 1}, {3, 1}}),
             targets_publish_failed{run_no{1}, attempt_no{1}, ranges({{0, 1}, {2, 1}}), reason}})
      .and_target(0, target_state::publish_failed)
      .and_target(1, target_state::released);
  CHECK_FALSE(was_released(spec.state(), target_ordinal{0}));
  CHECK(spec.counts().publish_failed == 2);
  CHECK(spec.counts().fail == 2);
  spec.when(releasing(2, {4, 5}))
      .then({targets_publish_failed{run_no{1}, attempt_no{1}, ranges({{4, 2}}), reason}});
  CHECK(spec.state().release_count == 1);
  spec.when(releasing(100)).then({released({{6, 2}})});
}

TEST_CASE("a release of the batch wire says how its grants are put into messages",
          "[unit][partition]") {
  partition_spec spec{10};
  auto command = releasing(10);
  command.run.chunk = 10;
  command.run.wire = grant_wire::batch;
  command.run.format = grant_format::msgpack;
  command.run.batch_size = 4;
  command.too_large = {3};
  auto expected = released({{0, 3}, {4, 6}});
  expected.wire = grant_wire::batch;
  expected.format = grant_format::msgpack;
  expected.message_grants = u64_column::of({4, 4, 1});
  expected.message_count = 3;
  const auto reason = std::string{"the message exceeds the broker's max_payload"};
  spec.when(command).then(
      {expected, targets_publish_failed{run_no{1}, attempt_no{1}, ranges({{3, 1}}), reason}});
  // The stream confirms messages; the targets in them are published.
  spec.when(record_published{position{1}, 2}).then({grants_published{position{1}, 2, 3}});
  CHECK(spec.counts().published == 9);
}

TEST_CASE("an earlier run releases nothing more", "[unit][partition]") {
  partition_spec spec{10};
  spec.when(releasing(2, {}, 2)).then({released({{0, 2}}, 1, 2)});
  spec.when(releasing(2, {}, 1)).then_refused(rejection::stale_run);
  spec.when(releasing(2, {}, 3)).then({released({{2, 2}}, 1, 3)});
  spec.when(conclude_partition{run_no{2}, false}).then_refused(rejection::stale_run);
}

TEST_CASE("an acknowledged chunk is published once", "[unit][partition]") {
  partition_spec spec{8};
  spec.given({released({{0, 4}}), released({{4, 4}})});
  spec.when(record_published{position{2}, 6}).then({grants_published{position{2}, 6, 4}});
  CHECK(spec.counts().published == 4);
  spec.and_target(3, target_state::released).and_target(4, target_state::published);
  spec.when(record_published{position{2}, 6}).then_nothing();
  spec.when(record_published{position{99}, 6}).then_nothing();
  spec.when(record_published{position{1}, 2}).then({grants_published{position{1}, 2, 4}});
  CHECK(spec.counts().published == 8);
  CHECK(spec.state().open.empty());
}

TEST_CASE("a published chunk told twice in the log counts once", "[unit][partition]") {
  partition_spec spec{2};
  spec.given({released({{0, 2}}), grants_published{position{1}, 2, 2},
              grants_published{position{1}, 2, 2}});
  CHECK(spec.counts().published == 2);
}

TEST_CASE("a partition without targets is done at once", "[unit][partition]") {
  partition_spec spec{0};
  spec.when(releasing(100)).then_nothing();
  spec.when(conclude_partition{run_no{1}, false}).then({partition_done{run_no{1}, 0, 0, 0, {}}});
  spec.when(conclude_partition{run_no{1}, false}).then_nothing();
  spec.when(conclude_partition{run_no{2}, false}).then_nothing();
}

TEST_CASE("a partition is done when every target is answered", "[unit][partition]") {
  partition_spec spec{3};
  spec.when(releasing(100, {2}));
  spec.when(conclude_partition{run_no{1}, false}).then_nothing();
  spec.when(record_published{position{1}, 2});
  spec.when(conclude_partition{run_no{1}, false}).then_nothing();
  spec.when_said({success(0, "a"), retrying(1)});
  spec.when(conclude_partition{run_no{1}, false}).then_nothing();
  spec.when_said({failed(1)});
  const partition_done done{run_no{1}, 1, 1, 2, money_minor{1'000}};
  spec.when(conclude_partition{run_no{1}, false}).then({done});
  spec.when(conclude_partition{run_no{1}, false}).then_nothing();
  // A late answer moves the counts, not the fact that all was answered.
  spec.when_said({success(1, "b")}).and_target(1, target_state::success_after_retry);
  spec.when(conclude_partition{run_no{1}, false}).then_nothing();
}

TEST_CASE("a later release voids that the partition was done", "[unit][partition]") {
  partition_spec spec{1};
  spec.when(releasing(100));
  spec.when_said({failed(0)});
  spec.when(conclude_partition{run_no{1}, false}).then({partition_done{run_no{1}, 1, 0, 1, {}}});
  spec.given({released({{0, 1}}, 2, 2)});
  spec.when(conclude_partition{run_no{2}, false}).then_nothing();
  spec.when_said({success(0, "a", 2)});
  spec.when(conclude_partition{run_no{2}, false})
      .then({partition_done{run_no{2}, 2, 1, 0, money_minor{1'000}}});
}

TEST_CASE("where payers send no results a partition is done when all is published",
          "[unit][partition]") {
  partition_spec spec{3};
  spec.when(releasing(2));
  spec.when(record_published{position{1}, 2});
  spec.when(conclude_partition{run_no{1}, true}).then_nothing();
  spec.when(releasing(2, {2}));
  spec.when(conclude_partition{run_no{1}, false}).then_nothing();
  spec.when(conclude_partition{run_no{1}, true}).then({partition_done{run_no{1}, 1, 0, 1, {}}});
  partition_spec open{2};
  open.when(releasing(2));
  open.when(conclude_partition{run_no{1}, true}).then_nothing();
}

TEST_CASE("target states have names, an original status and an end", "[unit][partition]") {
  struct row {
    target_state state;
    std::string_view name;
    bool terminal;
  };
  for (const auto& r :
       {row{target_state::pending, "pending", false},
        row{target_state::released, "released", false},
        row{target_state::published, "published", false},
        row{target_state::retrying, "retrying", false}, row{target_state::success, "success", true},
        row{target_state::success_after_retry, "success", true},
        row{target_state::failed, "failed", true},
        row{target_state::publish_failed, "publish_failed", true},
        row{target_state::unknown, "unknown", true},
        row{target_state::abandoned, "abandoned", true}}) {
    CHECK(std::string{name_of(r.state)} == std::string{r.name});
    CHECK(is_terminal(r.state) == r.terminal);
  }
  CHECK(std::string{publish_status_of(target_state::released, false)} == "PENDING");
  CHECK(std::string{publish_status_of(target_state::failed, true)} == "PUBLISHED");
  CHECK(std::string{publish_status_of(target_state::publish_failed, false)} == "FAILED");
}

}  // namespace bestow::domain::test
