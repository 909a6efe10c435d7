// The sorted files of voucher tags: complete, exact to a tag, honest about damage.
#include "store/voucher_file.hpp"

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <vector>

#include "events/clock.hpp"
#include "tests/catch.hpp"
#include "tests/store/lists/scratch.hpp"

namespace {

using namespace bestow;
using bestow::testing::scratch_directory;

constexpr std::uint64_t seed = 4'711;
const auto always = [] { return true; };

auto cover_at(std::uint64_t at) -> store::voucher_cover {
  store::voucher_cover c;
  c.promotion = 9;
  c.seed = seed;
  c.covers = position{at};
  c.frame_hash[3] = std::byte{7};
  c.resume = stream_version{at * 2};
  return c;
}

/// Facts of `rows` numbers each at positions from + 1, from + 2, ...; the tags come from `tag`.
template <class Tag>
auto write(const std::string& path, const store::voucher_file* older, std::uint64_t from,
           std::uint64_t facts, std::uint32_t rows, Tag tag) -> store::voucher_file {
  auto w = store::voucher_file_writer::create(path, older, facts * rows, facts).value();
  for (std::uint64_t f = 1; f <= facts; ++f) {
    w.begin_fact(position{from + f});
    for (std::uint32_t r = 0; r < rows; ++r) REQUIRE(w.add(tag(from + f, r)));
  }
  return w.finish(cover_at(from + facts), always).value();
}

auto claims_of(const store::voucher_file& file, std::uint64_t tag)
    -> std::set<std::pair<std::uint64_t, std::uint32_t>> {
  std::set<std::pair<std::uint64_t, std::uint32_t>> found;
  file.find(tag, [&](const store::voucher_claim& c) {
    found.emplace(c.fact.value, c.row);
    return true;
  });
  return found;
}

auto number_tag(std::uint64_t fact, std::uint32_t row) -> std::uint64_t {
  return store::voucher_tag("V-" + std::to_string(fact) + "-" + std::to_string(row), seed);
}

TEST_CASE("every number of a voucher file is found where it stands, and few others pass",
          "[contract][uniqueness]") {
  const scratch_directory scratch;
  const auto path = scratch.path() + "/vouchers";
  static_cast<void>(write(path, nullptr, 0, 40, 1'000, number_tag));
  const auto file = store::voucher_file::open(path, 9, seed).value();
  CHECK(file.size() == 40'000);
  CHECK(file.cover().covers == position{40});
  CHECK(file.cover().resume == stream_version{80});
  CHECK(file.cover().frame_hash == cover_at(40).frame_hash);
  for (std::uint64_t f = 1; f <= 40; ++f)
    for (std::uint32_t r = 0; r < 1'000; ++r)
      REQUIRE(claims_of(file, number_tag(f, r)).contains({f, r}));
  std::uint64_t passed = 0;
  for (std::uint64_t f = 1'000; f < 1'100; ++f)
    for (std::uint32_t r = 0; r < 1'000; ++r) {
      REQUIRE(claims_of(file, number_tag(f, r)).empty());
      passed += file.may_hold(number_tag(f, r)) ? 1 : 0;
    }
  CHECK(passed < 1'000);  // One in a hundred.
}

TEST_CASE("tags that are not spread evenly are found too", "[unit][uniqueness]") {
  const auto skewed = [](std::uint64_t f, std::uint32_t r) -> std::uint64_t {
    const auto i = (f - 1) * 500 + r;
    return i < 400 ? 7 : (i < 900 ? i : ~0ULL - i % 3);
  };
  const auto file = write("", nullptr, 0, 4, 500, skewed);
  std::map<std::uint64_t, std::set<std::pair<std::uint64_t, std::uint32_t>>> model;
  for (std::uint64_t f = 1; f <= 4; ++f)
    for (std::uint32_t r = 0; r < 500; ++r) model[skewed(f, r)].emplace(f, r);
  for (const auto& [tag, claims] : model) CHECK(claims_of(file, tag) == claims);
  CHECK(claims_of(file, 6).empty());
  CHECK(claims_of(file, ~0ULL - 3).empty());
}

TEST_CASE("a file written over an older one holds both", "[contract][uniqueness]") {
  const scratch_directory scratch;
  const auto path = scratch.path() + "/vouchers";
  const auto first = write(path, nullptr, 0, 7, 300, number_tag);
  const auto second = write(path, &first, 100, 5, 200, number_tag);
  CHECK(second.size() == 7 * 300 + 5 * 200);
  CHECK(second.fact_count() == 12);
  CHECK(first.size() == 7 * 300);  // Still readable: its mapping outlives its name.
  const auto file = store::voucher_file::open(path, 9, seed).value();
  for (std::uint32_t r = 0; r < 200; ++r) {
    REQUIRE(claims_of(file, number_tag(3, r)).contains({3, r}));
    REQUIRE(claims_of(file, number_tag(105, r)).contains({105, r}));
  }
  for (std::uint64_t i = 1; i < file.size(); ++i) REQUIRE(file.tag(i - 1) <= file.tag(i));
  std::vector<bool> seen(file.size(), false);
  for (std::uint64_t i = 0; i < file.size(); ++i) seen[file.ordinal(i)] = true;
  for (const bool once : seen) REQUIRE(once);
}

TEST_CASE("an empty voucher file holds nothing", "[unit][uniqueness]") {
  const auto file = write("", nullptr, 0, 0, 0, number_tag);
  CHECK(file.size() == 0);
  CHECK(claims_of(file, 1).empty());
}

TEST_CASE("a writer that is stopped leaves the older file and nothing else",
          "[contract][uniqueness]") {
  const scratch_directory scratch;
  const auto path = scratch.path() + "/vouchers";
  const auto older = write(path, nullptr, 0, 1, 50, number_tag);
  auto w = store::voucher_file_writer::create(path, &older, 10, 1).value();
  w.begin_fact(position{2});
  for (std::uint32_t r = 0; r < 10; ++r) REQUIRE(w.add(number_tag(2, r)));
  CHECK_FALSE(w.add(1));  // More than announced.
  const auto stopped = w.finish(cover_at(2), [] { return false; });
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == fault_code::shutting_down);
  CHECK(store::voucher_file::open(path, 9, seed).value().size() == 50);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator{scratch.path()}) {
    static_cast<void>(entry);
    ++files;
  }
  CHECK(files == 1);
}

TEST_CASE("fewer numbers than a batch says are a fault", "[unit][uniqueness]") {
  auto w = store::voucher_file_writer::create("", nullptr, 10, 1).value();
  w.begin_fact(position{2});
  REQUIRE(w.add(1));
  const auto short_one = w.finish(cover_at(2), always);
  REQUIRE_FALSE(short_one);
  CHECK(short_one.error().code == fault_code::log_corrupt);
}

TEST_CASE("one flipped bit anywhere in a voucher file is noticed", "[contract][uniqueness]") {
  const scratch_directory scratch;
  const auto path = scratch.path() + "/vouchers";
  static_cast<void>(write(path, nullptr, 0, 2, 100, number_tag));
  REQUIRE(store::voucher_file::open(path, 9, seed));
  CHECK_FALSE(store::voucher_file::open(path, 10, seed));
  CHECK_FALSE(store::voucher_file::open(path, 9, seed + 1));
  const auto bytes = std::filesystem::file_size(path);
  const auto flip = [&](std::uint64_t at) {
    std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
    file.seekg(static_cast<std::streamoff>(at));
    const auto flipped = static_cast<char>(file.get() ^ 0x10);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(flipped);
  };
  constexpr std::uint64_t header_bytes = 112;  // The rest of its page is unused.
  for (std::uint64_t at = 0; at < bytes; at += at < header_bytes ? 1 : 37) {
    if (at >= header_bytes && at < 4'096) continue;
    flip(at);
    INFO("byte " << at);
    CHECK_FALSE(store::voucher_file::open(path, 9, seed));
    flip(at);
  }
  std::filesystem::resize_file(path, bytes - 1);
  CHECK_FALSE(store::voucher_file::open(path, 9, seed));
}

}  // namespace
