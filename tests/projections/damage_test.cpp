// A view's file may rot: whatever bit flips in a row, no answer is made of it.
#include <random>

#include "projections/row_bytes.hpp"
#include "tests/projections/stage.hpp"
#include "tests/catch.hpp"

namespace bestow::projections::testing {
namespace {

constexpr promotion_id one{1};

struct world : stage {
  world() {
    begin(one, 2, some_targets(300, 2));
    for (std::uint16_t k = 0; k < 2; ++k) {
      release(one, k, 100);
      publish(one, k);
      answer(one, k, {answered(3, process_status::success, "a")});
      release(one, k, 10);
    }
    follow_all(*views);
  }
  /// Flips one bit of the value under `key` of a view's serving rows.
  void flip(const view_definition& view, std::string_view key, std::uint64_t bit) {
    const auto serving = *stores->serving(view.name, view.version);
    const auto rows = std::move(*stores->open(view.name, view.version, serving));
    const auto txn = std::move(*rows->begin_write());
    std::string value{**txn->get(key)};
    bit %= value.size() * 8;
    value[bit / 8] =
        static_cast<char>(static_cast<unsigned char>(value[bit / 8]) ^ (1U << bit % 8));
    REQUIRE(txn->put(key, value));
    REQUIRE(txn->commit());
  }
  auto keys(std::string_view view) -> std::vector<std::string> {
    std::vector<std::string> out;
    const auto rows = std::move(*views->read(view));
    REQUIRE(rows->scan(std::string_view{"\0", 1}, [&](std::string_view key, std::string_view) {
      out.emplace_back(key);
      return true;
    }));
    return out;
  }
  std::unique_ptr<store::view_store_factory> stores{store::make_memory_view_stores()};
  std::unique_ptr<view_set> views{open_all(*this, *stores)};
};

TEST_CASE("no row reads as true once a bit of it has flipped", "[unit][damage]") {
  world w;
  std::mt19937_64 random{7};
  std::size_t flips = 0;
  for (const auto& view : registered_views()) {
    for (const auto& key : w.keys(view.name)) {
      for (int i = 0; i < 8; ++i, ++flips) {
        const auto bit = random();
        w.flip(view, key, bit);
        const auto rows = std::move(*w.views->read(view.name));
        const auto row = get_row(*rows, view.name, key);
        REQUIRE_FALSE(row);
        REQUIRE(row.error().code == fault_code::view_poisoned);
        w.flip(view, key, bit);
      }
    }
  }
  CHECK(flips > 100);
}

TEST_CASE("questions about damaged rows are answered with a fault, never with a guess",
          "[unit][damage]") {
  world w;
  const queries ask{*w.views, w.log(), w.lists()};
  const auto views = registered_views();
  w.flip(views[0], promotion_key(table::row, one), 99);
  CHECK(ask.promotion(one).error().code == fault_code::view_poisoned);
  CHECK(ask.promotions({}, 10, std::nullopt).error().code == fault_code::view_poisoned);
  w.flip(views[1], partition_key(table::row, one, partition_no{1}), 5);
  CHECK(ask.partitions(one).error().code == fault_code::view_poisoned);
  w.flip(views[2], page_key(one, partition_no{0}, 0), 12'345);
  CHECK(ask.targets(one, {}).error().code == fault_code::view_poisoned);
  CHECK(ask.target(one, target_id{10}).error().code == fault_code::view_poisoned);
  w.flip(views[3], promotion_key(table::row, one), 7);
  CHECK(ask.reconciliation(one).error().code == fault_code::view_poisoned);
}

TEST_CASE("a view that meets its own damage stops, and builds itself again", "[unit][damage]") {
  world w;
  const auto view = registered_views()[2];
  w.flip(view, page_key(one, partition_no{0}, 0), 777);
  w.publish(one, 0);
  const auto step = w.views->step(view.name);
  REQUIRE_FALSE(step);
  CHECK(step.error().code == fault_code::view_poisoned);
  follow(*w.views, view.name);
  for (const auto& status : w.views->status()) CHECK(status.life == view_life::following);
  const auto stores = store::make_memory_view_stores();
  const auto fresh = open_all(w, *stores);
  follow(*fresh, view.name);
  CHECK(*w.views->dump_hash(view.name) == *fresh->dump_hash(view.name));
  CHECK(queries{*w.views, w.log(), w.lists()}.target(one, target_id{10})->value->published);
}

}  // namespace
}  // namespace bestow::projections::testing
