// Snapshots: right or not there.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include "store/snapshot_store.hpp"
#include "tests/catch.hpp"
#include "tests/store/log/temp_directory.hpp"

namespace {

using namespace bestow;
using namespace bestow::store;
using bestow::testing::temp_directory;

class memory_store {
 public:
  [[nodiscard]] auto get() -> snapshot_store& { return *store_; }

 private:
  std::unique_ptr<snapshot_store> store_ = make_memory_snapshots();
};
class file_store {
 public:
  [[nodiscard]] auto get() -> snapshot_store& { return *store_; }
  [[nodiscard]] auto directory() const -> const temp_directory& { return directory_; }

 private:
  temp_directory directory_;
  std::unique_ptr<snapshot_store> store_ = make_file_snapshots(directory_.path()).value();
};

const stream_id partition = stream_of(promotion_id{12}, partition_no{3});

auto sample(std::size_t size) -> snapshot {
  snapshot out;
  out.version = {5};
  out.at = {17};
  out.frame_hash.fill(std::byte{9});
  out.fold_version = 2;
  for (std::size_t i = 0; i < size; ++i) out.state.push_back(static_cast<std::byte>(i * 7));
  return out;
}
void check_equal(const snapshot& a, const snapshot& b) {
  CHECK(a.version == b.version);
  CHECK(a.at == b.at);
  CHECK(a.frame_hash == b.frame_hash);
  CHECK(a.fold_version == b.fold_version);
  CHECK(a.state == b.state);
}

TEMPLATE_TEST_CASE("a snapshot is read back as it was saved, the last one", "[contract]",
                   memory_store, file_store) {
  TestType store;
  CHECK_FALSE(store.get().load(partition, 2).has_value());
  REQUIRE(store.get().save(partition, sample(100)).has_value());
  REQUIRE(store.get().save(partition, sample(3)).has_value());
  REQUIRE(store.get().save(stream_of(promotion_id{12}), sample(0)).has_value());
  check_equal(store.get().load(partition, 2).value(), sample(3));
  check_equal(store.get().load(stream_of(promotion_id{12}), 2).value(), sample(0));
  store.get().erase(partition);
  store.get().erase(partition);
  CHECK_FALSE(store.get().load(partition, 2).has_value());
}

TEMPLATE_TEST_CASE("a snapshot of another fold version is not taken", "[contract]", memory_store,
                   file_store) {
  TestType store;
  REQUIRE(store.get().save(partition, sample(10)).has_value());
  CHECK_FALSE(store.get().load(partition, 1).has_value());
  CHECK_FALSE(store.get().load(partition, 3).has_value());
  CHECK(store.get().load(partition, 2).has_value());
}

TEST_CASE("a damaged snapshot is not taken, whichever bit or byte is wrong", "[contract]") {
  file_store store;
  REQUIRE(store.get().save(partition, sample(60)).has_value());
  const auto path = store.directory().file("partition-12-3.snap");
  std::ifstream in{path, std::ios::binary};
  const std::string good{std::istreambuf_iterator<char>{in}, {}};
  const auto with = [&](const std::string& content) {
    std::ofstream{path, std::ios::binary | std::ios::trunc} << content;
    return store.get().load(partition, 2).has_value();
  };
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    REQUIRE_FALSE(with(bad));
  }
  for (std::size_t size = 0; size < good.size(); ++size) REQUIRE_FALSE(with(good.substr(0, size)));
  CHECK_FALSE(with(good + "x"));
  CHECK(with(good));
  // Another stream's file under this name is not this stream's state.
  std::filesystem::copy_file(path, store.directory().file("partition-12-4.snap"));
  CHECK_FALSE(store.get().load(stream_of(promotion_id{12}, partition_no{4}), 2).has_value());
}

}  // namespace
