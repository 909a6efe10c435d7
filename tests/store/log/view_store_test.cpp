// What every view store promises: memory and LMDB alike.
#include <filesystem>
#include <fstream>
#include <memory>

#include "store/view_store.hpp"
#include "tests/catch.hpp"
#include "tests/store/log/temp_directory.hpp"

namespace {

using namespace bestow;
using namespace bestow::store;
using bestow::testing::temp_directory;

class memory_factory {
 public:
  [[nodiscard]] auto get() -> view_store_factory& { return *factory_; }
  void restart() {}

 private:
  std::unique_ptr<view_store_factory> factory_ = make_memory_view_stores();
};

class lmdb_factory {
 public:
  lmdb_factory() { restart(); }
  [[nodiscard]] auto get() -> view_store_factory& { return *factory_; }
  [[nodiscard]] auto directory() const -> const temp_directory& { return directory_; }
  void restart() { factory_ = make_lmdb_view_stores(directory_.path(), 64U << 20U).value(); }

 private:
  temp_directory directory_;
  std::unique_ptr<view_store_factory> factory_;
};

using row = std::pair<std::string, std::string>;

auto rows_of(const view_reader& reader, std::string_view from = {}, std::size_t count_max = 1'000)
    -> std::vector<row> {
  std::vector<row> out;
  REQUIRE(reader
              .scan(from,
                    [&](std::string_view key, std::string_view value) {
                      out.emplace_back(key, value);
                      return out.size() < count_max;
                    })
              .has_value());
  return out;
}
auto rows_in(const view_store& store) -> std::vector<row> {
  return rows_of(*store.begin_read().value());
}
auto checkpoint_at(std::uint64_t at) -> view_checkpoint {
  view_checkpoint out{{at}, {}};
  out.frame_hash.fill(static_cast<std::byte>(at));
  return out;
}
void put(view_store& store, const std::vector<row>& rows, std::uint64_t at) {
  auto writer = store.begin_write().value();
  for (const auto& [key, value] : rows) REQUIRE(writer->put(key, value).has_value());
  REQUIRE(writer->set_checkpoint(checkpoint_at(at)).has_value());
  REQUIRE(writer->commit().has_value());
}

TEMPLATE_TEST_CASE("a new view is empty and begins before the first event", "[contract]",
                   memory_factory, lmdb_factory) {
  TestType factory;
  const auto store = factory.get().open("totals", 1, 1).value();
  const auto reader = store->begin_read().value();
  CHECK(reader->checkpoint().value() == view_checkpoint{});
  CHECK(rows_of(*reader).empty());
  CHECK_FALSE(reader->get("a")->has_value());
}

TEMPLATE_TEST_CASE("rows and checkpoint become visible together, and last", "[contract]",
                   memory_factory, lmdb_factory) {
  TestType factory;
  {
    const auto store = factory.get().open("totals", 1, 1).value();
    put(*store, {{"a", "1"}}, 5);
    auto writer = store->begin_write().value();
    REQUIRE(writer->put("a", "2").has_value());
    REQUIRE(writer->put("b", "").has_value());
    REQUIRE(writer->set_checkpoint(checkpoint_at(9)).has_value());
    const auto before = store->begin_read().value();
    CHECK(before->get("a")->value() == "1");
    CHECK(before->checkpoint().value() == checkpoint_at(5));
    REQUIRE(writer->commit().has_value());
    // The reader that began before still sees its own moment.
    CHECK(before->get("a")->value() == "1");
    CHECK_FALSE(before->get("b")->has_value());
    CHECK(before->checkpoint().value() == checkpoint_at(5));
    CHECK(rows_in(*store) == std::vector<row>{{"a", "2"}, {"b", ""}});
  }
  factory.restart();
  const auto store = factory.get().open("totals", 1, 1).value();
  CHECK(rows_in(*store) == std::vector<row>{{"a", "2"}, {"b", ""}});
  CHECK(store->begin_read().value()->checkpoint().value() == checkpoint_at(9));
}

TEMPLATE_TEST_CASE("a transaction that is not committed leaves nothing", "[contract]",
                   memory_factory, lmdb_factory) {
  TestType factory;
  const auto store = factory.get().open("totals", 1, 1).value();
  put(*store, {{"a", "1"}, {"b", "2"}}, 3);
  {
    auto writer = store->begin_write().value();
    REQUIRE(writer->put("a", "changed").has_value());
    REQUIRE(writer->erase("b").has_value());
    REQUIRE(writer->set_checkpoint(checkpoint_at(4)).has_value());
  }
  CHECK(rows_in(*store) == std::vector<row>{{"a", "1"}, {"b", "2"}});
  CHECK(store->begin_read().value()->checkpoint().value() == checkpoint_at(3));
}

TEMPLATE_TEST_CASE("a writer sees its own changes", "[contract]", memory_factory, lmdb_factory) {
  TestType factory;
  const auto store = factory.get().open("totals", 1, 1).value();
  put(*store, {{"b", "1"}, {"d", "2"}, {"f", "3"}}, 1);
  auto writer = store->begin_write().value();
  REQUIRE(writer->put("a", "new").has_value());
  REQUIRE(writer->put("d", "changed").has_value());
  REQUIRE(writer->erase("f").has_value());
  REQUIRE(writer->erase("never there").has_value());
  REQUIRE(writer->put("g", "last").has_value());
  REQUIRE(writer->set_checkpoint(checkpoint_at(2)).has_value());
  CHECK(writer->get("d")->value() == "changed");
  CHECK_FALSE(writer->get("f")->has_value());
  CHECK(writer->get("b")->value() == "1");
  CHECK(writer->checkpoint().value() == checkpoint_at(2));
  const std::vector<row> expected{{"a", "new"}, {"b", "1"}, {"d", "changed"}, {"g", "last"}};
  CHECK(rows_of(*writer) == expected);
  CHECK(rows_of(*writer, "c") == std::vector<row>(expected.begin() + 2, expected.end()));
  REQUIRE(writer->commit().has_value());
  CHECK(rows_in(*store) == expected);
  CHECK_FALSE(writer->put("h", "late").has_value());
  CHECK_FALSE(writer->commit().has_value());
}

TEMPLATE_TEST_CASE("a scan goes in byte order from any key and stops when told", "[contract]",
                   memory_factory, lmdb_factory) {
  TestType factory;
  const auto store = factory.get().open("totals", 1, 1).value();
  const std::string high{"\xFF\x01", 2};
  const std::string zero{"a\0b", 3};
  put(*store, {{high, "4"}, {"b", "3"}, {zero, "2"}, {"a", "1"}}, 1);
  const auto reader = store->begin_read().value();
  CHECK(rows_of(*reader) == std::vector<row>{{"a", "1"}, {zero, "2"}, {"b", "3"}, {high, "4"}});
  CHECK(rows_of(*reader, "aa") == std::vector<row>{{"b", "3"}, {high, "4"}});
  CHECK(rows_of(*reader, "b", 1) == std::vector<row>{{"b", "3"}});
  CHECK(rows_of(*reader, "\xFF\xFF").empty());
}

TEMPLATE_TEST_CASE("keys of 1 to 511 bytes are taken, others refused", "[contract]",
                   memory_factory, lmdb_factory) {
  TestType factory;
  const auto store = factory.get().open("totals", 1, 1).value();
  auto writer = store->begin_write().value();
  CHECK_FALSE(writer->put("", "x").has_value());
  CHECK_FALSE(writer->put(std::string(512, 'k'), "x").has_value());
  CHECK(writer->put(std::string(511, 'k'), std::string(100'000, 'v')).has_value());
  REQUIRE(writer->commit().has_value());
  CHECK(rows_in(*store).at(0).second.size() == 100'000);
  CHECK_FALSE(factory.get().open("../escape", 1, 1).has_value());
  CHECK_FALSE(factory.get().open("", 1, 1).has_value());
}

TEMPLATE_TEST_CASE("a reader outlives the store it came from", "[contract]", memory_factory,
                   lmdb_factory) {
  TestType factory;
  auto store = factory.get().open("totals", 1, 1).value();
  put(*store, {{"a", "1"}}, 1);
  const auto reader = store->begin_read().value();
  store.reset();
  CHECK(reader->get("a")->value() == "1");
}

TEMPLATE_TEST_CASE("versions and generations are apart, and a flip keeps one generation",
                   "[contract]", memory_factory, lmdb_factory) {
  TestType factory;
  put(*factory.get().open("totals", 1, 1).value(), {{"a", "old"}}, 1);
  put(*factory.get().open("totals", 1, 2).value(), {{"a", "rebuilt"}}, 2);
  put(*factory.get().open("totals", 2, 1).value(), {{"a", "next version"}}, 3);
  put(*factory.get().open("totals_b", 1, 1).value(), {{"a", "other view"}}, 4);
  CHECK(factory.get().serving("totals", 1).value() == 1);
  REQUIRE(factory.get().flip("totals", 1, 2).has_value());
  factory.restart();
  CHECK(factory.get().serving("totals", 1).value() == 2);
  CHECK(factory.get().serving("totals", 2).value() == 1);
  CHECK(rows_in(*factory.get().open("totals", 1, 2).value()).at(0).second == "rebuilt");
  CHECK(rows_in(*factory.get().open("totals", 1, 1).value()).empty());
  CHECK(rows_in(*factory.get().open("totals", 2, 1).value()).at(0).second == "next version");
  CHECK(rows_in(*factory.get().open("totals_b", 1, 1).value()).at(0).second == "other view");
}

TEST_CASE("a view's file is not opened twice and an unreadable one starts empty", "[contract]") {
  lmdb_factory factory;
  auto store = factory.get().open("totals", 1, 1).value();
  put(*store, {{"a", "1"}}, 1);
  CHECK_FALSE(factory.get().open("totals", 1, 1).has_value());
  store.reset();
  const auto path = factory.directory().file("totals.v1.g1.mdb");
  REQUIRE(std::filesystem::exists(path));
  std::ofstream{path, std::ios::binary} << std::string(20'000, '?');
  store = factory.get().open("totals", 1, 1).value();
  CHECK(rows_in(*store).empty());
  CHECK(store->begin_read().value()->checkpoint().value() == view_checkpoint{});
}

TEST_CASE("a full view keeps its last commit", "[contract]") {
  const temp_directory directory;
  const auto factory = make_lmdb_view_stores(directory.path(), 256U << 10U).value();
  const auto store = factory->open("totals", 1, 1).value();
  put(*store, {{"a", "1"}}, 1);
  {
    auto writer = store->begin_write().value();
    result<void> answer;
    for (int i = 0; i < 100 && answer; ++i)
      answer = writer->put("key" + std::to_string(i), std::string(8'000, 'v'));
    if (answer) answer = writer->commit();
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().code == fault_code::log_full);
  }
  CHECK(rows_in(*store) == std::vector<row>{{"a", "1"}});
  put(*store, {{"b", "2"}}, 2);
  CHECK(rows_in(*store).size() == 2);
}

}  // namespace
