// Paging, filters and history.
#include <algorithm>
#include <random>

#include "tests/projections/stage.hpp"
#include "tests/catch.hpp"

namespace bestow::projections::testing {
namespace {

using domain::target_state;
constexpr promotion_id one{1};

struct query_stage : stage {
  auto ask() -> queries {
    follow_all(*views);
    return {*views, log(), lists()};
  }
  /// All pages of a filter, one after the other.
  auto pages(target_filter filter) -> std::vector<target_view_row> {
    const auto q = ask();
    std::vector<target_view_row> out;
    for (;;) {
      auto page = q.targets(one, filter);
      REQUIRE(page);
      REQUIRE(page->value.size() <= filter.limit);
      out.insert(out.end(), page->value.begin(), page->value.end());
      if (page->value.size() < filter.limit) return out;
      filter.after = page->value.back().target.id;
    }
  }
  std::unique_ptr<store::view_store_factory> stores{store::make_memory_view_stores()};
  std::unique_ptr<view_set> views{open_all(*this, *stores)};
};

/// 1,000 targets over 7 partitions, dealt at random; part of them released, published, answered.
struct busy_stage : query_stage {
  busy_stage() {
    std::mt19937_64 random{42};
    for (std::uint64_t id = 1; id <= 1'000; ++id)
      targets.push_back({id * 3, static_cast<std::uint16_t>(random() % 7), 500});
    begin(one, 7, targets);
    for (std::uint16_t k = 0; k < 7; ++k) {
      release(one, k, 90, {3, 60});
      publish(one, k);
      release(one, k, 10);
      std::vector<domain::result_row> rows;
      for (std::uint32_t i = 0; i < 90; ++i) {
        if (i == 3 || i == 60) continue;
        if (i % 4 == 0) rows.push_back(answered(i, process_status::retrying));
        if (i % 5 == 0) rows.push_back(answered(i, process_status::success, "tx"));
        if (i % 7 == 0) rows.push_back(answered(i, process_status::failed, "", "no"));
      }
      answer(one, k, rows);
    }
  }
  std::vector<target_spec> targets;
};

TEST_CASE("pages are complete and ascending over all partitions", "[unit][queries]") {
  busy_stage s;
  for (const std::size_t limit : {1'000U, 137U, 1U}) {
    target_filter filter;
    filter.limit = limit;
    const auto rows = s.pages(filter);
    REQUIRE(rows.size() == s.targets.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      REQUIRE(rows[i].target.id.value == s.targets[i].id);
      REQUIRE(rows[i].target.partition.value == s.targets[i].partition);
    }
  }
}

TEST_CASE("a page of one partition holds that partition's targets alone", "[unit][queries]") {
  busy_stage s;
  target_filter filter;
  filter.partition = partition_no{3};
  filter.limit = 10;
  const auto rows = s.pages(filter);
  CHECK(rows.size() == s.partition(one, 3).states.size());
  for (const auto& r : rows) REQUIRE(r.target.partition == partition_no{3});
  filter.partition = partition_no{7};
  CHECK(s.pages(filter).empty());
}

TEST_CASE("a filter by state finds every such target and no other", "[unit][queries]") {
  busy_stage s;
  std::size_t all = 0;
  for (const auto state : {target_state::pending, target_state::released, target_state::published,
                           target_state::retrying, target_state::success, target_state::failed,
                           target_state::publish_failed, target_state::unknown}) {
    std::size_t expected = 0;
    for (std::uint16_t k = 0; k < 7; ++k)
      expected += static_cast<std::size_t>(std::ranges::count_if(
          s.partition(one, k).states,
          [&](std::uint8_t status) { return name_of(state_of(status)) == name_of(state); }));
    target_filter filter;
    filter.state = state;
    filter.limit = 9;
    const auto rows = s.pages(filter);
    CHECK(rows.size() == expected);
    CHECK(std::ranges::is_sorted(rows, {}, [](const auto& r) { return r.target.id; }));
    for (const auto& r : rows) REQUIRE(name_of(r.state) == name_of(state));
    all += rows.size();
  }
  CHECK(all == s.targets.size());
}

TEST_CASE("the page after the last id is empty", "[unit][queries]") {
  busy_stage s;
  target_filter filter;
  filter.after = target_id{3'000};
  CHECK(s.ask().targets(one, filter)->value.empty());
  filter.after = target_id{~0ULL};
  CHECK(s.ask().targets(one, filter)->value.empty());
}

TEST_CASE("a promotion that is not sealed has no targets to show", "[unit][queries]") {
  query_stage s;
  s.create(one, 2);
  const auto q = s.ask();
  REQUIRE(q.targets(one, {}));
  CHECK(q.targets(one, {})->value.empty());
  CHECK_FALSE(q.target(one, target_id{1})->value);
  CHECK(q.history(one, target_id{1})->value.empty());
  CHECK(q.targets(promotion_id{2}, {})->value.empty());
}

TEST_CASE("texts come from the fact that changed the target", "[unit][queries]") {
  query_stage s;
  s.begin(one, 1, some_targets(4, 1));
  s.release(one, 0, 4);
  s.publish(one, 0);
  s.answer(one, 0,
           {answered(3, process_status::failed, "k3", "empty account"),
            answered(0, process_status::success, "k0")});
  s.answer(one, 0, {answered(2, process_status::success, "k2")});
  const auto page = s.ask().targets(one, {});
  REQUIRE(page);
  REQUIRE(page->value.size() == 4);
  CHECK(page->value[0].transaction_key == "k0");
  CHECK(page->value[1].transaction_key.empty());
  CHECK_FALSE(page->value[1].process);
  CHECK(page->value[2].transaction_key == "k2");
  CHECK(page->value[3].error_message == "empty account");
  CHECK(page->value[3].process == process_status::failed);
}

TEST_CASE("promotions are listed by id, by state, page by page", "[unit][queries]") {
  query_stage s;
  for (const std::uint64_t id : {5U, 300U, 2U, 70'000U}) s.create(promotion_id{id}, 1);
  s.begin(promotion_id{40}, 1, some_targets(1, 1));
  s.tell(promotion_id{40}, domain::stop_run{"wait", "ops"});  // stopping shows as running
  const auto q = s.ask();
  const auto ids = [](const std::vector<promotion_row>& rows) {
    std::vector<std::uint64_t> out;
    for (const auto& r : rows) out.push_back(r.created.promotion.value);
    return out;
  };
  CHECK(ids(q.promotions({}, 100, std::nullopt)->value) ==
        std::vector<std::uint64_t>{2, 5, 40, 300, 70'000});
  CHECK(ids(q.promotions(promotion_id{5}, 2, std::nullopt)->value) ==
        std::vector<std::uint64_t>{40, 300});
  CHECK(ids(q.promotions({}, 100, domain::promotion_state::running)->value) ==
        std::vector<std::uint64_t>{40});
  CHECK(ids(q.promotions({}, 2, domain::promotion_state::draft)->value) ==
        std::vector<std::uint64_t>{2, 5});
  CHECK(q.promotions(promotion_id{~0ULL}, 2, std::nullopt)->value.empty());
  CHECK(q.promotions({}, 0, std::nullopt)->value.empty());
}

TEST_CASE("a target's history names every fact that touched it, oldest first", "[unit][queries]") {
  query_stage s;
  s.begin(one, 1, some_targets(5, 1));
  s.release(one, 0, 2);
  s.publish(one, 0);
  s.release(one, 0, 3, {3});
  s.publish(one, 0);
  s.answer(one, 0,
           {answered(2, process_status::retrying, "", "busy"),
            answered(1, process_status::success, "other")});
  s.answer(one, 0, {answered(2, process_status::success, "tx-30")});
  s.answer(one, 0, {answered(2, process_status::success, "tx-31")});
  const auto q = s.ask();
  const auto lines = [&](std::uint64_t id) {
    std::vector<std::string> out;
    const auto h = q.history(one, target_id{id});
    REQUIRE(h);
    for (const auto& f : h->value) out.push_back(f.what + ": " + f.detail);
    return out;
  };
  // The sequence 1 is the stream's identity message; 10 and 20 took 2 and 3.
  CHECK(lines(30) == std::vector<std::string>{
                         "targets_released: grant, attempt 1, run 1",
                         "grants_published: attempt 1, stream_seq 4",
                         "results_recorded: RETRYING, attempt 1, busy",
                         "results_recorded: SUCCESS tx-30, attempt 1",
                         "double_grant_detected: a second SUCCESS tx-31",
                     });
  CHECK(lines(50) == std::vector<std::string>{
                         "targets_released: grant, attempt 1, run 1",
                         "grants_published: attempt 1, stream_seq 5",
                     });
  CHECK(lines(40).size() == 1);
  CHECK(lines(41).empty());
}

}  // namespace
}  // namespace bestow::projections::testing
