// Generic checks over the registry: whatever the view, its progress survives kills, its damage is
// seen, and those who wait for it are woken.
#include <chrono>
#include <thread>

#include "tests/projections/stage.hpp"
#include "tests/catch.hpp"

namespace bestow::projections::testing {
namespace {

using namespace std::chrono_literals;
constexpr promotion_id one{1};

/// A promotion lived to its end, with every kind of fact on the way.
void live(stage& s, promotion_id id = one) {
  s.begin(id, 3, some_targets(60, 3));
  for (std::uint16_t k = 0; k < 3; ++k) s.release(id, k, 12, {5});
  s.publish(id, 0);
  s.answer(
      id, 0,
      {answered(0, process_status::success, "a"), answered(1, process_status::retrying),
       answered(1, process_status::success, "b"), answered(0, process_status::success, "another")});
  s.tell(id, domain::stop_run{"pause", "ops"});
  s.publish(id, 1);
  s.publish(id, 2);
  s.tell(id, domain::confirm_stopped{run_no{1}});
  s.start(id, true);
  for (std::uint16_t k = 0; k < 3; ++k) {
    s.release(id, k, 100);
    s.publish(id, k);
    std::vector<domain::result_row> rows;
    for (std::uint32_t i = 0; i < 20; ++i)
      if (i != 5) rows.push_back(answered(i, process_status::success, i == 0 ? "a" : "tx"));
    s.answer(id, k, rows);
  }
  s.conclude(id);
}

/// A results_recorded for an ordinal that the list does not have.
auto impossible_result() -> encoded_event {
  results_recorded e;
  e.ordinals = u64_column::constant(1'000'000, 1);
  e.statuses = u64_column::constant(1, 1);
  e.attempts = u64_column::constant(1, 1);
  e.at = u64_column::constant(0, 1);
  e.transaction_keys = string_column::constant("x", 1);
  e.error_messages = string_column::constant("", 1);
  return encode_event(e);
}

auto status_of(const view_set& views, std::string_view name) -> view_status {
  for (auto& s : views.status())
    if (s.name == name) return s;
  FAIL("no such view");
  return {};
}

/// Whether the view's rows change with facts about single targets.
auto folds_targets(std::string_view view) -> bool {
  return view != customer_grants::name;
}

TEST_CASE("every registered view has a name of its own and handles something", "[unit][registry]") {
  std::map<std::string_view, int> names;
  for (const auto& d : registered_views()) {
    CHECK_FALSE(d.types.empty());
    CHECK(d.version > 0);
    CHECK(++names[d.name] == 1);
  }
  stage s;
  const auto stores = store::make_memory_view_stores();
  CHECK(open_all(s, *stores)->names() ==
        std::vector<std::string>{"promotion_summary", "partition_progress", "target_status",
                                 "reconciliation", "customer_grants"});
}

TEST_CASE("a projector killed after any batch goes on to the same rows", "[unit][registry]") {
  const auto* kind = GENERATE("memory", "lmdb");
  stage s;
  live(s);
  live(s, promotion_id{2});
  const temp_directory dir;
  const temp_directory other;
  const auto at_once = make_stores(kind, other);
  const auto whole = open_all(s, *at_once);
  follow_all(*whole);

  auto stores = make_stores(kind, dir);
  for (const auto& definition : registered_views()) {
    batch_bounds bounds;
    std::size_t kills = 0;
    for (bool caught_up = false; !caught_up; ++kills) {
      bounds.events = 1 + kills % 3;
      const auto views = open_view_set({definition}, s.context(), *stores, bounds);
      REQUIRE(views);
      const auto step = (*views)->step(definition.name);
      REQUIRE(step);
      caught_up = step->caught_up;
    }
    CHECK(kills > (folds_targets(definition.name) ? 10U : 1U));
    const auto views = open_all(s, *stores);
    CHECK(status_of(*views, definition.name).at == s.log().head().last);
    CHECK(*views->dump_hash(definition.name) == *whole->dump_hash(definition.name));
  }
}

TEST_CASE("batch bounds never change the rows", "[unit][registry]") {
  stage s;
  live(s);
  const auto reference_stores = store::make_memory_view_stores();
  const auto reference = open_all(s, *reference_stores);
  follow_all(*reference);
  for (const auto& bounds : {batch_bounds{1, 1, 1, 1}, batch_bounds{100, 13, 1U << 20U, 100},
                             batch_bounds{100, 1'000, 200, 1}}) {
    const auto stores = store::make_memory_view_stores();
    const auto views = open_all(s, *stores, bounds);
    follow_all(*views);
    CHECK(hashes(*views) == hashes(*reference));
  }
}

TEST_CASE("the checkpoint passes events that the view does not handle", "[unit][registry]") {
  stage s;
  s.create(one, 1);  // target_status handles no promotion_created
  const auto stores = store::make_memory_view_stores();
  const auto views = open_all(s, *stores);
  const auto step = views->step(target_status::name);
  REQUIRE(step);
  CHECK(step->caught_up);
  CHECK(step->at == s.log().head().last);
  CHECK((*views->read(target_status::name))->checkpoint()->at == s.log().head().last);
  CHECK(status_of(*views, target_status::name).lag == 0);
}

TEST_CASE("status tells how far a view is behind", "[unit][registry]") {
  stage s;
  live(s);
  const auto stores = store::make_memory_view_stores();
  batch_bounds bounds;
  bounds.events = 4;
  const auto views = open_all(s, *stores, bounds);
  const auto head = s.log().head().last.value;
  CHECK(status_of(*views, "target_status").lag == head);
  REQUIRE(views->step("target_status"));
  const auto status = status_of(*views, "target_status");
  CHECK(status.life == view_life::following);
  CHECK(status.at.value > 0);
  CHECK(status.lag == head - status.at.value);
  CHECK(status.problem.empty());
}

TEST_CASE("an event that cannot be applied stops the view, which says so", "[unit][registry]") {
  stage s;
  s.begin(one, 1, some_targets(3, 1));
  const auto stores = store::make_memory_view_stores();
  const auto views = open_all(s, *stores);
  follow_all(*views);
  const auto before = hashes(*views);
  const auto good = s.log().head().last;
  const auto bad = s.append(stream_of(one, partition_no{0}), impossible_result());
  for (const auto& name : views->names()) {
    if (!folds_targets(name)) continue;
    const auto step = views->step(name);
    REQUIRE_FALSE(step);
    CHECK(step.error().code == fault_code::view_poisoned);
    const auto status = status_of(*views, name);
    CHECK(status.life == view_life::stopped);
    CHECK(status.at == good);
    CHECK(status.lag == 1);
    CHECK_THAT(status.problem, Catch::Matchers::Contains("position " + std::to_string(bad.value)));
    CHECK_THAT(status.problem, Catch::Matchers::Contains("results_recorded"));
    CHECK_THAT(status.problem, Catch::Matchers::Contains("1000000"));
    CHECK_FALSE(views->step(name));  // It never skips.
    CHECK_FALSE(views->wait_for(name, bad, 1h));
  }
  CHECK(hashes(*views) == before);
}

TEST_CASE("bytes that are no event stop the view", "[unit][registry]") {
  stage s;
  s.begin(one, 1, some_targets(3, 1));
  auto event = impossible_result();
  event.payload.resize(event.payload.size() / 2);
  s.append(stream_of(one, partition_no{0}), event);
  const auto stores = store::make_memory_view_stores();
  const auto views = open_all(s, *stores);
  for (const auto& name : views->names()) {
    if (!folds_targets(name)) continue;
    const auto step = views->step(name);
    REQUIRE_FALSE(step);
    CHECK(step.error().code == fault_code::view_poisoned);
    CHECK(status_of(*views, name).life == view_life::stopped);
  }
}

TEST_CASE("facts that contradict the rows stop the view", "[unit][registry]") {
  stage s;
  s.begin(one, 2, some_targets(4, 2));
  s.release(one, 0, 2);
  const auto released = s.partition(one, 0).open.front().at;
  std::vector<std::pair<stream_id, encoded_event>> bad;
  targets_released foreign;
  foreign.promotion = one;
  foreign.partition = partition_no{1};
  foreign.ordinals.append(0, 1);
  bad.emplace_back(stream_of(one, partition_no{0}), encode_event(foreign));
  targets_released beyond;
  beyond.promotion = one;
  beyond.ordinals.append(1, 2);
  bad.emplace_back(stream_of(one, partition_no{0}), encode_event(beyond));
  bad.emplace_back(stream_of(one, partition_no{1}), encode_event(grants_published{released, 2, 2}));
  bad.emplace_back(stream_of(one, partition_no{0}), encode_event(grants_published{released, 2, 3}));
  bad.emplace_back(stream_of(promotion_id{9}, partition_no{0}),
                   encode_event(grants_published{position{1'000}, 2, 3}));
  bad.emplace_back(stream_of(one, partition_no{9}), encode_event([&] {
                     auto e = foreign;
                     e.partition = partition_no{9};
                     return e;
                   }()));
  for (const auto& [stream, event] : bad) {
    stage fresh;
    fresh.begin(one, 2, some_targets(4, 2));
    fresh.release(one, 0, 2);
    fresh.append(stream, event);
    const auto stores = store::make_memory_view_stores();
    const auto views = open_all(fresh, *stores);
    for (const auto& name : views->names()) {
      if (!folds_targets(name)) continue;
      const auto step = views->step(name);
      REQUIRE_FALSE(step);
      CHECK(step.error().code == fault_code::view_poisoned);
    }
  }
}

TEST_CASE("a sealed list that its imports contradict stops the view of customers",
          "[unit][registry]") {
  stage s;
  s.create(one, 1);
  list_sealed wrong;
  wrong.total_count = 3;
  const auto at = s.append(stream_of(one), encode_event(wrong));
  const auto stores = store::make_memory_view_stores();
  const auto views = open_all(s, *stores);
  const auto step = views->step(customer_grants::name);
  REQUIRE_FALSE(step);
  CHECK(step.error().code == fault_code::view_poisoned);
  const auto status = status_of(*views, customer_grants::name);
  CHECK(status.life == view_life::stopped);
  CHECK_THAT(status.problem, Catch::Matchers::Contains("position " + std::to_string(at.value)));
}

TEST_CASE("a failed machine is not a poison: the same step succeeds later", "[unit][registry]") {
  class failing_lists final : public store::target_lists {
   public:
    explicit failing_lists(store::target_lists& real) : real_{&real} {}
    auto build(const store::event_log& log, promotion_id p)
        -> result<store::list_totals_result> override {
      return real_->build(log, p);
    }
    auto open(const store::event_log& log, promotion_id p)
        -> result<std::shared_ptr<const store::target_list>> override {
      if (broken) return fail(fault_code::file_io_failed, "open", "disk away");
      return real_->open(log, p);
    }
    auto build_customers(const store::event_log& log, promotion_id p)
        -> result<std::shared_ptr<const store::customer_run>> override {
      return real_->build_customers(log, p);
    }
    auto customers(const store::event_log& log, promotion_id p, const sha256_digest& list)
        -> result<std::shared_ptr<const store::customer_run>> override {
      return real_->customers(log, p, list);
    }
    void cancel_builds() override { real_->cancel_builds(); }
    bool broken{true};

   private:
    store::target_lists* real_;
  };
  stage s;
  live(s);
  failing_lists lists{s.lists()};
  const auto stores = store::make_memory_view_stores();
  auto views = open_views(*stores, s.log(), lists);
  REQUIRE(views);
  const auto step = (*views)->step(promotion_summary::name);
  REQUIRE_FALSE(step);
  CHECK(step.error().code == fault_code::file_io_failed);
  CHECK(status_of(**views, "promotion_summary").life == view_life::following);
  CHECK_THAT(status_of(**views, "promotion_summary").problem,
             Catch::Matchers::Contains("disk away"));
  lists.broken = false;
  CHECK((*views)->step(promotion_summary::name));
  CHECK(status_of(**views, "promotion_summary").problem.empty());
}

TEST_CASE("who waits for a position is woken by the commit that reaches it", "[unit][registry]") {
  stage s;
  live(s);
  const auto stores = store::make_memory_view_stores();
  const auto views = open_all(s, *stores);
  const auto head = s.log().head().last;
  CHECK_FALSE(views->wait_for("target_status", head, 0ms));
  bool reached = false;
  std::thread waiter{[&] { reached = views->wait_for("target_status", head, 60s); }};
  follow(*views, "target_status");
  waiter.join();
  CHECK(reached);
  CHECK(views->wait_for("target_status", head, 0ms));
}

TEST_CASE("a view that is not registered is a plain no", "[unit][registry]") {
  stage s;
  const auto stores = store::make_memory_view_stores();
  const auto views = open_all(s, *stores);
  CHECK(views->step("nothing").error().code == fault_code::internal);
  CHECK(views->read("nothing").error().code == fault_code::internal);
  CHECK(views->dump_hash("nothing").error().code == fault_code::internal);
  CHECK_FALSE(*views->start_rebuild("nothing"));
  CHECK_FALSE(views->wait_for("nothing", position{}, 0ms));
}

}  // namespace
}  // namespace bestow::projections::testing
